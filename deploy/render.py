"""Write compose.yaml: the template beside this file, with each model server's arguments from the catalogue.

    .venv/bin/python deploy/render.py --output deploy/compose.yaml
    .venv/bin/python deploy/render.py --hardware gpu --chat qwen3.5-9b --output deploy/my-compose.yaml

The command lines are those that `sectorkit models serve` would start, but for the address, the model's
folder, and the memory of a GPU that two servers share. Image tags follow deploy/requirements.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from sectorkit.errors import ConfigurationError, SectorkitError
from sectorkit.models.catalogue import ModelSpec, default_chat, find_model
from sectorkit.models.hardware import Gpu, Hardware
from sectorkit.models.server import build_command, build_environment
from sectorkit.settings import read_settings

HERE = Path(__file__).resolve().parent
Kind = Literal["cpu", "gpu"]
KINDS: tuple[Kind, ...] = ("cpu", "gpu")
IMAGES = {"cpu": "vllm/vllm-openai-cpu", "gpu": "vllm/vllm-openai"}
EMBED = "embeddinggemma-300m"
# What the committed file is for: a CPU with AVX-512, and GPUs of 24 GiB; eight, since the largest entries ask for them.
MACHINES = {
    "cpu": Hardware("cpu", (), 16.0, 4, frozenset({"avx512f"})),
    "gpu": Hardware("gpu", (Gpu("any", 24.0),) * 8, 64.0, 8, frozenset()),
}
GPU_SHARE = 0.92  # vLLM's default of --gpu-memory-utilization
INTERPRETER = 3  # python3 -m vllm.entrypoints.openai.api_server


def main(arguments: Sequence[str] | None = None) -> None:
    """Write or print the file, or say in one line why there is none."""
    parser = argparse.ArgumentParser(description="Write a compose file with the catalogue's vLLM arguments.")
    parser.add_argument("--hardware", choices=("cpu", "gpu", "both"), default="both", help="which profiles (both)")
    parser.add_argument("--chat", metavar="NAME", help="chat model, by default one for each profile's hardware")
    parser.add_argument("--embed", metavar="NAME", default=EMBED, help=f"embedding model ({EMBED})")
    parser.add_argument("--output", metavar="FILE", type=Path, help="by default it is printed")
    options = parser.parse_args(arguments)
    kinds = KINDS if options.hardware == "both" else (options.hardware,)
    try:
        text = render(kinds, chat=options.chat, embed=options.embed, home=read_settings().home)
    except SectorkitError as error:
        sys.exit(f"render: {error}")
    if options.output:
        options.output.write_text(text, encoding="utf-8")
    else:
        print(text, end="")


def render(
    kinds: Sequence[Kind] = KINDS, *, chat: str | None = None, embed: str = EMBED, home: Path | None = None
) -> str:
    """The compose file, with a profile for each kind of hardware.

    Raises UnknownName for a model that the catalogue does not name, ServerStartError for one that this
    hardware cannot serve, ConfigurationError where two cannot share a GPU.
    """
    embedder = find_model(embed, "embedding", home=home)
    chats = {kind: find_model(chat, "chat", home=home) if chat else default_chat(MACHINES[kind]) for kind in kinds}
    services = []
    for kind in kinds:
        services.append(model_service("embed", embedder, kind, vllm_arguments(embedder, kind)))
        services.append(model_service("chat", chats[kind], kind, beside(chats[kind], embedder, kind)))
    # Documents are embedded at once, so that server is waited for; of the other, the page says how far it is.
    waits = [
        f"      {name}-{kind}: {{condition: {condition}, required: false}}"
        for kind in kinds
        for name, condition in (("embed", "service_healthy"), ("chat", "service_started"))
    ]
    places = {
        "ENTRYPOINT": json.dumps(server_command(embedder, kinds[0])[:INTERPRETER]),
        "ENVIRONMENT": "\n".join(f"    {key}: {value}" for key, value in environment().items()),
        "MODEL_SERVICES": "\n".join(services),
        "PROFILES": json.dumps(list(kinds)),
        "CHROMA_IMAGE": f"chromadb/chroma:{pinned('chromadb', 'image.txt')}",
        "EMBED": embed,
        "EMBED_MOUNT": mount(embed, f"/var/lib/sectorkit/models/{embed}"),
        "DEPENDS": "\n".join(waits),
    }
    template = (HERE / "compose.template.yaml").read_text(encoding="utf-8")
    return re.sub(r"@([A-Z_]+)@", lambda place: places[place[1]], template)


def server_command(spec: ModelSpec, kind: Kind) -> list[str]:
    """The whole command line inside a container, where the server listens to the other containers."""
    command = build_command(
        spec, Path("/models") / spec.name, python=Path("python3"), port=8000, hardware=MACHINES[kind]
    )
    command[command.index("--host") + 1] = "0.0.0.0"
    return command


def vllm_arguments(spec: ModelSpec, kind: Kind) -> list[str]:
    """What follows the entry point."""
    return server_command(spec, kind)[INTERPRETER:]


def beside(chat: ModelSpec, embedder: ModelSpec, kind: Kind) -> list[str]:
    """The chat server's arguments; on a GPU its share of the memory leaves the embedding server its own."""
    arguments = vllm_arguments(chat, kind)
    if kind == "gpu":
        room = round(GPU_SHARE - gpu_share(vllm_arguments(embedder, kind)), 2)
        if room < 0.2:
            raise ConfigurationError(
                f"{embedder.name} leaves no room beside it on a GPU; choose a smaller embedding model"
            )
        if gpu_share(arguments) > room:
            if "--gpu-memory-utilization" in arguments:
                at = arguments.index("--gpu-memory-utilization")
                del arguments[at : at + 2]
            arguments += ["--gpu-memory-utilization", f"{room:g}"]
    return arguments


