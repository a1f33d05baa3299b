"""The model server's life: started, awaited, found again, stopped, and never mistaken for another process.

A small script stands in for vLLM: it takes the same command line and answers the same addresses.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import jinja2
import pytest

from sectorkit.errors import ConfigurationError, ServerStartError, UnknownName
from sectorkit.models.catalogue import find_model
from sectorkit.models.hardware import Gpu, Hardware
from sectorkit.models.process import process_mark
from sectorkit.models.server import (
    ServerState,
    build_command,
    build_environment,
    running_servers,
    start_server,
    stop_server,
)
from sectorkit.models.serverlog import next_step, what_it_does
from sectorkit.settings import Settings

SPEC = find_model("smollm2-135m")
CPU = Hardware("cpu", (), 16.0, 2, frozenset())
GPUS = Hardware("gpu", (Gpu("H200", 140.0),) * 8, 1000.0, 96, frozenset())
PYTHON = Path("python")

FAKE_VLLM = """
import http.server, json, os, subprocess, sys, time
arguments = sys.argv[1:]
name = arguments[arguments.index("--served-model-name") + 1]
port = int(arguments[arguments.index("--port") + 1])
mode = open(os.path.join(os.path.dirname(__file__), "mode")).read()
print("INFO non-default args: ...", flush=True)
if mode == "crash":
    print("Traceback\\nValueError: No available memory for the cache blocks", flush=True)
    sys.exit(1)
if mode == "hang":
    time.sleep(600)
if mode == "workers":
    worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    print(f"worker {worker.pid}", flush=True)
if mode == "stubborn":
    import signal
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
time.sleep(0.3)

