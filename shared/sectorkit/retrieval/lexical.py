"""LexicalIndex: the words of all passages, in Tantivy (BM25). The only home of tantivy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sectorkit.retrieval.chunk import context
from sectorkit.retrieval.passage import Passage
from sectorkit.retrieval.words import stem, words

if TYPE_CHECKING:
    import tantivy

Where = Mapping[str, str | Sequence[str]]
_STEM_WEIGHT = 0.5  # a shared stem is weaker evidence than the same word
_WRITER_BYTES = 64 * 2**20
_MAX_QUERY_TERMS = 256


class LexicalIndex:
    """Passages by their words. Terms come from `words`, so every script is searchable; one writer at a time."""

    def __init__(self, folder: Path) -> None:
        import tantivy

        builder = tantivy.SchemaBuilder()
        builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
        builder.add_text_field("facets", tokenizer_name="raw", index_option="basic")
        builder.add_text_field("words", tokenizer_name="whitespace", index_option="freq")
        builder.add_text_field("stems", tokenizer_name="whitespace", index_option="freq")
        folder.mkdir(parents=True, exist_ok=True)
        self._index: tantivy.Index = tantivy.Index(builder.build(), path=str(folder))

    def update(self, *, add: Iterable[Passage] = (), remove: Iterable[str] = ()) -> None:
        """Remove the ids of `remove`, replace or add the passages of `add`, in one commit."""
        import tantivy

        writer = self._index.writer(_WRITER_BYTES, 1)
        try:
            for gone in remove:
                writer.delete_documents("id", gone)
            for passage in add:
                writer.delete_documents("id", str(passage.id))
                terms = words(context(passage))
                document = tantivy.Document()
                document.add_text("id", str(passage.id))
                document.add_text("words", " ".join(terms))
                document.add_text("stems", " ".join(map(stem, terms)))
                for facet in _facets(passage.metadata):
                    document.add_text("facets", facet)
                writer.add_document(document)
            writer.commit()
        finally:
            writer.wait_merging_threads()
        self._index.reload()

    def search(self, query: str, k: int, *, where: Where | None = None) -> list[tuple[str, float]]:
        """The `k` best `(passage id, BM25 score)` for the words of `query`, best first; ids only, no texts."""
        import tantivy

        terms = words(query)[:_MAX_QUERY_TERMS]
        if not terms:
            return []
        self._index.reload()
        schema = self._index.schema
        occur, one = tantivy.Occur, tantivy.Query
        wanted: list[tuple[tantivy.Occur, tantivy.Query]] = []
        for term in dict.fromkeys(terms):
            wanted.append((occur.Should, one.term_query(schema, "words", term)))
        for term in dict.fromkeys(map(stem, terms)):
            wanted.append((occur.Should, one.boost_query(one.term_query(schema, "stems", term), _STEM_WEIGHT)))
        full = one.boolean_query(wanted)
        if where:
            clauses = [(occur.Must, full)]
            for key, value in where.items():
                values = [value] if isinstance(value, str) else list(value)
                any_of = [(occur.Should, one.term_query(schema, "facets", f"{key}={v}")) for v in values]
                clauses.append((occur.Must, one.const_score_query(one.boolean_query(any_of), 0.0)))
            full = one.boolean_query(clauses)
        searcher = self._index.searcher()
        found = searcher.search(full, k, count=False).hits
        return [(str(searcher.doc(address)["id"][0]), float(score)) for score, address in found]

    def coverage(self, query: str) -> float:
        """Share of the words of `query` that any passage has, in [0, 1].

        Near 1 where question and documents share a language, near 0 where they do not: how far a ranking by
        words can be trusted for this question.
        """
        terms = set(words(query))
        searcher = self._index.searcher()
        return sum(searcher.doc_freq("words", term) > 0 for term in terms) / len(terms) if terms else 0.0

    def __len__(self) -> int:
        self._index.reload()
        return int(self._index.searcher().num_docs)


def _facets(metadata: Mapping[str, Any]) -> list[str]:
    return [f"{key}={value}" for key, value in metadata.items() if isinstance(value, str | int | bool | float)]
