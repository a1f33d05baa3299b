"""Your own multiple-choice questions: `--data FILE`, JSON Lines, one question a line:

    {"id": "q1", "question": "...", "options": ["...", "..."], "answer": "B", "cluster": "...", "groups": {"topic": "..."}}

`answer` is a letter, or the right option's own text. `id` is the line's number where there is none; `cluster` names what
questions share, and `groups` break a report down; both may be missing. Up to ten options.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sectoreval.benchmark import Case
from sectoreval.choice import LETTERS
from sectoreval.choices import choice_benchmark, choice_case
from sectoreval.context import Context
from sectoreval.own import checked_groups, checked_ids
from sectorkit.bench.jsonl import field, read_jsonl
from sectorkit.errors import ConfigurationError


def cases(context: Context) -> list[Case]:
    """The file's questions. ConfigurationError names a malformed line."""
    path = context.own("a file of questions in JSON Lines")
    return checked_ids(path, [(number, _case(path, number, entry)) for number, entry in read_jsonl(path)])


def _case(path: Path, number: int, entry: dict[str, Any]) -> Case:
    question, options = field(path, number, entry, "question", str), field(path, number, entry, "options", list)
    if not 2 <= len(options) <= len(LETTERS) or not all(isinstance(o, str) and o.strip() for o in options):
        raise ConfigurationError(f'{path}, line {number}: "options" should be two to {len(LETTERS)} texts')
    answer = field(path, number, entry, "answer", str)
    if answer in options:
        right = options.index(answer)
    elif len(answer) == 1 and answer in LETTERS[: len(options)]:
        right = LETTERS.index(answer)
    else:
        raise ConfigurationError(
            f'{path}, line {number}: "answer" should be one of the options or a letter from A to {LETTERS[len(options) - 1]}'
        )
    groups = checked_groups(path, number, entry)
    return choice_case(
        str(entry.get("id", number)), question, options, right, groups=groups, cluster=str(entry.get("cluster", ""))
    )


BENCHMARK = choice_benchmark(
    name="own_choices", title="Multiple-choice questions of your own", sector="own", source=None, options=len(LETTERS), cases=cases, takes=("data",),
)  # fmt: skip
