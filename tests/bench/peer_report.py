"""What peers.py prints: quality with intervals, paired differences, seconds, memory. Failures are named, not left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from peer_sets import BenchSet

from sectorkit.bench.measures import score_rankings
from sectorkit.bench.report import percentiles
from sectorkit.stats import interval, paired

MEASURES = ("Recall@10", "nDCG@10", "MRR@10")
OURS = "sectorkit"
Found = Mapping[str, Any]  # what was measured of one system at one set


def score(bench: BenchSet, rounds: Sequence[Found]) -> dict[str, dict[str, dict[str, float]]]:
    """Each measure of each question by mode, from the first round; empty where that failed."""
    rankings = rounds[0]["ingest"].get("rankings", {})
    return {
        mode: {name: values for name, values in score_rankings(bench.qrels, found).items() if name in MEASURES}
        for mode, found in rankings.items()
    }


def show(results: Found) -> str:
    """All tables, in Markdown."""
    lines = [
        f"{results['machine']}; load {results['load'][0]:.1f} at the start; {results['measured']}",
        f"{results['embedder']} in {results['dtype']}, rounds: {results['rounds']}",
    ]
    for name, found in results["sets"].items():
        lines += ["", f"### {name}: {found['documents']} documents, {found['questions']} questions", ""]
        for table in (_quality, _differences, _speed, _updates):
            lines += [*table(found["systems"]), ""]
    if len(results["sets"]) > 1:
        questions = sum(found["questions"] for found in results["sets"].values())
        lines += [f"### all sets together: {questions} questions, each of the same weight", ""]
        lines += [*_quality(pooled(results)), "", *_differences(pooled(results)), ""]
    versions = {
        library: version
        for found in results["sets"].values()
        for _, ingest in _ingests(found["systems"])
        for library, version in ingest["versions"].items()
    }
    return "\n".join([*lines, ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))])


def pooled(results: Found) -> dict[str, Any]:
    """All sets as if they were one, of the systems that failed at none."""
    parts = [found["systems"] for found in results["sets"].values()]
    whole: dict[str, Any] = {}
    for system in parts[0]:
        scores = [part[system]["scores"] for part in parts]
        modes = scores[0] if all(scores) else {}
        whole[system] = {
            "rounds": [{"ingest": {} if modes else {"failed": "failed at one of the sets"}}],
            "scores": {
                mode: {
                    name: {f"{n} {key}": v for n, s in enumerate(scores) for key, v in s[mode][name].items()}
                    for name in MEASURES
                }
                for mode in modes
            },
        }
    return whole


def _quality(systems: Found) -> Iterator[str]:
    yield f"| | {' | '.join(MEASURES)} |\n|---|---|---|---|"
    for system, found in systems.items():
        for mode, scores in found["scores"].items():
            means = " | ".join(str(interval(list(scores[name].values()))) for name in MEASURES)
            yield f"| {system}, {mode} | {means} |"
        if not found["scores"]:
            yield f"| {system} | **failed**: {found['rounds'][0]['ingest']['failed']} | | |"


def _differences(systems: Found) -> Iterator[str]:
    """Sectorkit's hybrid search less a peer's hybrid, its vectors less a peer's vectors, paired by question."""
    ours = systems.get(OURS, {}).get("scores", {})
    if ours:
        yield f"| Sectorkit less | {' | '.join(MEASURES)} |\n|---|---|---|---|"
    for system, found in systems.items():
        for mode, theirs in found["scores"].items() if ours and system != OURS else ():
            gains = [paired(*_aligned(ours[mode][name], theirs[name])) for name in MEASURES]
            yield f"| {system}, {mode} | {' | '.join(f'{gain.signed} {gain.verdict}' for gain in gains)} |"


def _aligned(first: Mapping[str, float], second: Mapping[str, float]) -> tuple[list[float], list[float]]:
    return list(first.values()), [second[key] for key in first]


def _speed(systems: Found) -> Iterator[str]:
    yield (
        "| | passages | ingested in s | without embedding | a hybrid question p50 / p95 ms | without embedding | "
        "by vectors, without embedding | memory MB | disk MB |\n|---|---|---|---|---|---|---|---|---|"
    )
    for system, ingest in _ingests(systems):
        rounds = [turn["ingest"] for turn in systems[system]["rounds"] if "failed" not in turn["ingest"]]
        hybrid, vectors = (
            [s for turn in rounds for s in turn["question_seconds"][mode].values()] for mode in ("hybrid", "vectors")
        )
        yield (
            f"| {system} | {ingest['passages']} | {median(turn['seconds'] for turn in rounds):.1f} | "
            f"{median(turn['seconds'] - turn['embedding_seconds'] for turn in rounds):.1f} | "
            f"{_ms([s for s, _ in hybrid])} | {_ms([s - e for s, e in hybrid])} | {_ms([s - e for s, e in vectors])} | "
            f"{max(turn['memory_bytes'] for turn in rounds) / 1e6:.0f} | {ingest['bytes_on_disk'] / 1e6:.1f} |"
        )


def _updates(systems: Found) -> Iterator[str]:
    yield "| one document changed, a new process | s | passages embedded | of | the change is found |\n|---|---|---|---|---|"
    for system, found in systems.items():
        update = found["rounds"][0]["update"]
        if "failed" in update:
            yield f"| {system} | **failed**: {update['failed']} | | | |"
            continue
        ((changed, ranking),) = update["rankings"]["hybrid"].items()
        place = f"at rank {ranking.index(changed) + 1}" if changed in ranking else "**no**"
        seconds = median(turn["update"]["seconds"] for turn in found["rounds"] if "failed" not in turn["update"])
        yield f"| {system} | {seconds:.1f} | {update['embedded']} | {update['passages']} | {place} |"


def _ingests(systems: Found) -> Iterator[tuple[str, Any]]:
    """The systems whose first ingestion did not fail, with what it measured."""
    for system, found in systems.items():
        if "failed" not in (ingest := found["rounds"][0]["ingest"]):
            yield system, ingest


def _ms(seconds: Sequence[float]) -> str:
    found = percentiles(seconds)
    return "" if found is None else f"{found['p50']:.1f} / {found['p95']:.1f}"
