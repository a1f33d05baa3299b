"""The model server: a vLLM of our own, on loopback, started when needed and found again by other processes.

A state file beside each server says which process it is, with a mark (boot and start time) that no recycled
process id can share: only a process that the file proves to be ours is ever stopped. The server lives in a
session of its own, so it survives the process that started it, and the next start takes it up again.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, ValidationError

from sectorkit.errors import ServerStartError, UnknownName
from sectorkit.models.catalogue import ModelSpec
from sectorkit.models.hardware import Hardware, detect
from sectorkit.models.process import end_orphans, process_mark, reap, send
from sectorkit.models.serverlog import next_step, tail, what_it_does
from sectorkit.progress import Progress, silent
from sectorkit.settings import Settings

_STOP_SECONDS = 8.0  # a server of ours has nothing to save: answers under way are lost anyway
_POLL_SECONDS = 0.5


class ServerState(BaseModel):
    """What a state file holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    pid: int
    mark: str
    port: int
    log: Path


@dataclass(frozen=True)
class ModelServer:
    """A vLLM that was started here. `url` ends in /v1; `name` is the catalogue's, and what it serves."""

    name: str
    url: str
    pid: int
    mark: str
    log: Path
    state_file: Path
    started_here: bool = field(default=False, compare=False)
    """By the call that gave it back, and not found running: whoever started a server stops it."""

    @property
    def model(self) -> str:
        return self.name

    def alive(self) -> bool:
        """Whether its process still runs (it may still be loading)."""
        return process_mark(self.pid) == self.mark

    def ready(self) -> bool:
        """Whether it answers, and serves this model."""
        return self.alive() and _serves(self.url, self.name)

    def stop(self) -> None:
        """Stop it, its workers too, and forget it; nothing happens to a process that is not provably ours."""
        if self.alive():
            send(self.pid, self.mark, signal.SIGTERM)
            end = time.monotonic() + _STOP_SECONDS
            while self.alive() and time.monotonic() < end:
                reap(self.pid)
                time.sleep(0.1)
            if self.alive():
                send(self.pid, self.mark, signal.SIGKILL)
                while self.alive():
                    reap(self.pid)
                    time.sleep(0.05)
        end_orphans(self.pid, self.mark)
        self.state_file.unlink(missing_ok=True)


def build_command(spec: ModelSpec, model_dir: Path, *, python: Path, port: int, hardware: Hardware) -> list[str]:
    """The command line that serves `spec` on this hardware. ServerStartError where it cannot run here."""
    arguments = spec.vllm_gpu if hardware.kind == "gpu" else spec.vllm_cpu
    elsewhere = "choose a smaller one (sectorkit models list), or name a server in SECTORKIT_LLM_URL"
    if arguments is None:
        raise ServerStartError(f"{spec.name} ({spec.parameters}) needs a GPU and there is none here; {elsewhere}")
    gpus = 1
    for flag in ("--tensor-parallel-size", "--pipeline-parallel-size", "--data-parallel-size"):
        gpus *= int(arguments[arguments.index(flag) + 1]) if flag in arguments else 1
    if hardware.kind == "gpu" and gpus > len(hardware.gpus):
        raise ServerStartError(f"{spec.name} takes {gpus} GPUs and there are {len(hardware.gpus)} here; {elsewhere}")
    command = [str(python), "-m", "vllm.entrypoints.openai.api_server"]
    command += ["--model", str(model_dir), "--served-model-name", spec.name]
    command += ["--host", "127.0.0.1", "--port", str(port), "--disable-uvicorn-access-log", *arguments]
    if not hardware.serves_bfloat16 and "bfloat16" in command:
        command[command.index("bfloat16")] = "float32"
    if spec.reasoning:
        command += ["--reasoning-parser", spec.reasoning]
    if spec.kind != "chat":
        command += ["--runner", "pooling"]
    if spec.score_template:  # without it a language model that was made a reranker ranks nonsense
        command += ["--chat-template", str(Path(__file__).parent / spec.score_template)]
    return command


