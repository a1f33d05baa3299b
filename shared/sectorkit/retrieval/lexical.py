"""LexicalIndex: the words of all passages, in Tantivy (BM25). The only home of tantivy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from math import log
from pathlib import Path
from typing import TYPE_CHECKING

from sectorkit.errors import StoreBroken
from sectorkit.retrieval.chunk import context
from sectorkit.retrieval.filters import Where, filterable
from sectorkit.retrieval.passage import Passage
from sectorkit.retrieval.words import words, words_and_pieces

if TYPE_CHECKING:
    import tantivy

_WRITER_BYTES = 64 * 2**20
_FIELDS = ("words", "pieces")
_MAX_QUERY_TERMS = {"words": 256, "pieces": 1024}
# The rarest terms of a query count: the others are noise of those who tell a story, and cost most. As few as lost nothing on
# the training questions of OMoS-QA and LeCoQA (docs/BENCHMARKS.md).
_MAX_TERMS = 64
# And how often these may occur, all in all: so many times, and so many more for each passage. A question's time is theirs.
_POSTINGS, _POSTINGS_A_PASSAGE = 500_000, 1.5


class LexicalIndex:
    """Passages by their words and the pieces of these, which count alike; any script; one writer at a time.

    Every method raises StoreBroken where the files fail.
    """

    def __init__(self, folder: Path) -> None:
        import tantivy

        builder = tantivy.SchemaBuilder()
        builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
        builder.add_text_field("facets", tokenizer_name="raw", index_option="basic")
        builder.add_text_field("words", tokenizer_name="whitespace", index_option="freq")
        builder.add_text_field("pieces", tokenizer_name="whitespace", index_option="freq")
        self._folder = folder
        with self._clear_errors():
            folder.mkdir(parents=True, exist_ok=True)
            self._index: tantivy.Index = tantivy.Index(builder.build(), path=str(folder))

    def update(self, *, add: Iterable[Passage] = (), remove: Iterable[str] = ()) -> None:
        """Remove the ids of `remove`, replace or add the passages of `add`, in one commit."""
        import tantivy

        with self._clear_errors():
            writer = self._index.writer(_WRITER_BYTES, 1)
            try:
                writer.garbage_collect_files()  # of a writer that was killed: their names may be wanted again
                for gone in remove:
                    writer.delete_documents("id", gone)
                for passage in add:
                    writer.delete_documents("id", str(passage.id))
                    document = tantivy.Document()
                    document.add_text("id", str(passage.id))
                    for field, terms in zip(_FIELDS, words_and_pieces(context(passage)), strict=True):
                        document.add_text(field, " ".join(terms))
                    for key, value in filterable(passage.metadata).items():
                        document.add_text("facets", f"{key}={value}")
                    writer.add_document(document)
                writer.commit()
            finally:
                writer.wait_merging_threads()
            self._index.reload()

    def search(self, query: str, k: int, *, where: Where | None = None) -> list[tuple[str, float]]:
        """The `k` best `(passage id, BM25 score)` for the words and pieces of `query`, best first; ids only, no texts."""
        import tantivy

        asked = dict(zip(_FIELDS, words_and_pieces(query), strict=True))
        if not asked["words"]:
            return []
        occur, one = tantivy.Occur, tantivy.Query
        with self._clear_errors():
            searcher = self._searcher()
            schema = self._index.schema
            terms = [
                (searcher.doc_freq(field, term), field, term, times)
                for field, terms in asked.items()
                for term, times in islice(Counter(terms).items(), _MAX_QUERY_TERMS[field])
            ]
            full = one.boolean_query(
                [
                    (occur.Should, one.boost_query(one.term_query(schema, field, term), 1 + log(times)))
                    for field, term, times in _affordable(terms, _POSTINGS + _POSTINGS_A_PASSAGE * searcher.num_docs)
                ]
            )
            if where:
                clauses = [(occur.Must, full)]
                for key, values in where.items():
                    any_of = [(occur.Should, one.term_query(schema, "facets", f"{key}={v}")) for v in values]
                    clauses.append((occur.Must, one.const_score_query(one.boolean_query(any_of), 0.0)))
                full = one.boolean_query(clauses)
            # No more than there are: the library makes room for all that it is asked for.
            found = searcher.search(full, max(1, min(k, searcher.num_docs)), count=False).hits
            return [(str(searcher.doc(address)["id"][0]), float(score)) for score, address in found]

    def coverage(self, query: str) -> float:
        """Share of the words of `query` that any passage has, in [0, 1].

        Near 1 where question and documents share a language, near 0 where they do not: how far a ranking by
        words can be trusted for this question.
        """
        terms = set(words(query))
        with self._clear_errors():
            searcher = self._index.searcher()
            return sum(searcher.doc_freq("words", term) > 0 for term in terms) / len(terms) if terms else 0.0

    def ids(self) -> set[str]:
        """All ids, for the consistency check."""
        import tantivy

        with self._clear_errors():
            searcher = self._searcher()
            found = searcher.search(tantivy.Query.all_query(), max(1, searcher.num_docs), count=False).hits
            return {str(searcher.doc(address)["id"][0]) for _, address in found}

    def __len__(self) -> int:
        with self._clear_errors():
            return int(self._searcher().num_docs)

    def _searcher(self) -> tantivy.Searcher:
        self._index.reload()
        return self._index.searcher()

    @contextmanager
    def _clear_errors(self) -> Iterator[None]:
        try:
            yield
        except (ValueError, OSError) as error:  # ValueError is the library's for everything, a full disk included
            raise StoreBroken(f"the words in {self._folder} cannot be used: {error}") from error


def _affordable(terms: list[tuple[int, str, str, int]], postings: float) -> Iterator[tuple[str, str, int]]:
    """`(field, term, times)` of `terms`, given with how many passages have each: the rarest, which have `postings` at most.

    Those that no passage has are left out, and the rarest of the others is always there.
    """
    spent = 0
    for passages, field, term, times in sorted(t for t in terms if t[0])[:_MAX_TERMS]:
        if spent and spent + passages > postings:
            return
        spent += passages
        yield field, term, times
