"""LlamaIndex's fusion: its BM25 retriever and its vector index, fused by reciprocal ranks, no question rewritten.

As in its guide to this retriever, passages have 256 tokens, which the small embedder reads whole (of the splitter's
default, 1,024, it would read a quarter). The overlap is the library's smaller default of 20 tokens: with the splitter's
200, which the guide leaves as it is, nearly every word is embedded several times. Everything is kept in its own files and brought up to date by
`refresh_ref_docs`, which embeds only what changed; the words are made anew.
"""

from __future__ import annotations

from pathlib import Path

from llama_index.core import Settings, SimpleDirectoryReader, StorageContext, VectorStoreIndex, load_index_from_storage
from llama_index.core.llms import MockLLM
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.retrievers import QueryFusionRetriever
from llama_index.embeddings.huggingface import HuggingFaceEmbedding
from llama_index.retrievers.bm25 import BM25Retriever
from worker import Job, run


class LlamaIndex:
    libraries = (
        "llama-index-core", "llama-index-retrievers-bm25", "llama-index-embeddings-huggingface", "bm25s",
        "sentence-transformers", "torch",
    )  # fmt: skip

    def __init__(self, job: Job) -> None:
        self._depth, (length, overlap) = job.depth, job.splitting
        Settings.embed_model = HuggingFaceEmbedding(
            model_name=str(job.model),
            query_instruction=job.query_prompt,
            text_instruction=job.passage_prompt,
            model_kwargs={"dtype": job.dtype},
        )
        Settings.llm = MockLLM()  # asked for nothing: one query is the question itself
        Settings.transformations = [SentenceSplitter(chunk_size=length, chunk_overlap=overlap)]

    def ingest(self, documents: Path, index: Path) -> None:
        self._keep(VectorStoreIndex.from_documents(read(documents)), index)

    def update(self, documents: Path, index: Path) -> None:
        kept = load_index_from_storage(StorageContext.from_defaults(persist_dir=str(index)))
        kept.refresh_ref_docs(read(documents))
        self._keep(kept, index)

    def _keep(self, made: VectorStoreIndex, folder: Path) -> None:
        made.storage_context.persist(str(folder))
        words = BM25Retriever.from_defaults(docstore=made.docstore, similarity_top_k=self._depth)
        words.persist(str(folder / "bm25"))
        vectors = made.as_retriever(similarity_top_k=self._depth)
        fused = QueryFusionRetriever(
            [vectors, words], similarity_top_k=2 * self._depth, num_queries=1, mode="reciprocal_rerank"
        )
        self._index, self._retrievers = made, {"hybrid": fused, "vectors": vectors}

    def search(self, question: str, mode: str) -> list[str]:
        return [found.node.metadata["file_name"] for found in self._retrievers[mode].retrieve(question)]

    def passages(self) -> int:
        return len(self._index.docstore.docs)


def read(folder: Path) -> list:  # type: ignore[type-arg]
    return SimpleDirectoryReader(str(folder), filename_as_id=True).load_data()


run(LlamaIndex)