def build_environment(home: Path, inherited: dict[str, str], *, hardware: Hardware) -> dict[str, str]:
    """vLLM's environment: offline, telling nobody, writing below `home`, and without our own secrets.

    vLLM keeps one core of a processor free for its other work: half of two is too much (docs/BENCHMARKS.md).
    """
    ours = ("SECTORKIT_", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
    environment = {key: value for key, value in inherited.items() if not key.startswith(ours)}
    environment.setdefault("VLLM_CPU_KVCACHE_SPACE", "2")
    if hardware.kind == "cpu" and hardware.cores <= 2:
        environment.setdefault("VLLM_CPU_NUM_OF_RESERVED_CPU", "0")
    environment.setdefault("VLLM_CACHE_ROOT", str(home / "vllm"))
    environment.setdefault("VLLM_CONFIG_ROOT", str(home / "vllm"))
    environment |= {
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_DO_NOT_TRACK": "1",
        "DO_NOT_TRACK": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "VLLM_HOST_IP": "127.0.0.1",
        "PYTHONUNBUFFERED": "1",
    }
    return environment


def start_server(spec: ModelSpec, model_dir: Path, *, settings: Settings, progress: Progress = silent) -> ModelServer:
    """A server of `spec` that answers: one that runs already (or is loading), else a new one.

    Waits up to `settings.model_start_timeout`. ServerStartError holds the next step and the log's last lines.
    A server that this call started is stopped again where it fails or is interrupted.
    """
    settings.servers_dir.mkdir(parents=True, exist_ok=True)
    settings.logs_dir.mkdir(parents=True, exist_ok=True)
    child = None
    with FileLock(settings.servers_dir / f".{spec.name}.lock"):
        server = _running(spec.name, settings)
        if server is None:
            server, child = _launch(spec, model_dir, settings)
    if child is None:
        progress(f"{spec.name}: was started before, at {server.url}")
    try:
        _wait(server, settings.model_start_timeout, child, progress)
    except BaseException:
        if child is not None:
            server.stop()
        raise
    progress(f"{spec.name}: ready at {server.url}", 1.0)
    return replace(server, started_here=child is not None)


def running_servers(settings: Settings) -> list[ModelServer]:
    """The servers started here whose process still runs, by name; state files of dead ones are removed."""
    names = sorted(path.stem for path in settings.servers_dir.glob("*.json"))
    return [server for name in names if (server := _running(name, settings)) is not None]


def stop_server(name: str, settings: Settings) -> ModelServer:
    """Stop the server of that name, and give back which one it was; UnknownName lists those that run."""
    server = _running(name, settings)
    if server is None:
        raise UnknownName("running server", name, [s.name for s in running_servers(settings)])
    server.stop()
    return server


def _launch(spec: ModelSpec, model_dir: Path, settings: Settings) -> tuple[ModelServer, subprocess.Popen[bytes]]:
    port = _free_port(settings)
    python = settings.vllm_executable()
    hardware = detect()
    command = build_command(spec, model_dir, python=python, port=port, hardware=hardware)
    log = settings.logs_dir / f"{spec.name}.log"
    if log.exists():
        log.replace(log.with_suffix(".log.old"))
    with log.open("wb") as out:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # outlives us and our terminal, and its group is stopped as one
            cwd=settings.servers_dir,
            env=build_environment(settings.home, dict(os.environ), hardware=hardware),
        )
    mark = process_mark(child.pid)
    if mark is None:
        raise ServerStartError(f"{command[0]} ended at once with code {child.wait()}; see {log}\n{tail(log)}")
    state = ServerState(name=spec.name, pid=child.pid, mark=mark, port=port, log=log)
    path = settings.servers_dir / f"{spec.name}.json"
    half = path.with_suffix(".half")
    half.write_text(state.model_dump_json(), encoding="utf-8")
    half.replace(path)
    return _server(state, path), child


def _free_port(settings: Settings) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", settings.model_port))
        except OSError as error:
            ours = [s.name for s in running_servers(settings) if s.url.endswith(f":{settings.model_port}/v1")]
            who = f"our server of {ours[0]} (sectorkit models stop {ours[0]})" if ours else "another program"
            raise ServerStartError(
                f"port {settings.model_port} cannot be used ({error.strerror}): it is taken by {who}; "
                "set SECTORKIT_MODEL_PORT to another, or to 0 for any free one"
            ) from None
        return int(probe.getsockname()[1])


def _wait(server: ModelServer, timeout: float, child: subprocess.Popen[bytes] | None, progress: Progress) -> None:
    end = time.monotonic() + timeout
    # One that another process started is left to it; only what this call started is stopped by this call.
    left = "" if child else f"; should it hang, stop it: sectorkit models stop {server.name}"
    while not server.ready():
        if not server.alive():
            code = child.poll() if child else None  # after alive(): asked before, one that ends in between has none
            how = f" (code {code})" if code is not None else ""
            raise ServerStartError(
                f"the model server of {server.name} ended{how} before it was ready: "
                f"{next_step(server.log, code)}\nlast lines of {server.log}:\n{tail(server.log)}"
            )
        if time.monotonic() > end:
            raise ServerStartError(
                f"the model server of {server.name} was not ready within {timeout:.0f} s: set "
                f"SECTORKIT_MODEL_START_TIMEOUT higher, or choose a smaller model{left}\n"
                f"last lines of {server.log}:\n{tail(server.log)}"
            )
        doing, share = what_it_does(server.log)
        progress(f"{server.name}: {doing}", share)  # each time: whoever gives up the wait raises from here
        time.sleep(_POLL_SECONDS)


def _running(name: str, settings: Settings) -> ModelServer | None:
    path = settings.servers_dir / f"{name}.json"
    try:
        state = ServerState.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError:
        path.unlink(missing_ok=True)  # half a file proves nothing, and nothing is stopped on its word
        return None
    server = _server(state, path)
    if server.alive():
        return server
    end_orphans(state.pid, state.mark)
    path.unlink(missing_ok=True)
    return None


def _server(state: ServerState, path: Path) -> ModelServer:
    url = f"http://127.0.0.1:{state.port}/v1"
    return ModelServer(state.name, url, state.pid, state.mark, state.log, path)


def _serves(url: str, name: str) -> bool:
    import httpx

    try:
        # trust_env: a proxy from the environment has no business on loopback.
        with httpx.Client(timeout=3, trust_env=False) as client:
            if client.get(url.removesuffix("/v1") + "/health").status_code != 200:
                return False
            listed = client.get(f"{url}/models").json()
            return any(model["id"] == name for model in listed["data"])
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return False
