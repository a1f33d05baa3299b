"""Reports: a diagnosis becomes the draft of a nonconformance report or an 8D report; forms.toml says which section holds what."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from functools import partial
from pathlib import Path

from manufacturing_qa.diagnosis import Diagnosis, Plant
from sectorkit.drafts import Draft, Line, fill_in
from sectorkit.limits import is_about, is_for
from sectorkit.quoting import Placed, beside, nearest, quotes_of
from sectorkit.retrieval.index import Index
from sectorkit.safety import warnings_of
from sectorkit.times import is_in_force

FORMS = tomllib.loads((Path(__file__).parent / "forms.toml").read_text(encoding="utf-8"))
_MODES, _ROWS = 3, 2  # failure modes that a report names, where no more limits are exceeded, and rows of each
# "Write the serial number … into the assembly record": what an instruction wants to be written down.
_TO_NOTE = re.compile(r"^(?:\d+[.)]\s*)?((?:Write|Record|Enter)\b.*\b(?:in|into|on)\b.*|.*(?:填写|记入|写入).*)$", re.M)


def report(form: str, found: Diagnosis, *, plant: Plant, index: Index, made: date) -> Draft:
    """The draft of "NCR" or "8D". What nobody has reported and no document says is left to a named role."""
    over = [f for f in found.findings if f.state == "exceeded"]
    exceeded = [(f, (quote,)) for f, quote in zip(over, quotes_of(index, (f.limit for f in over)), strict=True)]
    causes = found.causes[: max(_MODES, sum(bool(cause.level) for cause in found.causes))]
    rows = [row for cause in causes for row in cause.rows[:_ROWS]]
    mine = [d for d in index.documents() if is_for(found.machine, str(d.metadata.get("machine") or ""))]
    others = [d for d in mine if is_in_force(d.metadata, made)]
    past = [d.source for d in others if d.metadata.get("status") == "final"]
    rules = [d.source for d in others if d.source not in past]
    asked = [found.symptoms, " ".join([found.machine, found.symptoms, *(cause.mode for cause in causes)])]
    tables: list[Placed] = [*(row.quote for row in plant.fmea), *plant.limits.limits]
    about = partial(is_about, found.machine, plant.machines)
    said, records = (nearest(index, asked, sources, without=tables, wanted=about) for sources in (rules, past))
    warnings = dict.fromkeys(warning for quote in said for warning in warnings_of(quote, index))
    blocks = {
        "machine": [Line(found.machine, "Machine", reported=True)],
        "symptoms": [Line(found.symptoms, "What was noticed", reported=True)] if found.symptoms.strip() else [],
        "readings": [Line(text, name.capitalize(), reported=True) for name, text in found.readings.items()],
        "problems": [Line(problem, by="maintenance") for problem in found.problems],
        "missing": [Line(label=name.capitalize(), by="maintenance") for name in found.ask],
        "limits": [Line(f"{f.computed} ({f.limit.level}): {f.limit.mode}", f.limit.name, cited) for f, cited in exceeded],
        "checks": [Line(f.limit.check, "Check", cited, by="maintenance") for f, cited in exceeded if f.limit.check],
        "modes": [Line(r.cells["Effect"], c.mode, (r.quote,)) for c in causes for r in c.rows[:1]],
        "causes": [Line(r.cells["Cause"], f"Possible cause, {r.mode}", (r.quote,)) for r in rows if r.cells.get("Cause")],
        "actions": [Line(done, r.mode, (r.quote,)) for r in rows if (done := r.cells.get("Recommended action"))],
        "instructions": [Line(q.quote, citations=(q,)) for q in said if not any(q.quote in w.quote for w in warnings)],
        "notes_to_take": [Line(quote.quote, citations=(quote,), by="production") for quote in beside(index, said, _TO_NOTE)],
        "warnings": [Line(quote.quote, citations=(quote,)) for quote in warnings],
        "records": [Line(quote.quote, citations=(quote,)) for quote in records],
    }  # fmt: skip
    return fill_in(FORMS[form], blocks, about=found.machine, made=made)
