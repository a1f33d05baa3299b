"""A sentence-transformers model: as PyTorch runs it, and as OpenVINO does: the same vectors in up to half the time.

The only home of openvino. A model is compiled once, which takes PyTorch and a minute or so in a process of its own, and
is kept beside its files; what was compiled needs no PyTorch any more.

python -m sectorkit.retrieval.compiled MODEL_DIR MAX_TOKENS
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
import time
import warnings
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sectorkit.apart import last_words, run_apart
from sectorkit.models.hardware import detect
from sectorkit.progress import Progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FOLDER = "openvino"
_REFUSED = "refused.txt"
_ALIKE = 0.9999  # cosine of both vectors of a text, at least
_PROBES = (
    "night",
    "A sentence of some ten words, with a number: 12 500.",
    "押金不得超过两个月租金。",
    "a long text " * 150,
)


def is_compiled(model_dir: Path) -> bool:
    """Whether the model in `model_dir` was compiled, or refused, before."""
    return (model_dir / FOLDER).exists()


def usable() -> bool:
    """Whether OpenVINO is installed here and there is no GPU, which is faster anyway."""
    return importlib.util.find_spec("openvino") is not None and detect().kind == "cpu"


def helps() -> bool:
    """Whether OpenVINO, which computes in float32, is worth compiling for: not where bfloat16 is faster."""
    return not detect().bfloat16 or str(fastest_dtype()) == "torch.float32"


class CompiledModel:
    """What `compile_model` left in a folder of `model_dir`, ready to run."""

    def __init__(self, model_dir: Path, *, max_tokens: int, folder: str = FOLDER) -> None:
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(model_dir / "tokenizer.json"))
        self._tokenizer.enable_truncation(max_tokens)
        self._tokenizer.enable_padding()
        options = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        self._run: Any = _openvino().Core().compile_model(str(model_dir / folder / "model.xml"), "CPU", options)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, `(len(texts), dimension)`: of one batch."""
        import numpy as np

        read = self._tokenizer.encode_batch(list(texts))
        tokens = np.array([text.ids for text in read], np.int64)
        attended = np.array([text.attention_mask for text in read], np.int64)
        vectors = self._run([tokens, attended])[0]
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def compile_model(model_dir: Path, *, max_tokens: int, progress: Progress) -> str | None:
    """Compile the model in `model_dir` where that was not done before; why it cannot be used, or None.

    It is tried on a few texts: where its vectors are not PyTorch's, it is refused for good. What `progress` raises ends
    the work.
    """
    folder = model_dir / FOLDER
    if not folder.exists():
        doing = "compiling the embedding model for this processor (once)"
        done = run_apart(__name__, str(model_dir), str(max_tokens), going_on=lambda: progress(doing))
        if done.returncode:
            return last_words(done)
    refused = folder / _REFUSED
    return refused.read_text(encoding="utf-8") if refused.exists() else None


def compile_here(model_dir: Path, max_tokens: int) -> None:
    """Compile it in this process, and keep the result or the refusal.

    Refused is a model that cannot be traced, or that comes out otherwise. Any other failure, as by a full disk, is
    raised and leaves nothing.
    """
    from filelock import FileLock

    folder = model_dir / FOLDER
    with FileLock(model_dir / "openvino.lock"):
        if folder.exists():
            return
        new = folder.with_name(f"{FOLDER}.new")
        shutil.rmtree(new, ignore_errors=True)  # of a process that was killed
        new.mkdir()
        model = in_pytorch(model_dir, device="cpu")
        try:
            traced = _traced(model)
        except Exception as error:  # of three libraries, whose ways to fail nobody lists
            (new / _REFUSED).write_text(f"{type(error).__name__}: {error}", encoding="utf-8")
        else:
            _save(traced, new / "model.xml")
            compiled = CompiledModel(model_dir, max_tokens=max_tokens, folder=new.name)
            if (alike := _likeness(model, compiled)) < _ALIKE:
                reason = f"its vectors are not those of PyTorch: cosine {alike:.4f}"
                (new / _REFUSED).write_text(reason, encoding="utf-8")
        new.rename(folder)  # tried or refused: what a kill leaves behind is used by nobody


