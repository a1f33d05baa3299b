"""Known vectors: those of an app's sample passages, made before and kept beside them, so that a first start need not.

A passage is known by its whole text as the model is given it. Any other, and every passage under another model, is
embedded as ever: a file that is out of date costs time and nothing else.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sectorkit.errors import ConfigurationError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


def text_key(text: str) -> bytes:
    """Sixteen bytes that stand for a text."""
    return hashlib.sha256(text.encode()).digest()[:16]


def read_known(file: Path, fingerprint: str) -> dict[bytes, NDArray[np.float16]]:
    """Vector by the `text_key` of its text; empty where there is no file, or where another model made it.

    Raises ConfigurationError where the file is damaged.
    """
    import numpy as np

    if not file.exists():
        return {}
    try:
        with np.load(file, allow_pickle=False) as stored:
            if str(stored["fingerprint"]) != fingerprint:
                return {}
            keys, vectors = stored["keys"], stored["vectors"]
            return {row.tobytes(): vector for row, vector in zip(keys, vectors, strict=True)}
    except (OSError, ValueError, LookupError, EOFError, zipfile.BadZipFile) as error:
        raise ConfigurationError(
            f"{file} is damaged ({error}); remove it, and its passages are embedded here"
        ) from error


def write_known(file: Path, fingerprint: str, texts: Sequence[str], vectors: ArrayLike, *, corpus: Path) -> None:
    """Keep the vector of each text, `(len(texts), dimension)`, as float16; `corpus` is where the texts are from."""
    import numpy as np

    order = sorted(range(len(texts)), key=lambda n: text_key(texts[n]))  # of whichever index: the same bytes again
    keys = np.frombuffer(b"".join(text_key(texts[n]) for n in order), np.uint8).reshape(len(texts), 16)
    matrix = np.asarray(vectors, np.float16)[order]
    new = file.with_suffix(".new")
    with new.open("wb") as stream:
        np.savez(stream, fingerprint=fingerprint, corpus=corpus_digest(corpus), keys=keys, vectors=matrix)
    new.replace(file)


def is_current(file: Path, corpus: Path) -> bool:
    """Whether the file was written for the documents of `corpus` as they are, as they are read and as they are cut now."""
    import numpy as np

    with np.load(file, allow_pickle=False) as stored:
        return str(stored["corpus"]) == corpus_digest(corpus)


def corpus_digest(corpus: Path) -> str:
    """SHA-256 of all documents of a folder, of what is said about them, and of the passages that they become.

    The passages are cut by an estimate of their tokens, so that no model is needed.
    """
    from sectorkit.retrieval.chunk import chunk, context
    from sectorkit.retrieval.corpus import scan
    from sectorkit.retrieval.embed import estimate_tokens
    from sectorkit.retrieval.parse import parse

    sha = hashlib.sha256()
    for document in scan(corpus)[0]:
        sha.update(document.digest().encode())
        parsed = parse(document.path)
        for passage in chunk(parsed, source=document.source, metadata=document.metadata, count=estimate_tokens):
            sha.update(context(passage).encode())
    return sha.hexdigest()
