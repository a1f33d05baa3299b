"""How often questions to tables are understood: `python tests/bench/table_questions.py [--set developed] [--with-model]`.

Counts of the held-out set, with 95 % intervals (Wilson). "passed on" goes to the search and the model; "wrong" is what a user must
fear. Which questions these are is shown for the sets in view alone. With a model, the settings' own, what the rules pass on and a model
may write a query for is counted by itself; the examples that it sees are of other tables.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from manufacturing_qa import APP
from sectorkit.fakes import FakeEmbedder
from sectorkit.models.chat import connect
from sectorkit.parts import start_chat_server
from sectorkit.retrieval.index import Index
from sectorkit.settings import read_settings
from sectorkit.table_answers import tables_in
from sectorkit.table_naming import Tables
from sectorkit.table_proposals import examples, propose, table_for
from sectorkit.table_questions import Understood, understand

FOLDER = Path(__file__).parents[1] / "tables"
NOT_ONE = "not a table question"
ALONE = "wind-turbine-fmea.csv"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", choices=("developed", "computed", "asked", "second", "held-out"), default="held-out")
    parser.add_argument("--with-model", action="store_true")
    given = parser.parse_args()
    name = given.set
    with tempfile.TemporaryDirectory() as place:
        asked = Asked(Path(place))
        counts: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
        for case in read(name):
            said = asked.outcome(case)
            counts[case["kind"] != NOT_ONE][said] += 1
            if name != "held-out" and (said == "wrong" or (said == "passed on") != (case["kind"] == NOT_ONE)):
                print(f"{said}: {case['question']}")
        for answerable, found in counts.items():
            if not found:
                continue
            print(f"{'answerable' if answerable else 'not answerable'} by a query: {found.total()}")
            for outcome in ("right", "wrong", "passed on"):
                low, high = wilson(found[outcome], found.total())
                print(
                    f"  {outcome:10} {found[outcome]:4}  {found[outcome] / found.total():.3f} [{low:.3f}, {high:.3f}]"
                )
        others = [case for case in read("other-questions") if asked.understood(case, plant=True).whole]
        if given.with_model:
            asyncio.run(by_model(asked, name))
        print(f"intercepted of {len(read('other-questions'))} other questions: {len(others)}")


async def by_model(asked: Asked, name: str) -> None:
    """What becomes of the questions that the rules pass on, and of those that manuals answer."""
    settings = read_settings()
    server = None if settings.llm_url else start_chat_server(settings)
    chat, found, seconds = connect(settings, server=server), Counter[tuple[str, str]](), []
    try:
        cases = [case for case in read(name) if asked.outcome(case) == "passed on"]
        for case in [*cases, *read("other-questions")]:
            tables = asked.tables(case)
            frame = table_for(case["question"], tables)
            kind = "answered by manuals"
            if case in cases:
                kind = f"{case['table']}, {'none can answer' if case['kind'] == NOT_ONE else 'answerable'}"
            if frame is None:
                found[kind, "not asked"] += 1
                continue
            among = [one for one in examples() if one.columns != tuple(frame.kinds)]
            began = time.perf_counter()
            proposal = await propose(case["question"], tables, chat, among)
            got = proposal.understood if proposal else None
            seconds.append(time.perf_counter() - began)
            if got is None:
                found[kind, "refused"] += 1
                continue
            right = kind.endswith(", answerable") and got.frame.source == case["table"] and _is_right(case, got)
            outcome = f"{'right' if right else 'wrong'}, {'words left' if got.left else 'whole'}"
            found[kind, outcome] += 1
            if name != "held-out":
                print(f"{outcome}: {case['question']} -> {got.query.in_words()}")
    finally:
        if server is not None:
            server.stop()
    print(f"of what the rules pass on, with {chat.model_name}, {sum(seconds) / max(len(seconds), 1):.1f} s each:")
    for (kind, outcome), count in sorted(found.items()):
        print(f"  {kind}: {outcome}  {count}")


class Asked:
    """The plant's tables, the invented ones, the FMEA of a wind turbine and the two of the second set, each in an index of their own, in
    a folder: a question does not say which of two FMEAs it means."""

    def __init__(self, place: Path) -> None:
        self._tables = {"": _tables(place / "plant", APP.corpus)}
        for name, tables in {
            "others": [t for t in FOLDER.glob("*.csv") if t.name != ALONE],
            "alone": [FOLDER / ALONE],
            "second": list((FOLDER / "second").glob("*.csv")),
        }.items():
            (place / f"{name}-documents").mkdir()
            for table in tables:
                shutil.copy(table, place / f"{name}-documents")
            made = _tables(place / name, place / f"{name}-documents")
            self._tables |= {table.name: made for table in tables}

    def tables(self, case: Mapping[str, Any]) -> Tables:
        """The tables that a question is asked of."""
        return self._tables.get(str(case.get("table", "")), self._tables[""])

    def understood(self, case: Mapping[str, Any], *, plant: bool = False) -> Understood | _Nothing:
        """What its question is understood as."""
        name = "" if plant else str(case.get("table", ""))
        return understand(case["question"], self._tables.get(name, self._tables[""])) or _Nothing()

    def outcome(self, case: Mapping[str, Any]) -> str:
        """ "right", "wrong", or "passed on" to the search."""
        got = self.understood(case)
        if not isinstance(got, Understood) or not got.whole:
            return "passed on"
        return (
            "right"
            if case["kind"] != NOT_ONE and got.frame.source == case["table"] and _is_right(case, got)
            else "wrong"
        )


class _Nothing:
    whole = False


def _tables(folder: Path, documents: Path) -> Tables:
    index = Index.open(folder, FakeEmbedder())
    index.sync(documents)
    return tables_in(index)


def _is_right(case: Mapping[str, Any], got: Understood) -> bool:
    """Whether it has the value asked for, rests on the very rows, or has the groups with their values."""
    result = got.frame.run(got.query)
    first = result.rows[0] if result.rows else ()
    if "value" in case and any(_same(case["value"], value) for value in first[-1:] if len(result.rows) == 1):
        return True
    if not (got.query.aggregate or got.query.group_by):
        places = {row.start: n for n, row in enumerate(got.frame.table.rows, start=1)}
        used, rows = {places[row.start] for row in result.used}, set(case.get("rows", ()))
        if rows <= used <= rows | set(case.get("may", ())):
            return True
        return "value" in case and any(_same(case["value"], value) for value in first)
    return _plain(result.rows) == _plain(case.get("answer", ()))


def _same(first: Any, second: Any) -> bool:
    try:
        return math.isclose(float(first), float(second), rel_tol=0.005, abs_tol=0.006)
    except (TypeError, ValueError):
        return str(first).casefold() == str(second).casefold()


def _plain(rows: Sequence[Sequence[Any]]) -> list[tuple[str, ...]]:
    return sorted(tuple(f"{v:.2f}" if isinstance(v, int | float) else str(v) for v in row) for row in rows)


def read(name: str) -> list[dict[str, Any]]:
    """The questions of a set."""
    return [json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def wilson(k: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """A 95 % interval of a share."""
    if not n:
        return math.nan, math.nan
    share, half = k / n, z * math.sqrt(k / n * (1 - k / n) / n + z * z / (4 * n * n))
    return (share + z * z / (2 * n) - half) / (1 + z * z / n), (share + z * z / (2 * n) + half) / (1 + z * z / n)


if __name__ == "__main__":
    main()
