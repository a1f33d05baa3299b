"""The command line. argparse, as `sectorkit`'s: `sectoreval --help` waits for no library."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sectorkit.cli import add_command, run_command
from sectorkit.errors import RequestError

if TYPE_CHECKING:
    from sectorkit.settings import Settings

_GOES_ON = "stopped; the same command goes on from here"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command of `sectoreval`."""
    # Inspect keeps traces and samples that are under way below these.
    folders = {"XDG_DATA_HOME": "inspect", "XDG_CACHE_HOME": "inspect"}
    run_command("sectoreval", _parser().parse_args(arguments), folders=folders)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sectoreval",
        description="Score the apps and open-weight models on their sectors' benchmarks.",
        epilog="SECTOREVAL_DATA_DIR names a folder of data sets; without it, those that `sectoreval fetch` brought are read.",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    listed = add_command(commands, "list", _list, "the benchmarks, their arms, data, licences")
    listed.add_argument("--citations", action="store_true", help="how to cite each data set")

    fetch = add_command(commands, "fetch", _fetch, "get data sets from upstream, pinned and checked")
    fetch.add_argument("names", nargs="*", metavar="NAME", help="a benchmark or data set; by default every one")

    documents = add_command(
        commands, "documents", _documents, "write a benchmark's documents as files, for an app's --docs"
    )
    documents.add_argument("benchmark", metavar="BENCHMARK")
    documents.add_argument(
        "folder", type=Path, metavar="FOLDER", help="a new or empty folder, or one that this command wrote"
    )
    documents.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="an option of the benchmark's own"
    )
    documents.add_argument(
        "--data-dir", type=Path, metavar="DIR", help="a folder of data sets, instead of SECTOREVAL_DATA_DIR"
    )

    run = add_command(commands, "run", _run, "run benchmarks; the same command again goes on where it stopped")
    run.set_defaults(stopped=_GOES_ON)
    run.add_argument("benchmarks", nargs="*", metavar="BENCHMARK")
    run.add_argument("--arms", default="", metavar="A,B", help="by default all that a benchmark has, but reranked")
    run.add_argument("--model", metavar="NAME", help="of `sectorkit models list`, or its name at SECTORKIT_LLM_URL")
    run.add_argument("--limit", type=int, metavar="N", help="so many cases, drawn by the seed; by default all")
    run.add_argument("--seed", type=int, default=0)
    run.add_argument(
        "--debias",
        default="calibrated",
        metavar="HOW",
        help="permuted, calibrated, both by a comma, or none (calibrated)",
    )
    run.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="an option of a benchmark's own")
    run.add_argument(
        "--data", type=Path, metavar="PATH", help="the file or folder of own_retrieval, own_choices, own_questions"
    )
    run.add_argument("--embedder", metavar="NAME", help="an embedding model of `sectorkit models list`")
    run.add_argument("--concurrency", type=int, default=16, metavar="N", help="cases at a time (16)")
    run.add_argument(
        "--data-dir", type=Path, metavar="DIR", help="a folder of data sets, instead of SECTOREVAL_DATA_DIR"
    )
    run.add_argument("--out", type=Path, metavar="DIR", help="the run's folder; by default one named after the run")
    run.add_argument("--fresh", action="store_true", help="ask everything anew")
    run.add_argument("--replay", type=Path, metavar="RUN", help="run again what a run's folder or results.json says")

    compare = add_command(commands, "compare", _compare, "differences between two runs, case by case")
    compare.add_argument("first", type=Path, metavar="RUN")
    compare.add_argument("second", type=Path, metavar="RUN")

    report = add_command(commands, "report", _report, "write a run's reports anew, or a scoreboard of several runs")
    report.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="a run's folder or results.json")
    report.add_argument("--out", type=Path, metavar="DIR", help="where to; by default the run's own folder")

    judge = add_command(
        commands,
        "judge",
        _judge,
        "have a run's answers judged by another model, which is itself measured on labelled ones",
    )
    judge.set_defaults(stopped=_GOES_ON)
    judge.add_argument("run", type=Path, nargs="?", metavar="RUN", help="without one, only the judge is measured")
    judge.add_argument("--model", metavar="NAME", help="the judge; never the model that gave the answers")
    judge.add_argument(
        "--labels", type=Path, metavar="FILE", help="labelled answers of your own; by default those of the harness"
    )
    judge.add_argument(
        "--sheet", type=Path, metavar="FILE", help="ask nothing, and write some of the answers there to be labelled"
    )
    judge.add_argument("--limit", type=int, default=60, metavar="N", help="how many on the sheet (60)")
    judge.add_argument("--concurrency", type=int, default=16, metavar="N", help="answers at a time (16)")

    gate = add_command(
        commands, "gate", _gate, "fail, with the reason, where a run is worse than a baseline beyond noise"
    )
    gate.add_argument("run", type=Path, metavar="RUN")
    gate.add_argument("--baseline", type=Path, required=True, metavar="FILE")
    gate.add_argument("--write", action="store_true", help="make the run the new baseline")

    view = add_command(commands, "view", _view, "a run's prompts and replies in Inspect's viewer; Ctrl-C stops")
    view.add_argument("run", type=Path, metavar="RUN")
    view.add_argument("--port", type=int, default=7575)
    return parser


