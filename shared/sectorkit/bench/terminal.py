"""What the command line prints for `sectorkit bench`: tables for a person, JSON for a program, a line a query."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from sectorkit.errors import RequestError
from sectorkit.parts import open_embedder
from sectorkit.terminal import err, needed_reranker, out, progress_bar

if TYPE_CHECKING:
    from sectorkit.bench.report import RetrievalReport
    from sectorkit.settings import Settings


def retrieval(
    settings: Settings, folder: Path, *, split: str, modes: Sequence[str], embedder: str | None, k: int,
    where: Mapping[str, Sequence[str]], limit: int | None, rebuild: bool, as_json: bool, results: Path | None,
) -> int:  # fmt: skip
    """Measure retrieval on a folder in BEIR's format, print the report, and write each query's results to a file."""
    from sectorkit.bench.beir import read_beir
    from sectorkit.bench.retrieval import check_options, measure_retrieval

    check_options(modes, k, limit)  # all that can be refused is refused before a model is loaded
    data = read_beir(folder, split)
    if embedder is not None:
        settings = settings.model_copy(update={"embed_model": embedder})
    if results is not None:
        _write(results, "")
    with progress_bar("starting") as progress:
        wanted = "reranked" in modes if modes else settings.rerank_model is not None
        reranker = needed_reranker(settings, progress) if wanted else None
        report = measure_retrieval(
            data, settings, open_embedder(settings, progress=progress, many=True), reranker=reranker, modes=modes, k=k,
            where=where, limit=limit, rebuild=rebuild, progress=progress,
        )  # fmt: skip
    if results is not None:
        _write(results, "".join(json.dumps(case, ensure_ascii=False) + "\n" for case in report.cases()))
    if as_json:
        print(json.dumps(report.to_dict(), ensure_ascii=False, indent=2))
    else:
        show(report)
    return 0


def show(report: RetrievalReport) -> None:
    """The report for a person: scores, differences, times, and what to know about them."""
    content = report.to_dict()
    about, index, ingestion = content["benchmark"], content["index"], content["ingestion"]
    n = f"n={content['n']}"
    if content["n"] < about["queries"]:
        n += f", a sample of {about['queries']} (seed {content['seed']})"
    outside = about["queries_outside_split"]
    out.print(f"[bold]{escape(about['folder'])}[/], split {escape(about['split'])}: {n} queries", end="")
    out.print(f"; {outside} others are outside the split" if outside else "")
    reranked = f", reranked by {escape(report.reranker)}" if report.reranker else ""
    out.print(f"{about['documents']:,} documents, {escape(report.embedder)}{reranked}; {escape(content['hardware'])}\n")

    names = list(report.modes[report.reference].scores)
    scores = Table("mode", *names, show_lines=True, title="mean [95 % interval over queries]", title_justify="left")
    for mode, one in report.modes.items():
        scores.add_row(mode, *(str(one.measures[name]).replace(" ", "\n", 1) for name in names))
    out.print(scores)
    if report.differences:
        table = Table("mode", "measure", "difference", "", title_justify="left")
        table.title = f"difference from {report.reference}, paired by query"
        for mode, found in report.differences.items():
            for name, estimate in found.items():
                table.add_row(mode, name, estimate.signed, estimate.verdict, end_section=name == names[-1])
        out.print(table)

    times = Table("milliseconds", "p50", "p95", "p99", "of", title="latency", title_justify="left")
    for label, ms in [
        *((f"search, {mode}", one["search_ms"]) for mode, one in content["modes"].items()),
        ("a query's embedding", content["query_embedding_ms"]),
    ]:
        if ms is not None:
            times.add_row(label, *(f"{ms[p]:.1f}" for p in ("p50", "p95", "p99")), str(ms["n"]))
    out.print(times)
    elsewhere = ", without the vectors, which a Chroma server keeps" if index["vectors_elsewhere"] else ""
    out.print(f"index: {index['passages']:,} passages, {index['bytes'] / 1e6:,.1f} MB on disk{elsewhere}")
    if ingestion is not None:
        out.print(
            f"ingestion: {ingestion['documents']:,} documents ({ingestion['passages']:,} passages) in "
            f"{ingestion['seconds']:,.1f} s, {ingestion['documents_per_second']:.2f} documents a second; embedding took "
            f"{ingestion['embedding_seconds']:,.1f} s of it ({ingestion['measured'][:10]})"
        )
    deepened = {mode: one["deepened"] for mode, one in content["modes"].items() if one["deepened"]}
    for mode, count in deepened.items():
        out.print(f"[dim]{count} searches ({mode}) went deeper to find enough documents; their whole time counts[/]")
    for note in content["notes"]:
        err.print(f"[yellow]note:[/] {escape(note)}")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RequestError(f"{path} cannot be written: {error.strerror}; name another --out FILE") from None