def _openvino() -> Any:
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # it would report that it was imported
    import openvino

    return openvino


def in_pytorch(model_dir: Path, *, device: str | None = None, dtype: Any = None) -> Any:
    """The SentenceTransformer in `model_dir`, from local files and without code of theirs; on a GPU where there is one.

    `dtype` is a torch.dtype, float32 unless given.
    """
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # ours tells what is being done
    return SentenceTransformer(
        str(model_dir),
        device=device or ("cuda" if torch.cuda.is_available() else "cpu"),
        local_files_only=True,
        trust_remote_code=False,
        model_kwargs={"dtype": dtype or torch.float32},
    )


@cache
def fastest_dtype() -> Any:
    """The torch.dtype that a model is to run in here: bfloat16 where that takes less time than float32.

    On a processor it is tried, in a tenth of a second. Its flags do not tell: one that has `avx512_bf16` took nearly
    twice the time with it (docs/BENCHMARKS.md).
    """
    import torch

    if torch.cuda.is_available():
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    if not detect().bfloat16:
        return torch.float32

    def seconds(dtype: torch.dtype) -> float:
        texts, weights = torch.ones(512, 768, dtype=dtype), torch.ones(768, 768, dtype=dtype)
        times = []
        for _ in range(8):
            began = time.perf_counter()
            torch.nn.functional.linear(texts, weights)
            times.append(time.perf_counter() - began)
        return min(times)  # the one that was disturbed least

    return min(torch.float32, torch.bfloat16, key=seconds)


def _traced(model: Any) -> Any:
    import torch

    tokens = model[0].tokenizer(list(_PROBES[:2]), padding=True, return_tensors="pt")
    example = {"tokens": tokens["input_ids"], "attended": tokens["attention_mask"]}
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a trace cannot follow; the vectors are compared afterwards
        return _openvino().convert_model(_traceable(model), example_input=example)


def _save(traced: Any, target: Path) -> None:
    _openvino().save_model(traced, str(target))  # weights as float16: the vectors differ in the sixth digit


def _likeness(model: Any, compiled: CompiledModel) -> float:
    """The least cosine between both models' vectors of a text, alone and in a batch."""
    expected = model.encode(list(_PROBES), normalize_embeddings=True, show_progress_bar=False)
    alone = [compiled.encode([probe])[0] for probe in _PROBES]
    return min(
        float(a @ b) for found in (alone, compiled.encode(_PROBES)) for a, b in zip(expected, found, strict=True)
    )


def _traceable(model: Any) -> Any:
    """From tokens to the sentence's vector as one module, with masks that a trace can follow.

    transformers makes a model's attention masks by functions that no trace can follow, and takes ready ones instead:
    what is added to the attention of each token to each other, 0 or the lowest number; two of them, by name, where some
    layers look only so far.
    """
    import torch

    transformer, rest = model[0].auto_model, list(model)[1:]
    reach = getattr(transformer.config, "sliding_window", None)
    lowest = torch.tensor(torch.finfo(torch.float32).min)

    class Traceable(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.transformer, self.rest = transformer, torch.nn.ModuleList(rest)

        def forward(self, tokens: Any, attended: Any) -> Any:
            place = torch.arange(tokens.shape[1])
            real = attended[:, None, None, :].to(torch.bool).expand(-1, 1, tokens.shape[1], -1)
            mask: Any = torch.where(real, torch.tensor(0.0), lowest)
            if reach:
                near = ((place[:, None] - place[None, :]).abs() < reach)[None, None]
                some = torch.where(real & near, torch.tensor(0.0), lowest)
                mask = {"full_attention": mask, "sliding_attention": some}
            read = self.transformer(input_ids=tokens, attention_mask=mask)
            features = {"token_embeddings": read.last_hidden_state, "attention_mask": attended}
            for module in self.rest:
                features = module(features)
            return features["sentence_embedding"]

    return Traceable().eval()


if __name__ == "__main__":
    compile_here(Path(sys.argv[1]), int(sys.argv[2]))
