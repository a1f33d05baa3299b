"""A runtime that pretends: small documents, a model that types slowly, stages that tests move by hand."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from langchain_core.documents import Document

from sectorkit.answer import Answer, Delta, Done, Event, Evidence, Reason, Request, Retrieved, Verdict
from sectorkit.app import SectorApp
from sectorkit.errors import RequestError, StoreError, UnknownName
from sectorkit.grounding import ground
from sectorkit.retrieval.manifest import StoredDocument
from sectorkit.retrieval.passage import Hit, Passage
from sectorkit.retrieval.words import stem, words
from sectorkit.runtime import Stage
from sectorkit.settings import Settings

HOSTILE = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script> ${window.pwned=1} {{constructor}}'
_NOISE = """\
Title I – General provisions

Section 1 – Purpose

1. This Ordinance protects the night's rest of residents and sets limits for music, building work and machines.
2. It applies in the whole of the city, except within the port, which has rules of its own.

Title II – Night hours

Section 4 – Night hours

1. Night hours are from 22:00 to 07:00 on working days, and from 23:00 to 08:00 on weekends and public holidays.

Section 5 – Premises with music

1. The sound level of a bar or a restaurant must not exceed 45 dB(A) at night, measured at the window of the nearest \
dwelling. In the old port the limit is 50 dB(A).
2. A licence holder keeps a log of measurements for two years and shows it to an inspector on request.
3. A breach is punished with a fine of VLM 400 to VLM 6,000; a third breach in one year suspends the licence.

Section 6 – Limits by district

District | Day | Night
Old Port | 60 dB(A) | 50 dB(A)
University | 55 dB(A) | 45 dB(A)
North Ward | 55 dB(A) | 42 dB(A)
"""
_RULE_2019 = """\
Article 3 – Thresholds

A contract for services must be put out to open tender from an estimated value of VLM 80,000.

Article 4 – Quotes

Below that value, three written quotes are enough.
"""
_RENT = """\
第三章 押金

第十二条 出租人收取的押金不得超过两个月的租金。押金应当在租赁合同终止后十四日内退还。

第十三条 出租人不得以任何名义收取额外费用。
"""
_ARABIC = """\
المادة 5

تبلغ رسوم بطاقة المقيم 120 وحدة في السنة، وتخفض إلى النصف لمن تجاوز الخامسة والستين.
"""
_HOSTILE_TEXT = f"""\
Remarks

