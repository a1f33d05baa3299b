"""LangChain's ensemble: its BM25 retriever and Chroma, fused by reciprocal ranks with equal weights.

Splitter, fusion and retrievers are as in its guides (1,000 characters, 200 of overlap). Chroma is kept on disk and in
step by the library's own indexing API, which embeds only what changed; the BM25 retriever lives in memory, and its
library offers nothing but to make it anew from all texts.
"""

from __future__ import annotations

from pathlib import Path

from langchain_chroma import Chroma
from langchain_classic.indexes import SQLRecordManager
from langchain_classic.indexes import index as keep_in_step
from langchain_classic.retrievers import EnsembleRetriever
from langchain_community.document_loaders import DirectoryLoader, TextLoader
from langchain_community.retrievers import BM25Retriever
from langchain_huggingface import HuggingFaceEmbeddings
from langchain_text_splitters import RecursiveCharacterTextSplitter
from worker import Job, run


class LangChain:
    libraries = (
        "langchain-classic", "langchain-community", "langchain-chroma", "langchain-huggingface",
        "langchain-text-splitters", "rank-bm25", "chromadb", "sentence-transformers", "torch",
    )  # fmt: skip

    def __init__(self, job: Job) -> None:
        self._depth, (self._length, self._overlap) = job.depth, job.splitting
        self._embeddings = HuggingFaceEmbeddings(
            model_name=str(job.model),
            model_kwargs={"model_kwargs": {"dtype": job.dtype}},
            encode_kwargs={"prompt": job.passage_prompt},
            query_encode_kwargs={"prompt": job.query_prompt},
        )

    def ingest(self, documents: Path, index: Path) -> None:
        index.mkdir(exist_ok=True)
        loader = DirectoryLoader(
            str(documents), glob="*.txt", loader_cls=TextLoader, loader_kwargs={"encoding": "utf-8"}
        )
        splitter = RecursiveCharacterTextSplitter(chunk_size=self._length, chunk_overlap=self._overlap)
        splits = splitter.split_documents(loader.load())
        self._chroma = Chroma("passages", self._embeddings, persist_directory=str(index))
        records = SQLRecordManager("passages", db_url=f"sqlite:///{index / 'records.sqlite'}")
        records.create_schema()
        keep_in_step(splits, records, self._chroma, cleanup="full", source_id_key="source", key_encoder="sha256")
        words = BM25Retriever.from_documents(splits, k=self._depth)
        vectors = self._chroma.as_retriever(search_kwargs={"k": self._depth})
        self._retrievers = {
            "hybrid": EnsembleRetriever(retrievers=[words, vectors], weights=[0.5, 0.5]),
            "vectors": vectors,
        }

    update = ingest

    def search(self, question: str, mode: str) -> list[str]:
        return [Path(found.metadata["source"]).name for found in self._retrievers[mode].invoke(question)]

    def passages(self) -> int:
        return len(self._chroma.get(include=[])["ids"])


run(LangChain)