class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass
    def do_GET(self):
        body = json.dumps({"data": [{"id": name, "max_model_len": 99}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    (tmp_path / "fake_vllm.py").write_text(FAKE_VLLM)
    (tmp_path / "mode").write_text("serve")
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} {tmp_path}/fake_vllm.py "$@"\n')
    python.chmod(0o755)
    made = Settings(home=tmp_path / "home", vllm_python=python, model_start_timeout=20)
    yield made
    for server in running_servers(made):
        server.stop()


@pytest.fixture
def mode(tmp_path: Path) -> Callable[[str], object]:
    return (tmp_path / "mode").write_text


# ---- the command line


def test_the_command_on_a_cpu() -> None:
    command = build_command(SPEC, Path("m"), python=PYTHON, port=8001, hardware=CPU)
    line = " ".join(command)
    assert command[:3] == ["python", "-m", "vllm.entrypoints.openai.api_server"]
    assert "--host 127.0.0.1 --port 8001" in line
    assert "--model m --served-model-name smollm2-135m" in line
    assert "--enforce-eager" in command
    assert "--reasoning-parser" not in command
    assert "trust" not in line


@pytest.mark.parametrize(
    ("flags", "dtype"), [({"avx2"}, "float32"), ({"avx2", "avx512f"}, "bfloat16"), ({"amx_bf16"}, "bfloat16")]
)
def test_a_cpu_without_kernels_for_bfloat16_is_served_in_float32(flags: set[str], dtype: str) -> None:
    here = Hardware("cpu", (), 16.0, 2, frozenset(flags))
    command = build_command(SPEC, Path("m"), python=PYTHON, port=8001, hardware=here)
    assert command[command.index("--dtype") + 1] == dtype


def test_a_reasoning_model_over_eight_gpus() -> None:
    spec = find_model("deepseek-v4.1-flash")
    line = " ".join(build_command(spec, Path("m"), python=PYTHON, port=1, hardware=GPUS))
    assert "--tensor-parallel-size 8" in line
    assert "--reasoning-parser deepseek_v41" in line


@pytest.mark.parametrize("name", ["embeddinggemma-300m", "bge-reranker-v2-m3"])
def test_what_does_not_chat_pools(name: str) -> None:
    line = " ".join(build_command(find_model(name), Path("m"), python=PYTHON, port=1, hardware=CPU))
    assert line.endswith("--runner pooling")


@pytest.mark.parametrize("name", ["qwen3-reranker-0.6b", "qwen3-reranker-4b", "qwen3-reranker-8b"])
def test_a_language_model_that_reranks_is_served_with_its_template(name: str) -> None:
    command = build_command(find_model(name), Path("m"), python=PYTHON, port=1, hardware=GPUS)
    template = Path(command[command.index("--chat-template") + 1])
    pair = [{"role": "query", "content": "How loud?"}, {"role": "document", "content": "Not {{ very }} loud."}]
    jinja = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)  # as transformers has it
    prompt = jinja.from_string(template.read_text()).render(messages=pair)
    assert prompt.startswith("<|im_start|>system\nJudge whether the Document meets the requirements")
    assert "\n<Query>: How loud?\n<Document>: Not {{ very }} loud.<|im_end|>\n" in prompt
    assert prompt.endswith("<|im_start|>assistant\n<think>\n\n</think>\n\n"), "the next token is yes or no"
    assert json.loads(command[command.index("--hf-overrides") + 1])["classifier_from_token"] == ["no", "yes"]


def test_too_few_gpus_are_said_before_anything_starts() -> None:
    two = Hardware("gpu", GPUS.gpus[:2], 100.0, 8, frozenset())
    with pytest.raises(ServerStartError, match=r"takes 8 GPUs and there are 2 here.*SECTORKIT_LLM_URL"):
        build_command(find_model("deepseek-v4-pro"), Path("m"), python=PYTHON, port=1, hardware=two)


def test_a_model_too_large_for_a_cpu_says_so() -> None:
    with pytest.raises(ServerStartError, match="needs a GPU"):
        build_command(find_model("qwen3.8-27b"), Path("m"), python=PYTHON, port=1, hardware=CPU)


def test_the_server_is_told_to_tell_nobody_and_gets_no_secrets(tmp_path: Path) -> None:
    told = build_environment(
        tmp_path, {"SECTORKIT_LLM_KEY": "k", "HF_TOKEN": "t", "PYTHONPATH": "p", "A": "1"}, hardware=CPU
    )
    assert told["A"] == "1"
    assert not {"SECTORKIT_LLM_KEY", "HF_TOKEN", "PYTHONPATH"} & set(told)
    for name in ("HF_HUB_OFFLINE", "VLLM_NO_USAGE_STATS", "DO_NOT_TRACK"):
        assert told[name] == "1"
    assert told["VLLM_CACHE_ROOT"].startswith(str(tmp_path))
    said = {"VLLM_CPU_KVCACHE_SPACE": "9", "VLLM_CPU_NUM_OF_RESERVED_CPU": "1"}
    assert said.items() <= build_environment(tmp_path, said, hardware=CPU).items()


def test_both_of_two_cores_compute(tmp_path: Path) -> None:
    """vLLM sets one core aside by itself, which of two is half the speed."""
    name = "VLLM_CPU_NUM_OF_RESERVED_CPU"
    assert build_environment(tmp_path, {}, hardware=CPU)[name] == "0"
    assert name not in build_environment(tmp_path, {}, hardware=replace(CPU, cores=8))
    assert name not in build_environment(tmp_path, {}, hardware=replace(GPUS, cores=2))


# ---- its life


def test_it_starts_is_found_from_another_process_and_stops(settings: Settings, tmp_path: Path) -> None:
    said: list[str] = []
    server = start_server(SPEC, tmp_path, settings=settings, progress=lambda m, f=None: said.append(m))
    assert server.alive()
    assert server.ready()
    assert server.url.startswith("http://127.0.0.1:")
    assert server.url.endswith("/v1")
    code = textwrap.dedent("""
        import sys; from pathlib import Path
        from sectorkit.models.server import running_servers, stop_server
        from sectorkit.settings import Settings
        settings = Settings(home=Path(sys.argv[1]))
        print([s.pid for s in running_servers(settings)])
        stop_server("smollm2-135m", settings)
    """)
    command = [sys.executable, "-c", code, str(settings.home)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"[{server.pid}]"
    assert not server.alive()
    assert running_servers(settings) == []
    assert any("ready at" in m for m in said)


def test_a_second_start_takes_up_the_first(settings: Settings, tmp_path: Path) -> None:
    first = start_server(SPEC, tmp_path, settings=settings)
    second = start_server(SPEC, tmp_path, settings=settings)
    assert second == first
    assert first.started_here
    assert not second.started_here


def test_two_starts_at_once_make_one_server(settings: Settings, tmp_path: Path) -> None:
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(start_server(SPEC, tmp_path, settings=settings))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({server.pid for server in found}) == 1
    assert len(found) == 3


def test_a_crash_shows_the_last_lines_and_the_next_step(
    settings: Settings, tmp_path: Path, mode: Callable[[str], object]
) -> None:
    mode("crash")
    with pytest.raises(ServerStartError, match="VLLM_CPU_KVCACHE_SPACE") as caught:
        start_server(SPEC, tmp_path, settings=settings)
    assert "No available memory" in str(caught.value)
    assert "last lines of" in str(caught.value)
    assert running_servers(settings) == []


def test_a_child_that_is_killed_while_loading_is_noticed_at_once(
    settings: Settings, tmp_path: Path, mode: Callable[[str], object]
) -> None:
    mode("hang")

    def kill() -> None:
        while not (servers := running_servers(settings)):
            time.sleep(0.05)
        os.kill(servers[0].pid, signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    began = time.monotonic()
    with pytest.raises(ServerStartError, match="it was killed"):
        start_server(SPEC, tmp_path, settings=settings)
    thread.join()
    assert time.monotonic() - began < 5


def test_a_server_that_never_gets_ready_is_given_up_and_stopped(
    settings: Settings, tmp_path: Path, mode: Callable[[str], object]
) -> None:
    mode("hang")
    hurried = settings.model_copy(update={"model_start_timeout": 1.0})
    with pytest.raises(ServerStartError, match="SECTORKIT_MODEL_START_TIMEOUT"):
        start_server(SPEC, tmp_path, settings=hurried)
    assert running_servers(settings) == []


def test_a_port_in_use_is_said_with_the_setting_to_change(settings: Settings, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        busy = settings.model_copy(update={"model_port": taken.getsockname()[1]})
        with pytest.raises(ServerStartError, match=r"taken by another program; set SECTORKIT_MODEL_PORT"):
            start_server(SPEC, tmp_path, settings=busy)


def test_a_port_held_by_our_own_other_server_names_it(settings: Settings, tmp_path: Path) -> None:
    server = start_server(SPEC, tmp_path, settings=settings)
    port = int(server.url.split(":")[2].split("/")[0])
    busy = settings.model_copy(update={"model_port": port})
    with pytest.raises(ServerStartError, match="sectorkit models stop smollm2-135m"):
        start_server(find_model("qwen2.5-coder-0.5b"), tmp_path, settings=busy)


def test_no_vllm_environment_names_both_ways_out(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, vllm_python=tmp_path / "none")
    with pytest.raises(ConfigurationError, match=r"make vllm.*SECTORKIT_LLM_URL"):
        start_server(SPEC, tmp_path, settings=settings)


def test_a_server_outlives_a_killed_starter_and_is_taken_up_again(settings: Settings, tmp_path: Path) -> None:
    code = textwrap.dedent("""
        import os, signal, sys; from pathlib import Path
        from sectorkit.models.catalogue import find_model
        from sectorkit.models.server import start_server
        from sectorkit.settings import Settings
        settings = Settings(home=Path(sys.argv[1]), vllm_python=Path(sys.argv[2]))
        start_server(find_model("smollm2-135m"), Path("."), settings=settings)
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    python = str(settings.vllm_python)
    done = subprocess.run([sys.executable, "-c", code, str(settings.home), python])
    assert done.returncode == -signal.SIGKILL
    (left,) = running_servers(settings)
    assert start_server(SPEC, tmp_path, settings=settings).pid == left.pid
    left.stop()
    assert not left.alive()


def test_a_server_that_ignores_the_polite_signal_is_killed(
    settings: Settings, tmp_path: Path, mode: Callable[[str], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sectorkit.models.server._STOP_SECONDS", 0.5)
    mode("stubborn")
    server = start_server(SPEC, tmp_path, settings=settings)
    server.stop()
    assert not server.alive()


def test_workers_of_a_killed_server_are_ended_too(
    settings: Settings, tmp_path: Path, mode: Callable[[str], object]
) -> None:
    mode("workers")
    server = start_server(SPEC, tmp_path, settings=settings)
    worker = int(server.log.read_text().split("worker ")[1].split()[0])
    os.kill(server.pid, signal.SIGKILL)
    os.waitpid(server.pid, 0)
    assert process_mark(worker) is not None
    assert running_servers(settings) == []
    deadline = time.monotonic() + 5
    while process_mark(worker) is not None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert process_mark(worker) is None


# ---- whose process it is


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def write_state(settings: Settings, pid: int, mark: str) -> Path:
    settings.servers_dir.mkdir(parents=True, exist_ok=True)
    path = settings.servers_dir / "smollm2-135m.json"
    state = ServerState(name="smollm2-135m", pid=pid, mark=mark, port=1, log=settings.home / "x.log")
    path.write_text(state.model_dump_json())
    return path


@pytest.mark.parametrize("mark", ["other-boot:1", "", "{boot}:1"])
def test_a_process_that_got_our_old_id_is_never_touched(
    settings: Settings, bystander: subprocess.Popen[bytes], mark: str
) -> None:
    boot = (process_mark(bystander.pid) or "").partition(":")[0]
    path = write_state(settings, bystander.pid, mark.format(boot=boot))
    assert running_servers(settings) == []
    with pytest.raises(UnknownName):
        stop_server("smollm2-135m", settings)
    assert bystander.poll() is None
    assert not path.exists()


def test_a_stale_handle_stops_nobody_either(
    settings: Settings, tmp_path: Path, bystander: subprocess.Popen[bytes]
) -> None:
    time.sleep(0.1)  # start times are kept to a hundredth of a second, and only the ids are exchanged here
    server = start_server(SPEC, tmp_path, settings=settings)
    server.stop()
    replace(server, pid=bystander.pid).stop()
    assert bystander.poll() is None


def test_half_a_state_file_proves_nothing(settings: Settings) -> None:
    settings.servers_dir.mkdir(parents=True)
    (settings.servers_dir / "smollm2-135m.json").write_text('{"pid": 1')
    assert running_servers(settings) == []


def test_stopping_what_does_not_run_lists_what_does(settings: Settings, tmp_path: Path) -> None:
    start_server(SPEC, tmp_path, settings=settings)
    with pytest.raises(UnknownName, match="known: smollm2-135m"):
        stop_server("other", settings)


# ---- its log


@pytest.mark.parametrize(
    ("line", "code", "step"),
    [
        ("OSError: [Errno 98] Address already in use", 1, "SECTORKIT_MODEL_PORT=0"),
        ("safetensors_rust.SafetensorError: header too large", 1, "sectorkit models verify"),
        ("ModuleNotFoundError: No module named 'vllm'", 1, "make vllm"),
        ("", -9, "memory ran out"),
        ("", -15, "signal 15"),
        ("something else", 1, "lines below"),
    ],
)
def test_the_next_step_is_read_off_the_log(tmp_path: Path, line: str, code: int, step: str) -> None:
    log = tmp_path / "log"
    log.write_text(line)
    assert step in next_step(log, code)


def test_the_log_tells_how_far_it_is(tmp_path: Path) -> None:
    log = tmp_path / "log"
    shares = [what_it_does(log)[1]]
    for line in (
        "non-default args",
        "Starting to load model",
        "Loading weights took 5 s",
        "Started server process",
    ):
        with log.open("a") as out:
            out.write(line + "\n")
        shares.append(what_it_does(log)[1])
    assert shares == sorted(shares)
    assert len(set(shares)) == len(shares)
