"""The command line. argparse, since `sectorkit --help` should not wait for a library; heavy parts load per command."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

from sectorkit.errors import RequestError, SectorkitError

if TYPE_CHECKING:
    from sectorkit.settings import Settings

Command = Callable[["Settings", argparse.Namespace], int | None]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command of `sectorkit`."""
    run_command("sectorkit", _options(arguments))


def run_command(
    program: str, options: argparse.Namespace, *, folders: Mapping[str, str] = MappingProxyType({})
) -> NoReturn:
    """Run `options.command` and exit; an expected error is one line on stderr and exit status 1.

    `folders` are environment variables of libraries and the folders below SECTORKIT_HOME that these keep files in;
    `options.stopped` is said where the command is interrupted, by Ctrl-C or as a service is.
    """
    # Before any library is imported: none of them may call home.
    for name in ("DO_NOT_TRACK", "HF_HUB_DISABLE_TELEMETRY", "VLLM_NO_USAGE_STATS"):
        os.environ.setdefault(name, "1")
    for name in ("ANONYMIZED_TELEMETRY", "GRADIO_ANALYTICS_ENABLED"):
        os.environ.setdefault(name, "False")
    os.environ.setdefault("LANGSMITH_TRACING", "false")
    from sectorkit.settings import read_settings

    command: Command = options.command
    for name in ("SIGTERM", "SIGHUP"):  # a service that is stopped, a terminal that is closed: as by Ctrl-C
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _interrupt)
    try:
        settings = read_settings()
        # Libraries that keep files of their own keep them in our folder.
        for variable, folder in {"HF_HOME": "hub", "GRADIO_TEMP_DIR": "gradio", **folders}.items():
            os.environ.setdefault(variable, str(settings.home / folder))
        sys.exit(command(settings, options) or 0)
    except SectorkitError as error:
        print(f"{program}: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        if said := getattr(options, "stopped", ""):
            print(f"{program}: {said}", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    if len(rest) == 1 and not rest[0].startswith("-") and getattr(options, "question", "") is None:
        options.question = rest[0]  # behind options, where argparse does not look for what may be left out
    elif rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sectorkit",
        description="Sector apps on open-weight models: search documents, answer with citations, serve models.",
        epilog="Settings are environment variables, such as SECTORKIT_HOME and SECTORKIT_LLM_URL: `sectorkit settings`.",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    demo = add_command(commands, "demo", _demo, "open the apps in a browser on a real model; Ctrl-C stops")
    demo.add_argument("apps", nargs="*", metavar="APP", help="by default all")
    demo.add_argument("--docs", type=Path, metavar="DIR", help="your own documents, for the one APP named")
    demo.add_argument("--no-model", action="store_true", help="search only")
    demo.add_argument("--no-browser", action="store_true", help="do not open a browser")

    ask = add_command(commands, "ask", _ask, "answer a question from an app's documents")
    _add_question(ask)
    ask.add_argument("--retrieval-only", action="store_true", help="show what the model would read, without a model")

    search = add_command(commands, "search", _search, "find passages")
    _add_question(search, several=True)
    search.add_argument("-k", type=int, default=10, help="how many passages (10)")
    search.add_argument("--mode", default="hybrid", help="lexical, dense, hybrid or reranked (hybrid)")

    index = _group(commands, "index", "bring an index up to date, or look at it")
    sync = add_command(index, "sync", _index_sync, "bring an app's index to its folder's state")
    _add_app(sync)
    sync.add_argument("--rebuild", action="store_true", help="make it anew, as after a change of the embedder")
    status = add_command(index, "status", _index_status, "what is in the index, and what could not be read")
    _add_app(status)

    vectors = add_command(
        index, "vectors", _index_vectors, "keep the vectors of an app's samples, for fast first starts"
    )
    vectors.add_argument("app", metavar="APP", help="such as governance_search")

    bench = _group(commands, "bench", "measure on a benchmark of your own")
    retrieval = add_command(bench, "retrieval", _bench_retrieval, "measure retrieval on a folder in BEIR's format")
    retrieval.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="it holds corpus.jsonl, queries.jsonl, qrels/SPLIT.tsv"
    )
    retrieval.add_argument("--split", default="test", help="which judgements (test)")
    retrieval.add_argument(
        "--mode", action="append", default=[], help="lexical, dense, hybrid or reranked; repeatable (all)"
    )
    retrieval.add_argument("--embedder", metavar="NAME", help="an embedding model of `sectorkit models list`")
    retrieval.add_argument("-k", type=int, default=10, help="documents that Recall@k looks at (10)")
    _add_where(retrieval, "documents")
    retrieval.add_argument("--limit", type=int, metavar="N", help="ask a seeded sample of N queries")
    retrieval.add_argument("--rebuild", action="store_true", help="index the documents anew")
    retrieval.add_argument("--json", action="store_true", help="print JSON")
    retrieval.add_argument("--out", type=Path, metavar="FILE", help="write each query's results there, as JSON Lines")

    models = _group(commands, "models", "fetch, check and serve models")
    for name, text in (
        ("list", "the catalogue, and what is here"),
        ("pull", "fetch a model and check its hashes"),
        ("verify", "check a model's files against their hashes"),
        ("serve", "serve a model by vLLM on this machine; Ctrl-C stops it"),
        ("status", "the servers that run"),
        ("stop", "stop a server that was started here"),
    ):
        one = add_command(models, name, _models, text)
        one.set_defaults(action=name)
        if name in ("pull", "verify", "serve", "stop"):
            optional = "?" if name in ("serve", "stop") else None
            one.add_argument("model", metavar="MODEL", nargs=optional, help="a name of `sectorkit models list`")
        if name == "serve":
            one.add_argument("--detach", action="store_true", help="leave it running and return when it is ready")

    add_command(commands, "settings", _settings, "the settings in force, and what each is for")
    return parser


def add_command(commands: Any, name: str, command: Command, text: str) -> argparse.ArgumentParser:
    """One more command, which runs `command`; `text` says what it does, in lower case and without a stop."""
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    parser.set_defaults(command=command)
    return parser


def _group(commands: Any, name: str, text: str) -> Any:
    parser = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    return parser.add_subparsers(title="commands", metavar="COMMAND", required=True)


def _add_app(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("app", metavar="APP", help="such as governance_search")
    parser.add_argument("--docs", type=Path, metavar="DIR", help="a folder of your own instead of the app's samples")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _add_question(parser: argparse.ArgumentParser, *, several: bool = False) -> None:
    _add_app(parser)
    if several:
        parser.add_argument("question", metavar="QUESTION", nargs="?")
        parser.add_argument("--queries", type=Path, metavar="FILE.jsonl", help='many: lines of {"id", "text"}')
    else:
        parser.add_argument("question", metavar="QUESTION")
    _add_where(parser, "passages")


def _add_where(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument(
        "--where", action="append", default=[], metavar="KEY=VALUE", help=f"only {what} with this metadata; repeatable"
    )


# -- commands -----------------------------------------------------------------------------------------------------


def _demo(settings: Settings, options: argparse.Namespace) -> int | None:
    from sectorkit.demo import demo

    return demo(settings, options.apps, docs=options.docs, model=not options.no_model, browser=not options.no_browser)


def _ask(settings: Settings, options: argparse.Namespace) -> int | None:
    from sectorkit.terminal import ask

    return ask(
        settings, options.app, options.question, docs=options.docs, where=_where(options.where),
        as_json=options.json, model=not options.retrieval_only,
    )  # fmt: skip


def _search(settings: Settings, options: argparse.Namespace) -> int | None:
    from sectorkit.terminal import search

    if (options.question is None) == (options.queries is None):
        raise RequestError("give either a QUESTION or --queries FILE.jsonl")
    return search(
        settings, options.app, options.question, queries=options.queries, docs=options.docs, k=options.k,
        where=_where(options.where), mode=options.mode, as_json=options.json,
    )  # fmt: skip


def _index_sync(settings: Settings, options: argparse.Namespace) -> int | None:
    from sectorkit.terminal import sync

    return sync(settings, options.app, docs=options.docs, rebuild=options.rebuild, as_json=options.json)


def _index_status(settings: Settings, options: argparse.Namespace) -> int | None:
    from sectorkit.terminal import index_status

    return index_status(settings, options.app, docs=options.docs, as_json=options.json)


def _index_vectors(settings: Settings, options: argparse.Namespace) -> int | None:
    from sectorkit.terminal import index_vectors

    return index_vectors(settings, options.app)


def _bench_retrieval(settings: Settings, options: argparse.Namespace) -> int | None:
    from sectorkit.bench.terminal import retrieval

    return retrieval(
        settings, options.data, split=options.split, modes=options.mode, embedder=options.embedder, k=options.k,
        where=_where(options.where), limit=options.limit, rebuild=options.rebuild, as_json=options.json,
        results=options.out,
    )  # fmt: skip


def _models(settings: Settings, options: argparse.Namespace) -> int | None:
    from sectorkit.models import commands

    match options.action:
        case "list":
            commands.list_models(settings)
        case "pull":
            commands.pull_model(settings, options.model)
        case "verify":
            commands.verify_model(settings, options.model)
        case "serve":
            commands.serve(settings, options.model, detach=options.detach)
        case "status":
            commands.status(settings)
        case _:
            commands.stop(settings, options.model)
    return None


def _settings(settings: Settings, options: argparse.Namespace) -> int | None:
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        print(f"SECTORKIT_{name.upper()}={'' if value is None else value}  # {field.description}")
    return None


def _where(clauses: Sequence[str]) -> dict[str, list[str]]:
    where: dict[str, list[str]] = {}
    for clause in clauses:
        key, equals, value = clause.partition("=")
        if not (key and equals and value):
            raise RequestError(f"--where {clause!r} is not KEY=VALUE, such as language=fr")
        where.setdefault(key.strip(), []).append(value.strip())
    return where


def read_queries(path: Path) -> list[tuple[str, str]]:
    """`(id, text)` of a JSON Lines file of {"id", "text"}; RequestError names a bad line."""
    queries = []
    try:
        lines = path.read_text(encoding="utf-8").split("\n")  # JSON strings may hold other line separators
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(f"{path} cannot be read: {error}") from None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            named = [entry[key] for key in ("id", "_id") if entry.get(key) is not None]
            if not isinstance(entry["text"], str):
                raise TypeError
            queries.append((str(named[0] if named else number), entry["text"]))
        except (json.JSONDecodeError, KeyError, TypeError, AttributeError):
            raise RequestError(f'{path}, line {number}: not an object with "text"') from None
    return queries
