"""What `sectoreval` prints, and the steps of its commands."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from sectoreval.arms import ARMS
from sectoreval.benchmark import Benchmark, benchmark_names, load_benchmark
from sectoreval.context import DEBIAS, Context
from sectoreval.data import find_source, load_sources
from sectoreval.judge import with_judgement
from sectoreval.results import RunResult, read_results, write_whole
from sectoreval.run import RunSpec, prepare, read_cases, run
from sectoreval.run_folder import begin_anew, left_to_ask
from sectorkit.errors import ConfigurationError, RequestError, UnknownName
from sectorkit.models.catalogue import chosen_chat
from sectorkit.terminal import err, out, progress_bar

if TYPE_CHECKING:
    from sectorkit.settings import Settings


def show_benchmarks(*, citations: bool) -> None:
    """The benchmarks by sector, and under which licence their data come."""
    listed = sorted(map(load_benchmark, benchmark_names()), key=lambda b: (b.sector, b.name))
    for sector, benchmarks in groupby(listed, key=lambda b: b.sector):
        table = Table(box=None, pad_edge=False, show_header=False, title=f"[bold]{sector}[/]", title_justify="left")
        for benchmark in benchmarks:
            title = escape(benchmark.title) + f"\n[dim]{', '.join(benchmark.arms)}[/]"
            table.add_row(benchmark.name, title, benchmark.source or "")
        out.print(table)
        out.print()
    out.print("data and their licences")
    for source in load_sources().values():
        if any(benchmark.source == source.name for benchmark in listed):
            out.print(f"[bold]{source.name}[/] {escape(source.licence)}", soft_wrap=False)
    out.print("\narms: " + "; ".join(f"[bold]{arm}[/] {about}" for arm, about in ARMS.items()))
    if citations:
        for source in load_sources().values():
            out.print(f"\n[bold]{source.name}[/] {escape(source.citation)}\n{escape(source.url)}")


def fetch_all(settings: Settings, names: Sequence[str]) -> int:
    """Fetch the data of these benchmarks or data sets; all that benchmarks read where none is named."""
    from sectoreval.fetch import fetch

    used = {b.source for b in map(load_benchmark, benchmark_names()) if b.source}
    wanted = [_source_of(name) for name in names] or sorted(used)
    problems = 0
    for name in dict.fromkeys(wanted):
        source = find_source(name)
        try:
            with progress_bar(f"fetching {name}") as progress:
                folder = fetch(source, home=settings.home, progress=progress)
        except ConfigurationError as error:
            if len(wanted) == 1:
                raise
            err.print(f"[red]{name}[/]: {escape(str(error))}")
            problems += 1
            continue
        out.print(f"[bold]{name}[/] ({escape(source.licence)}): {folder}")
    return 1 if problems else 0


def _source_of(name: str) -> str:
    if name in load_sources():
        return name
    if name in benchmark_names():
        source = load_benchmark(name).source
        if source is None:
            raise ConfigurationError(f"{name} needs no data but the app's own")
        return source
    raise UnknownName("benchmark or data set", name, [*benchmark_names(), *load_sources()])


def documents(settings: Settings, name: str, folder: Path, options: Mapping[str, str], data_dir: Path | None) -> int:
    """Write the documents that a benchmark searches into a folder that holds nothing else. ConfigurationError where it does."""
    from sectoreval.corpora import as_files

    benchmark = load_benchmark(name)
    if benchmark.documents is None:
        having = [b.name for b in map(load_benchmark, benchmark_names()) if b.documents]
        raise UnknownName("benchmark with documents of its own", name, having)
    _check_options(options, [benchmark])
    with progress_bar("reading the documents") as progress:
        context = Context(settings, data_dir, options=options, progress=progress)
        written = as_files(benchmark.documents(context), context, folder)
    out.print(f"{written:,} documents of {escape(benchmark.title)}: {folder}")
    return 0


def _check_options(options: Mapping[str, str], benchmarks: Sequence[Benchmark]) -> None:
    """UnknownName for an option that none of the benchmarks has."""
    known = {name for benchmark in benchmarks for name in benchmark.options}
    for name in options:
        if name not in known:
            raise UnknownName(f"option of {', '.join(b.name for b in benchmarks)}", name, sorted(known))


def run_and_report(
    settings: Settings, spec: RunSpec, *, data_dir: Path | None, folder: Path | None, fresh: bool
) -> int:
    """Run, write results and reports into the run's folder, and print the main numbers; 1 where cases were not run."""
    from sectoreval.report import write_reports
    from sectoreval.served import serve

    for name in spec.debias:
        if name not in DEBIAS:
            raise UnknownName("way to take out position bias", name, list(DEBIAS))
    benchmarks = [load_benchmark(name) for name in spec.benchmarks]
    _check_options(spec.options, benchmarks)
    # By name, so that a run of another default is another run.
    spec = replace(spec, embedder=spec.embedder or settings.embed_model)
    settings = settings.model_copy(update={"embed_model": spec.embedder})
    for benchmark in benchmarks:
        spec.arms_of(benchmark)  # an arm that there is not is said before anything is read
    asks = any(benchmark.asks(spec.arms_of(benchmark)) for benchmark in benchmarks)
    if asks:
        spec = replace(spec, model=_named_model(settings, spec.model))
    folder = folder or settings.home / "runs" / spec.key
    with ExitStack() as stack:
        with progress_bar("starting") as progress:  # and no longer: Inspect shows its own
            context = Context(settings, data_dir, debias=spec.debias, options=spec.options, progress=progress)
            stack.callback(context.close)
            cases = read_cases(spec, context)  # what is missing is said before a model is loaded
            if asks:
                context.served = stack.enter_context(serve(settings, spec.model, progress=progress))
            plan = prepare(spec, context, cases)
        if fresh:
            begin_anew(folder)
        result = with_judgement(run(plan, context, folder), folder)
    result.write(folder / "results.json")
    paths = write_reports(result, folder)
    show(result)
    out.print(f"\n{paths[0]}")
    if len(set(result.about["code"].values())) > 1:
        err.print(
            "[yellow]the code has changed since these answers were given[/]: they are scored anew, and --fresh asks anew"
        )
    again = [str(case.failure) for arm in result.arms for case in arm.cases if left_to_ask(case)]
    if again:
        why = escape(max(again, key=again.count)[:300])
        err.print(
            f"[red]{len(again)} cases got no answer ({why})[/]; they count as wrong until the same command asks them again"
        )
    return 1 if again else 0