def _list(settings: Settings, options: argparse.Namespace) -> None:
    from sectoreval.terminal import show_benchmarks

    show_benchmarks(citations=options.citations)


def _fetch(settings: Settings, options: argparse.Namespace) -> int:
    from sectoreval.terminal import fetch_all

    return fetch_all(settings, options.names)


def _documents(settings: Settings, options: argparse.Namespace) -> int:
    from sectoreval.terminal import documents

    return documents(settings, options.benchmark, options.folder, dict(map(_pair, options.set)), _data_dir(options))


def _run(settings: Settings, options: argparse.Namespace) -> int:
    from sectoreval.run import RunSpec
    from sectoreval.terminal import replayed, run_and_report

    folder = options.out
    if options.replay:
        if options.benchmarks or options.arms or options.model or options.limit or options.set or options.data:
            raise RequestError(
                "--replay runs what that run says; leave out benchmarks and options but --out and --concurrency"
            )
        folder = folder or settings.home / "runs" / f"replay-{time.strftime('%Y%m%d-%H%M%S')}"
        spec = replayed(options.replay, concurrency=options.concurrency)
    else:
        if not options.benchmarks:
            raise RequestError("name a benchmark: `sectoreval list` shows them")
        own = {"data": str(options.data.resolve())} if options.data else {}
        spec = RunSpec(
            tuple(options.benchmarks), _names(options.arms), options.model, options.limit, options.seed,
            _names("" if options.debias == "none" else options.debias), dict(map(_pair, options.set)) | own, options.embedder,
            options.concurrency,
        )  # fmt: skip
    return run_and_report(settings, spec, data_dir=_data_dir(options), folder=folder, fresh=options.fresh)


def _compare(settings: Settings, options: argparse.Namespace) -> None:
    from sectoreval.compare import compare_runs
    from sectoreval.results import read_results

    for comparison in compare_runs(read_results(options.first), read_results(options.second)):
        print(comparison)


def _report(settings: Settings, options: argparse.Namespace) -> None:
    from sectoreval.terminal import report_again

    report_again(options.runs, options.out)


def _judge(settings: Settings, options: argparse.Namespace) -> int:
    from sectoreval.terminal import judge_run, write_sheet

    if options.sheet:
        if not options.run:
            raise RequestError("name the run whose answers go on the sheet")
        write_sheet(options.run, options.sheet, options.limit)
        return 0
    return judge_run(settings, options.run, model=options.model, labels=options.labels, concurrency=options.concurrency)


def _gate(settings: Settings, options: argparse.Namespace) -> int:
    from sectoreval.compare import gate, write_baseline
    from sectoreval.results import read_results

    run = read_results(options.run)
    if options.write:
        write_baseline(run, options.baseline)
        print(f"{options.baseline} is now the baseline")
        return 0
    reasons = list(gate(run, read_results(options.baseline)))
    print("\n".join(f"worse: {reason}" for reason in reasons) or "nothing got worse beyond noise")
    return 1 if reasons else 0


def _view(settings: Settings, options: argparse.Namespace) -> None:
    logs = options.run / "logs"
    if not logs.is_dir():
        raise RequestError(f"{logs} is not there; name a run's folder, as `sectoreval run` prints it")
    inspect = str(Path(sys.executable).with_name("inspect"))
    os.execv(inspect, [inspect, "view", "--log-dir", str(logs), "--port", str(options.port)])


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _pair(text: str) -> tuple[str, str]:
    key, found, value = text.partition("=")
    if not found or not key:
        raise RequestError(f"--set {text!r} should be KEY=VALUE, such as languages=de,en")
    return key, value


def _data_dir(options: argparse.Namespace) -> Path | None:
    named = options.data_dir or os.environ.get("SECTOREVAL_DATA_DIR")
    return Path(named) if named else None
