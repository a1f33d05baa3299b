"""Run folder: what a run keeps, and which run it is: one folder belongs to one run, of the same cases and the same code."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sectoreval.benchmark import Case
from sectoreval.context import Context
from sectoreval.results import CaseResult, read_results, write_whole
from sectorkit.errors import RequestError

NOT_RUN, ERROR = "not run", "error"  # what the failure of a case begins with that another run will ask again
_SPEC = "run.json"
_WRITTEN = ("results.json", "summary.json", "report.html", "report.md", "judged.json")


def begun(
    folder: Path, spec: Mapping[str, Any], cases: Mapping[str, Sequence[Case]], context: Context
) -> dict[str, Any]:
    """What the folder's run began with, written down by its first call.

    RequestError where the folder holds another run, one of other cases or documents, or one that is not finished and was
    begun by other code: their cases must not be mixed.
    """
    now = {
        "spec": dict(spec), "model": context.served.to_dict() if context.served else "none",
        "documents": context.fingerprints(), "cases": digest_of(cases), "code": code_hash(),
        "began": datetime.now(UTC).isoformat(timespec="seconds"),
    }  # fmt: skip
    path = folder / _SPEC
    if not path.exists():
        if (folder / "logs").exists() and any((folder / "logs").iterdir()):
            raise RequestError(f"{folder} holds logs of no run that is known; name another folder by --out")
        write_whole(path, json.dumps(now, ensure_ascii=False, indent=1) + "\n")
        return now
    before: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if other := [key for key in ("spec", "model", "documents", "cases") if before.get(key) != now[key]]:
        raise RequestError(
            f"{folder} holds a run of another {', '.join(other)}; name another folder by --out, or begin anew by --fresh"
        )
    if before["code"] != now["code"] and not finished(folder):
        raise RequestError(
            f"{folder} holds a run that was not finished, and the code has changed; begin anew by --fresh"
        )
    return before


def finished(folder: Path) -> bool:
    """Whether the folder's run has results in which no case is left to be asked."""
    if not (folder / "results.json").exists():
        return False
    return not any(left_to_ask(case) for arm in read_results(folder).arms for case in arm.cases)


def left_to_ask(case: CaseResult) -> bool:
    """Whether another run would ask the case again: it was not run, or a server failed."""
    return case.failure is not None and case.failure.startswith((NOT_RUN, ERROR))


def begin_anew(folder: Path) -> None:
    """Remove a run from its folder, and nothing that no run wrote. RequestError where there is no run."""
    if not folder.exists():
        return
    if not (folder / _SPEC).exists():
        if any(folder.iterdir()):
            raise RequestError(f"{folder} holds no run, and is not emptied; name another folder by --out")
        return
    shutil.rmtree(folder / "logs", ignore_errors=True)
    for name in (*_WRITTEN, _SPEC):  # what makes it a run goes last
        (folder / name).unlink(missing_ok=True)


def digest_of(cases: Mapping[str, Sequence[Case]]) -> str:
    """A hash of what is asked and of what is right."""
    said = {name: [(case.id, case.asked, case.gold) for case in of] for name, of in cases.items()}
    return hashlib.sha256(json.dumps(said, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def code_hash() -> str:
    """A hash over what makes prompts, searches and scores: the sources of the harness, the layer and the apps."""
    import sectoreval
    import sectorkit
    from sectorkit.app import app_names

    roots = [Path(str(package.__file__)).parent for package in (sectoreval, sectorkit)]
    specs = [importlib.util.find_spec(name) for name in app_names()]  # not imported: another app may not even load
    roots += [Path(spec.origin).parent for spec in specs if spec is not None and spec.origin]
    digest = hashlib.sha256()
    for root in roots:
        for file in sorted([*root.rglob("*.py"), *root.rglob("*.toml"), *root.rglob("*.jinja")]):
            digest.update(f"{root.name}/{file.relative_to(root).as_posix()}\n".encode() + file.read_bytes())
    return digest.hexdigest()
