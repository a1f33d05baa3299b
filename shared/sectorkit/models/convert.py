"""GGUF to safetensors, in a process of its own so that the memory it takes is given back.

python -m sectorkit.models.convert model.gguf folder
"""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path


def convert(gguf: Path, folder: Path) -> None:
    """Write `folder` with bfloat16 safetensors, config, tokenizer and chat template, all from `gguf`.

    Raises ValueError where the tokenizer in it does not give a text back as it was, or has no chat template.
    """
    import gguf as gguf_package
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    # Read for the tokenizer, for the configuration and for the weights, at ten seconds each: once will do.
    gguf_package.GGUFReader = cache(gguf_package.GGUFReader)  # type: ignore[misc, assignment]

    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    for text in ("Is §4(2) met at 7 °C?", "Prüfung nach Übergabe", "合格证在哪里"):
        if tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"]) != text:
            raise ValueError(f"the tokenizer in {gguf.name} does not give {text!r} back")
    if not tokenizer.chat_template:
        raise ValueError(f"{gguf.name} holds no chat template")
    model = AutoModelForCausalLM.from_pretrained(
        gguf.parent,
        gguf_file=gguf.name,
        quantization_config=GgufConfig(dequantize=True),
        dtype=torch.bfloat16,
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    clean_config(folder / "config.json")
    for path in folder.iterdir():
        path.chmod(0o644)  # weights are saved for their owner alone; a container's user reads them too


def clean_config(path: Path) -> None:
    """Drop what would make a loader take the plain weights for quantized ones, and the uploader's name."""
    config = json.loads(path.read_text(encoding="utf-8"))
    for key in ("quantization_config", "_name_or_path", "_model_name_or_path"):
        config.pop(key, None)
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