The taxi association asks for {HOSTILE} more stands at the harbour, which is forty stands in all.
"""
REPLIES = {
    "loud": "The sound level of a bar must not exceed 45 dB(A) at night, measured at the window of the nearest "
    "dwelling [1]. In the old port the limit is 50 dB(A) [1]. Inspectors visit every bar twice a week.",
    "2020": "A contract for services had to be put out to open tender from an estimated value of VLM 80,000 [1].",
    "押金": "出租人收取的押金不得超过两个月的租金 [1]。",
    "بطاقة": "تبلغ رسوم بطاقة المقيم 120 وحدة في السنة [1].",
    "taxi": "The taxi association asks for more stands at the harbour, which is forty stands in all [1].",
    "fine": "A breach is punished with a fine of VLM 400 to VLM 6,000 [1].",
}


def _documents() -> dict[str, StoredDocument]:
    rows = [
        ("ordinance-noise-2021.md", "Ordinance No. 2021-14 on the Control of Noise", "en", "in_force", _NOISE, "2021-05-01", None),
        ("procurement-rule-2019.pdf", "Procurement Rule 2019 of the City of Velmora", "en", "superseded", _RULE_2019, "2019-01-01", "2023-06-30"),
        ("zh-housing-rental.md", "住房租赁管理办法", "zh", "in_force", _RENT, "2022-01-01", None),
        ("arabic.md", "لائحة بطاقة المقيم", "ar", "in_force", _ARABIC, "2024-01-01", None),
        ("hostile & co/<b>#1?.html", HOSTILE, "en", "final", _HOSTILE_TEXT, "2024-03-14", None),
    ]  # fmt: skip
    documents = {}
    for source, title, language, status, text, begins, ends in rows:
        metadata = {"title": title, "language": language, "status": status, "source": source, "kind": "ordinance",
                    "issuer": "Velmora City Council", "valid_from": begins, **({"valid_to": ends} if ends else {})}  # fmt: skip
        documents[source] = StoredDocument(source, "0", "indexed", None, (), title, metadata, text)
    return documents


class PretendIndex:
    """The documents above, a passage a section, found by shared words."""

    def __init__(self) -> None:
        self._documents = _documents()

    def document(self, source: str) -> StoredDocument:
        if source not in self._documents:
            raise UnknownName("document", source, list(self._documents))
        return self._documents[source]

    def passages_of(self, source: str) -> list[Passage]:
        document = self.document(source)
        passages, path, at = [], [], 0
        for block in document.text.strip().split("\n\n"):
            start = document.text.index(block, at)
            at = start + len(block)
            if len(block) < 60 and "\n" not in block and not block.endswith((".", "。")):
                path = [block] if block.startswith(("Title", "第三章")) else [*path[:1], block]
                continue
            heading = " › ".join(path)
            metadata = {**document.metadata, "locator": heading, "heading": heading, "start": start, "end": at}
            if source.endswith(".pdf"):
                metadata["page"] = 1 + len(passages)
                metadata["locator"] = f"p. {metadata['page']} › {heading}"
            passages.append(Document(id=f"{source}:{start}", page_content=block, metadata=metadata))
        return passages

    def search(self, question: str) -> list[Hit]:
        terms = set(map(stem, words(question)))
        found = []
        for passage in (p for source in self._documents for p in self.passages_of(source)):
            own = set(map(stem, words(f"{passage.metadata['title']} {passage.page_content}")))
            found.append(Hit(passage, len(terms & own) / (1 + len(terms)), {"lexical": 1}))
        return sorted(found, key=lambda hit: -hit.score)[:8]


@dataclass
class PretendRuntime:
    """What the page uses of a Runtime. `delay` is a word's; `reading` is the time until the first word."""

    apps: dict[str, SectorApp]
    delay: float = 0.0
    reading: float = 0.0
    documents: Stage = field(default_factory=lambda: Stage("documents", "ready", "214 passages", 1.0))
    model: Stage = field(default_factory=lambda: Stage("model", "ready", "qwen2.5-coder-0.5b", 1.0))
    searchable: bool = True
    settings: Settings = field(default_factory=lambda: Settings(audit=False))
    chat: Any = None
    asked: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    most_at_once: int = 0
    _now: int = 0
    _index: PretendIndex = field(default_factory=PretendIndex)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def rules_chat(self) -> Any:
        return self.chat

    def stages(self) -> tuple[Stage, ...]:
        return self.documents, self.model

    def index(self, app: str) -> PretendIndex | None:
        if app not in self.apps:
            raise UnknownName("app", app, list(self.apps))
        return self._index if self.searchable else None

    async def stream(self, app: str, request: Request) -> AsyncIterator[Event]:
        index = self.index(app)
        if index is None:
            raise StoreError("the documents are not ready yet: starting; try again in a moment")
        if len(request.question) > 4_000:
            raise RequestError(
                f"the question has {len(request.question):,} characters, and 4,000 are the limit; shorten it"
            )
        self.asked.append(request.question)
        with self._lock:
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        try:
            async for event in self._events(index, request):
                yield event
        finally:
            self._now -= 1
            self.closed.append(request.question)

    async def _events(self, index: PretendIndex, request: Request) -> AsyncIterator[Event]:
        began = time.perf_counter()
        hits = index.search(request.question)
        evidence = tuple(Evidence(n, hit, hit.passage.page_content) for n, hit in enumerate(hits[:5], start=1))
        yield Retrieved(tuple(hits), evidence, ())
        base = Answer(request.question, "abstained", "", hits=tuple(hits), evidence=tuple(h.id for h in hits[:5]))
        if self.model.state != "ready":
            text = "Without a model there is no written answer: these are the passages that were found."
            yield Done(_timed(replace(base, text=text, reason="model_unavailable"), began))
            return
        await asyncio.sleep(self.reading)
        raw = next((reply for key, reply in REPLIES.items() if key in request.question), "NOT IN THE DOCUMENTS")
        for count, word in enumerate(raw.split(" ")):
            await asyncio.sleep(self.delay)
            yield Delta(word if count == 0 else f" {word}")
        yield Done(_timed(_finish(base, raw, evidence), began))


def _finish(base: Answer, raw: str, evidence: Sequence[Evidence]) -> Answer:
    reason: Reason = "not_answered"
    if raw == "NOT IN THE DOCUMENTS":
        text = "The documents do not seem to answer this question. The closest passages are shown."
        return replace(base, text=text, reason=reason)
    grounded = ground(raw, evidence)
    verdict: Verdict = "supported" if all(c.supported or c.neutral for c in grounded.claims) else "partial"
    old = dict.fromkeys(c.title for c in grounded.citations if c.status == "superseded")
    notes = tuple(f"No longer in force: {title}. The answer describes an earlier time." for title in old)
    return replace(base, verdict=verdict, text=grounded.text, raw=raw, claims=grounded.claims,
                   citations=grounded.citations, notes=notes, model="qwen2.5-coder-0.5b",
                   usage={"prompt": 812, "completion": 54})  # fmt: skip


def _timed(answer: Answer, began: float) -> Answer:
    total = time.perf_counter() - began
    return replace(answer, timings={"retrieve": 0.08, "first_token": min(1.2, total), "total": total})


def pretend_app(name: str = "city_rules", **changes: object) -> SectorApp:
    app = SectorApp(
        name=name,
        title="Governance document search",
        tagline="Ask a city's ordinances, minutes and decisions, and open the passage behind every sentence.",
        corpus=Path("corpus"),
        instructions="",
        examples=(
            "From what value must a contract be put out to open tender?",
            "How loud may a bar be at night?",
            "Combien coûte la carte de résident pour stationner ?",
            "押金最多可以收几个月的租金？",
            "What were the procurement thresholds in 2020?",
        ),
        disclaimer="A demonstration on fictional documents. Check the cited passage before you rely on an answer.",
    )
    return replace(app, **changes)  # type: ignore[arg-type]