def _named_model(settings: Settings, model: str | None) -> str | None:
    """The model that is asked where none is named; None where a server says what it serves."""
    return model or settings.llm_model or (None if settings.llm_url else chosen_chat(settings).name)


def _folder_of(run: Path) -> Path:
    """A run's folder, where the run is named by it or by a file in it."""
    return run if run.is_dir() else run.parent


def show(result: RunResult) -> None:
    """Each arm's measures with their intervals, n and failures."""
    from sectoreval.statistics import estimate

    for arm in result.arms:
        failed = f", failed {arm.failed}, failures count as wrong" if arm.failed else ""
        model = "" if arm.model == "none" else f", {escape(arm.model)}"
        out.print(f"\n[bold]{arm.benchmark}[/], {arm.arm}{model} (n={len(arm.cases)}{failed})")
        table = Table(box=None, pad_edge=False, show_header=False)
        for measure in load_benchmark(arm.benchmark).measures:
            if arm.has(measure):
                found = estimate(arm.rows(measure), measure, arm.clusters)
                table.add_row(f"  {measure.name}", escape(str(found)) if found.mean == found.mean else "not defined")
        out.print(table)


def judge_run(
    settings: Settings, path: Path | None, *, model: str | None, labels: Path | None, concurrency: int
) -> int:
    """Have a run's answers judged, and its reports written anew; without a run, say what the judge is worth."""
    from sectoreval import judge
    from sectoreval.report import write_reports
    from sectoreval.served import serve

    if path and not path.is_dir() and path.name != "results.json":
        raise RequestError(f"{path} is no run; name a run's folder, or its results.json")
    result = read_results(path) if path else None
    labelled = judge.read_labelled(labels) if labels else judge.read_labelled()
    answers = judge.to_judge(result) if result else {}
    folder = _folder_of(path) if path else settings.home / "runs" / "judges"
    with ExitStack() as stack:
        with progress_bar("starting") as progress:
            named = _named_model(settings, model)
            if named:
                judge.check_judge(result, {"name": named})  # before a model is loaded
            served = stack.enter_context(serve(settings, named, progress=progress))
            judge.check_judge(result, served.to_dict())
        context = Context(settings, served=served, debias=("permuted",))
        judged = judge.ask_judge(labelled, answers, context, folder, concurrency=concurrency)
    out.print(escape(judge.in_words(judged)))
    for kind, (accepted, count) in judged["wrong accepted by kind"].items():
        out.print(f"  accepts {accepted} of {count} wrong ones: {escape(kind)}")
    if result:
        write_whole(folder / judge.FILE, json.dumps(judged, ensure_ascii=False, indent=1) + "\n")
        result = judge.with_judgement(result, folder)
        result.write(folder / "results.json")
        show(result)
        out.print(f"\n{write_reports(result, folder)[0]}")
    failed = sum(judged["failed"].values())
    if failed:
        err.print(
            f"[red]{failed} answers could not be judged[/]; they count as not right until the same command asks again"
        )
    return 1 if failed else 0


def write_sheet(path: Path, sheet: Path, count: int) -> None:
    """Answers of a run for a person to label."""
    from sectoreval import judge

    written = judge.write_sheet(read_results(path), sheet, count)
    out.print(f'{sheet}: {written} answers; fill in "right": true or false, and name the file by --labels')


def replayed(path: Path, *, concurrency: int) -> RunSpec:
    """What a run says that it was, to be run again."""
    said = dict(read_results(path).about["spec"]) | {"concurrency": concurrency}
    for key in ("benchmarks", "arms", "debias"):
        said[key] = tuple(said[key])
    return RunSpec(**said)


def report_again(paths: Sequence[Path], folder: Path | None) -> None:
    """The reports of one run, or the scoreboard of several."""
    from sectoreval.report import write_reports
    from sectoreval.scoreboard import write_scoreboard

    runs = [(path, read_results(path)) for path in paths]
    if len(runs) == 1:
        path, result = runs[0]
        out.print(str(write_reports(result, folder or _folder_of(path))[0]))
        return
    if folder is None:
        raise ConfigurationError("a scoreboard belongs to no run; say where to write it: --out DIR")
    folder.mkdir(parents=True, exist_ok=True)
    out.print(str(write_scoreboard(runs, folder)))