def gpu_share(arguments: Sequence[str]) -> float:
    """The share of a GPU's memory that a server takes, in (0, 1]."""
    flag = "--gpu-memory-utilization"
    return float(arguments[arguments.index(flag) + 1]) if flag in arguments else GPU_SHARE


def gpu_count(arguments: Sequence[str]) -> int:
    """How many GPUs a server spreads over."""
    count = 1
    for flag in ("--tensor-parallel-size", "--pipeline-parallel-size", "--data-parallel-size"):
        count *= int(arguments[arguments.index(flag) + 1]) if flag in arguments else 1
    return count


def environment() -> dict[str, str]:
    """vLLM's environment as `sectorkit` sets it, written below /tmp; as quoted YAML."""
    values = build_environment(Path("/tmp"), {}, hardware=MACHINES["cpu"]) | {
        "HOME": "/tmp",
        "USER": "vllm",
        "LOGNAME": "vllm",
        "VLLM_CPU_KVCACHE_SPACE": "${VLLM_CPU_KVCACHE_SPACE:-2}",
        "VLLM_CPU_NUM_OF_RESERVED_CPU": "${VLLM_CPU_NUM_OF_RESERVED_CPU:-1}",
    }
    return {key: json.dumps(value) for key, value in values.items()}


def model_service(name: str, spec: ModelSpec, kind: Kind, arguments: Sequence[str]) -> str:
    """One vLLM service, reached as `name` whatever the hardware."""
    lines = [
        f"  {name}-{kind}:",
        "    <<: *vllm",
        f"    profiles: [{kind}]",
        f"    image: {IMAGES[kind]}:v{pinned('vllm', 'vllm-gpu.txt')}",
        "    command:",
        # A CPU without AVX-512 is several times faster in float32: for whoever has one to say.
        flow(arguments).replace('"bfloat16"', '"${VLLM_CPU_DTYPE:-bfloat16}"' if kind == "cpu" else '"bfloat16"'),
        "    volumes:",
        mount(spec.name, f"/models/{spec.name}"),
        "    networks:",
        f"      inside: {{aliases: [{name}]}}",
    ]
    if kind == "gpu":
        devices = f"{{driver: nvidia, count: {gpu_count(arguments)}, capabilities: [gpu]}}"
        lines += [
            "    deploy:",
            "      resources:",
            "        reservations:",
            f"          devices: [{devices}]",
        ]
        if name == "chat":
            # Two servers that start at once on one GPU count each other's memory as their own.
            lines += ["    depends_on:", "      embed-gpu: {condition: service_healthy}"]
    return "\n".join(lines) + "\n"


def flow(arguments: Sequence[str]) -> str:
    """A YAML list over several lines; `$` doubled, since compose would read it as a variable."""
    text = ", ".join(json.dumps(argument.replace("$", "$$")) for argument in arguments)
    return textwrap.fill(
        f"[{text}]", 100, initial_indent=" " * 6, subsequent_indent=" " * 7,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def mount(model: str, target: str) -> str:
    """A pulled model's folder, read-only; an error where it was not pulled."""
    source = f"${{SECTORKIT_HOME:-${{HOME}}/.cache/sectorkit}}/models/{model}"
    return "\n".join(
        (
            "      - type: bind",
            f"        source: {source}",
            f"        target: {target}",
            "        read_only: true",
            "        bind: {create_host_path: false}",
        )
    )


def pinned(package: str, file: str) -> str:
    """The version of `package` that a requirements file pins."""
    text = (HERE / "requirements" / file).read_text(encoding="utf-8")
    found = re.search(rf"^{re.escape(package)}==([\w.]+)", text, re.MULTILINE)
    if found is None:
        raise LookupError(f"{file} does not pin {package}")
    return found[1]


if __name__ == "__main__":
    main()
