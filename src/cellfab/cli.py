"""The command line: parse, call the API, print. Results go to stdout, progress and errors to stderr."""

from __future__ import annotations

import gc
import json
import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cellfab.errors import CellfabError, ConfigError, UsageError

if TYPE_CHECKING:
    from cellfab import compare as comparing
    from cellfab.scenario import Scenario

SCHEMA_VERSION = 1
CRITERION_FAILED = 4
BUDGET_ENDED = 5
INTERRUPTED = 130
_COLLECT_AFTER = (20_000, 50, 1_000)
"""Thresholds of the cycle collector: loading some thousand modules leaves no garbage, and looking for it takes an
eighth of the time until a run begins."""

app = typer.Typer(
    name="cellfab",
    help="Battery-cell manufacturing yield and process simulator.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
config_app = typer.Typer(help="Look at configurations.", no_args_is_help=True)
app.add_typer(config_app, name="config")

ConfigArgument = Annotated[
    str, typer.Argument(metavar="CONFIG", help="A YAML file, or the name of a shipped scenario or line.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Change a value: line.stations.wind.parallel=16. Repeatable."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else on stdout.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        from cellfab import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def cellfab(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Battery-cell manufacturing yield and process simulator."""


@app.command()
def run(
    config: ConfigArgument,
    overrides: SetOption = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of all random numbers.")] = None,
    replicates: Annotated[int | None, typer.Option("--reps", min=1, help="Independent replicates.")] = None,
    engine: Annotated[
        Literal["auto", "simpy", "compiled"] | None, typer.Option(help="Force the engine of a bare line.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder that the result folder is made in.")] = Path("runs"),
    as_json: JsonOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Simulate one scenario; print yield, output and cost; write tables and report.html."""
    from cellfab.report.folder import records_folder, refuse_unwritable, write_run_folder
    from cellfab.scenario import load_scenario

    scenario = load_scenario(config, overrides or ())
    _warn(scenario)
    if engine == "compiled" and scenario.is_plant:
        raise UsageError("--engine compiled runs bare lines only, and this scenario makes cells")
    refuse_unwritable(out)
    from cellfab.run import run_scenario

    shown = not (quiet or as_json)
    with (
        _interruptible(),
        records_folder(out, wanted=scenario.spec.run.keeps_rows) as records,
        _progress(scenario.name, shown=shown) as advance,
    ):
        result = run_scenario(
            scenario, seed=seed, replicates=replicates, engine=engine, progress=advance, records=records
        )
        folder = write_run_folder(result, scenario.resolved_yaml(), out)
    for place, path, message, _ in result.warnings[len(scenario.warnings) :]:
        typer.echo(f"{place}: warning: {path}: {message}", err=True)
    if as_json:
        from cellfab.report.tables import kpi_document

        typer.echo(json.dumps(kpi_document(result, str(folder)), allow_nan=False))
    else:
        from cellfab.report.terminal import print_result

        print_result(result, folder)


@app.command()
def validate(config: ConfigArgument, overrides: SetOption = None, as_json: JsonOption = False) -> None:
    """Check a configuration without running it; every problem is listed with its place in the file."""
    from cellfab.config.batpac_checks import is_cost_file, load_cost_file
    from cellfab.config.loader import load
    from cellfab.scenario import load_scenario
    from cellfab.study.file import is_study
    from cellfab.study.plan import load_study

    what: dict[str, Any]
    warnings: tuple[Any, ...] = ()
    try:
        if Path(config).is_file() and is_study(Path(config)):
            if overrides:
                raise UsageError("--set changes scenarios, and this is a study: write the values into it")
            found = load_study(config, metrics=False)
            what = {"study": {"name": found.name, "cases": len(found.cases)}}
            files, assumptions = [config], 0
        elif is_cost_file(load(config)):
            spec, resolved = load_cost_file(config, overrides or ())
            what = {"cost": {"name": spec.name}}
            files, assumptions = [str(file) for file in resolved.files], len(resolved.assumptions())
        else:
            scenario = load_scenario(config, overrides or ())
            what = {"scenario": {"name": scenario.name, "digest": scenario.digest}}
            files, assumptions, warnings = list(scenario.files), len(scenario.assumptions), scenario.warnings
    except ConfigError as error:
        if as_json:
            problems = [_problem(problem) for problem in error.problems]
            typer.echo(json.dumps({"schema_version": SCHEMA_VERSION, "valid": False, "problems": problems}))
        raise
    if as_json:
        document = {
            "schema_version": SCHEMA_VERSION,
            "valid": True,
            **what,
            "files": files,
            "assumptions": assumptions,
            "warnings": [_problem(warning) for warning in warnings],
        }
        typer.echo(json.dumps(document))
    else:
        for warning in warnings:
            typer.echo(warning.render("warning"), err=True)
        counted = "1 file" if len(files) == 1 else f"{len(files)} files"
        typer.echo(f"{config}: valid; {counted}, {assumptions} values are assumptions")


def _warn(scenario: Scenario) -> None:
    for warning in scenario.warnings:
        typer.echo(warning.render("warning"), err=True)


def _problem(problem: Any) -> dict[str, Any]:
    """A `cellfab.config.problems.Problem` as plain JSON; line and column are 0 for a file as a whole."""
    place = problem.location
    where = {"file": place.source.name, "line": place.line, "column": place.column}
    return {**where, "path": problem.path, "message": problem.message, "hint": problem.hint}


@app.command()
def quality(
    config: ConfigArgument,
    overrides: SetOption = None,
    product: Annotated[str | None, typer.Option(help="Of the scenario; default: the one a conversion makes.")] = None,
    mechanism: Annotated[str | None, typer.Option(help="Only this hidden defect, by importance sampling.")] = None,
    maturity: Annotated[float, typer.Option(help="Of every place: 0 on day one, 1 mature.")] = 1.0,
    lots: Annotated[int, typer.Option(min=2, help="Lots sent down the line.")] = 20,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of all random numbers.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Yield, scrap, escapes, false rejects and recalls of the physics alone, without a clock."""
    from cellfab.scenario import load_scenario

    scenario = load_scenario(config, overrides or ())
    _warn(scenario)
    from cellfab.quality import quality as look
    from cellfab.report.quality_text import quality_document, quality_text

    seed = scenario.spec.run.seed if seed is None else seed
    found = look(scenario, product, seed=seed, maturity=maturity, lots=lots, mechanism=mechanism)
    typer.echo(json.dumps(quality_document(found), allow_nan=False) if as_json else quality_text(found))


@app.command()
def size(
    config: ConfigArgument,
    gwh_per_year: Annotated[float, typer.Option("--gwh-per-year", help="Good output to size the plant for.")],
    method: Annotated[
        Literal["machines", "power_law"], typer.Option(help="Whole machines, or money by BatPaC's exponents.")
    ] = "machines",
    oee: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN_FOLDER", help="Run that tells how well each station works; default: the mature closed form."
        ),
    ] = None,
    reserve: Annotated[float, typer.Option(help="Room at every station beyond the output, as a share.")] = 0.0,
    machine_price_ratio: Annotated[float, typer.Option(help="Price of machines over what CONFIG has.")] = 1.0,
    product: Annotated[str | None, typer.Option(help="Of the scenario; default: the one a conversion makes.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the lots that tell yields.")] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", metavar="FILE", help="Write the plant as YAML.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite FILE.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Machines that an output needs and what they cost; can write the plant as a scenario that extends CONFIG."""
    from cellfab.report.sizing_text import base_for, overlay_text, sizing_document, sizing_text, write_overlay
    from cellfab.scenario import load_scenario

    scenario = load_scenario(config)
    _warn(scenario)
    from cellfab.sizing import size_plant

    found = size_plant(
        scenario, gwh_per_year, method=method, oee_folder=oee, reserve_share=reserve,
        machine_price_ratio=machine_price_ratio, product=product,
        seed=scenario.spec.run.seed if seed is None else seed,
    )  # fmt: skip
    if out is not None:
        write_overlay(overlay_text(scenario, found, base_for(config, out)), out, force=force)
    typer.echo(
        json.dumps(sizing_document(scenario, found), allow_nan=False) if as_json else sizing_text(scenario, found)
    )
    if out is not None and not as_json:
        typer.echo(f"written: {out}\nnext: cellfab run {shlex.quote(str(out))}")


@app.command()
def cost(
    config: ConfigArgument,
    overrides: SetOption = None,
    gwh_per_year: Annotated[
        float | None, typer.Option("--gwh-per-year", help="Good output; default: the file's, or the mature line's.")
    ] = None,
    product: Annotated[str | None, typer.Option(help="Of a scenario; default: the one a conversion makes.")] = None,
    tables: Annotated[
        str, typer.Option(metavar="CONFIG", help="Process table, overhead, wages and yields for a scenario.")
    ] = "batpac/tables",
    as_json: JsonOption = False,
) -> None:
    """Static cost by BatPaC's power law: of a cost file (batpac/id4_nmc622) or of a scenario's cell."""
    from cellfab.costing import cost as look
    from cellfab.report.cost_text import cost_document, cost_text

    found = look(config, overrides or (), gwh_per_year=gwh_per_year, product=product, tables=tables)
    typer.echo(json.dumps(cost_document(found), allow_nan=False) if as_json else cost_text(found))


@app.command()
def schema(
    overlay: Annotated[
        bool, typer.Option("--overlay", help="For partial files that extend another: nothing is required.")
    ] = False,
) -> None:
    """Print the JSON Schema of scenario files, for editors and validators."""
    from cellfab.scenario import scenario_schema

    typer.echo(json.dumps(scenario_schema(overlay=overlay), indent=2))


FolderArgument = Annotated[Path, typer.Argument(metavar="RUN_FOLDER", help="Folder that `cellfab run` wrote.")]
ReplicateOption = Annotated[int, typer.Option("--replicate", min=0, help="Of the run, counted from 0.")]


@app.command()
def trace(
    folder: FolderArgument,
    cell: Annotated[str, typer.Argument(metavar="CELL", help="Lot and row, such as wind-12.345.")],
    replicate: ReplicateOption = 0,
    as_json: JsonOption = False,
) -> None:
    """What one cell of a recorded run is, and which rolls and charges of powder it was made of."""
    from cellfab.recall import Records
    from cellfab.report.recall_text import trace_document, trace_text

    found = Records(folder, replicate).trace(cell)
    typer.echo(json.dumps(trace_document(found), allow_nan=False) if as_json else trace_text(found))


@app.command()
def impact(
    folder: FolderArgument,
    lot: Annotated[str, typer.Argument(metavar="ROLL", help="Mother roll (cathode_film-12) or charges of powder.")],
    from_m: Annotated[float | None, typer.Option("--from", metavar="M", help="Of a roll: first metre.")] = None,
    to_m: Annotated[float | None, typer.Option("--to", metavar="M", help="Of a roll: last metre.")] = None,
    charge: Annotated[int | None, typer.Option(min=0, help="Of a lot of charges: which one, from 0.")] = None,
    replicate: ReplicateOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Every cell of a recorded run that was made of a stretch of a roll or of a charge: the size of a recall."""
    from cellfab.recall import Records
    from cellfab.report.recall_text import impact_document, impact_text

    found = Records(folder, replicate).impact(lot, from_m=from_m, to_m=to_m, charge=charge)
    typer.echo(json.dumps(impact_document(found), allow_nan=False) if as_json else impact_text(found))


@app.command()
def compare(
    before: Annotated[str, typer.Argument(metavar="A", help="Folder of a run, or a scenario, which is then run.")],
    after: Annotated[str, typer.Argument(metavar="B", help="The same; A again to compare weeks of one run.")],
    cost: Annotated[Literal["full", "cash", "net"], typer.Option(help="Kind of cost per kWh.")] = "full",
    weeks_a: Annotated[
        str, typer.Option(metavar="FIRST:END", help="Of A: 0:16, -13: (the last 13), or the name of a phase.")
    ] = ":",
    weeks_b: Annotated[str, typer.Option(metavar="FIRST:END", help="Of B.")] = ":",
    overrides: SetOption = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the waterfall as one HTML page.")] = None,
    as_json: JsonOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """A waterfall from the cost per kWh of one run to that of another, whose bars add up to the cent."""
    from cellfab import compare as comparing
    from cellfab.report.compare_text import comparison_document, comparison_text

    sides: dict[str, comparing.Side] = {}
    for name in dict.fromkeys((before, after)):
        sides[name] = _side(name, overrides or (), shown=not (quiet or as_json))
    found = comparing.compare(sides[before], sides[after], cost, (weeks_a, weeks_b))
    if html is not None:
        from cellfab.report.compare_chart import write_comparison

        try:
            write_comparison(found, html)
        except OSError as error:
            raise UsageError(f"cannot write '{html}': {error.strerror or error}") from error
        typer.echo(f"page: {html}", err=True)
    typer.echo(json.dumps(comparison_document(found), allow_nan=False) if as_json else comparison_text(found))


def _side(name: str, overrides: Sequence[str], *, shown: bool) -> comparing.Side:
    """A run read from its folder, or a scenario simulated."""
    from cellfab import compare as comparing

    if Path(name).is_dir():
        if overrides:
            raise UsageError(f"--set changes scenarios, and '{name}' is the folder of a run that has been made")
        return comparing.read_side(Path(name))
    from cellfab.scenario import load_scenario

    scenario = load_scenario(name, overrides)
    _warn(scenario)
    from cellfab.run import run_scenario

    with _interruptible(), _progress(scenario.name, shown=shown) as advance:
        return comparing.side_of(run_scenario(scenario, progress=advance))


@app.command()
def study(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A study: base, variants, replicates, metrics.")],
    workers: Annotated[
        int | None, typer.Option(min=0, help="Processes; 0: this one alone. Default: one for each core.")
    ] = None,
    executor: Annotated[
        str | None, typer.Option(metavar="dask:tcp://HOST:PORT", help="Run on a dask cluster instead.")
    ] = None,
    store: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of results; what is there already is not run again.")
    ] = Path("studies"),
    as_json: JsonOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Run many scenarios in many replicates; print means, half-widths and paired differences.

    A study that was interrupted goes on where it was when the same command is given again.
    """
    from cellfab.study.plan import load_study

    found = load_study(file)
    from cellfab.report.study_progress import study_progress
    from cellfab.report.study_text import study_document, study_text, study_warnings
    from cellfab.study.conduct import run_study
    from cellfab.study.table import write_tables

    kept = "interrupted: what was finished is kept; the same command goes on from there"
    with _interruptible(kept), study_progress(found.name, shown=not (quiet or as_json)) as progress:
        result = run_study(found, store=store, executor=executor, workers=workers, progress=progress)
        folder = write_tables(result, store)
    if as_json:
        for line in study_warnings(result):
            typer.echo(f"warning: {line}", err=True)
        typer.echo(json.dumps(study_document(result, folder), allow_nan=False))
    else:
        typer.echo(study_text(result, folder))
    if result.short_of_precision:
        raise typer.Exit(BUDGET_ENDED)
    if result.ended == "unmeasured":
        raise typer.Exit(CRITERION_FAILED)


@app.command()
def query(
    folder: FolderArgument,
    sql: Annotated[str | None, typer.Argument(metavar="SQL", help="A question; none: list tables and columns.")] = None,
    save: Annotated[
        Path | None, typer.Option("--save", metavar="FILE", help="Write the answer as .csv or .parquet.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Ask a run's tables in SQL: from the cost per kWh to the ledger rows that make it."""
    from cellfab import query as queries
    from cellfab.report import query_text

    if save is not None:
        if sql is None:
            raise UsageError("--save keeps the answer of a question: give one in SQL")
        if as_json:
            raise UsageError("--save and --json do not go together")
        queries.refuse_unknown_ending(save)
    with _interruptible(), queries.run_tables(folder) as tables:
        if sql is None:
            shapes = tables.shapes()
            document = query_text.shapes_document(shapes) if as_json else None
            text = "" if as_json else query_text.shapes_text(shapes, folder)
        else:
            answer = tables.ask(sql)
            if save is not None:
                rows = queries.save(answer, save)
                typer.echo(f"{save}: {'1 row' if rows == 1 else f'{rows:,} rows'}", err=True)
                return
            document = query_text.answer_document(answer) if as_json else None
            text = "" if as_json else query_text.answer_text(answer)
    typer.echo(json.dumps(document, allow_nan=False) if as_json else text)


@config_app.command("show")
def config_show(
    config: ConfigArgument,
    overrides: SetOption = None,
    origin: Annotated[bool, typer.Option("--origin", help="Say for each value which file and line set it.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Print the configuration after extends and --set, quantities in their field's unit."""
    from cellfab.config.batpac_checks import is_cost_file, load_cost_file
    from cellfab.config.loader import load
    from cellfab.config.show import render, render_json
    from cellfab.scenario import load_scenario

    try:
        if is_cost_file(load(config)):
            resolved = load_cost_file(config, overrides or ())[1]
        else:
            resolved = load_scenario(config, overrides or ()).resolved
    except ConfigError as error:
        # A part of a scenario, or a faulty one, can be looked at as well, if it can be read at all.
        resolved = load(config, overrides or ())
        problems = "1 problem" if len(error.problems) == 1 else f"{len(error.problems)} problems"
        typer.echo(f"not a complete scenario ({problems}): values are shown as written", err=True)
    typer.echo(json.dumps(render_json(resolved)) if as_json else render(resolved, origin=origin))


@app.command()
def steps(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[STEP]...", help="Steps to explain; none: list all.")
    ] = None,
    page: Annotated[bool, typer.Option("--page", help="All cards as one page of Markdown.")] = False,
) -> None:
    """Explain process steps: what each models, its equations, parameters with sources, and what it leaves out."""
    from cellfab.report import step_cards

    cards = step_cards.step_cards(names or ())
    if page:
        typer.echo(step_cards.page(cards), nl=False)
    elif names:
        typer.echo("\n".join(map(step_cards.markdown, cards)), nl=False)
    else:
        typer.echo(step_cards.overview(cards))


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="New folder to put a starter configuration in.")],
) -> None:
    """Copy a starter: a scenario of your own that extends a shipped one, and a bare line."""
    from cellfab.starter import write_starter

    for path in write_starter(folder):
        typer.echo(str(path))
    typer.echo(f"next: cellfab run {shlex.quote(str(folder / 'my_conversion.yaml'))}")


@contextmanager
def _interruptible(message: str = "interrupted: nothing was written") -> Iterator[None]:
    """Ctrl-C and a request to terminate end the command with exit code 130, and with what is half written removed."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(message, err=True)
        raise typer.Exit(INTERRUPTED) from None
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _progress(name: str, *, shown: bool) -> Iterator[Callable[[float], None]]:
    """A bar on stderr, on a terminal only; yields the function that is told the share done, 0-1."""
    if not shown or not sys.stderr.isatty():
        yield lambda _share: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=1.0)
        yield lambda share: bar.update(task, completed=share)


def main() -> None:
    """Entry point: the command line with the exit codes of `cellfab.errors`."""
    gc.set_threshold(*_COLLECT_AFTER)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # from the first import on, like Ctrl-C
    try:
        app()
    except CellfabError as error:
        typer.echo(str(error), err=True)
        raise SystemExit(error.exit_code) from None
    except SystemExit as end:
        if end.code != INTERRUPTED:
            raise
    else:
        return
    # Where the interrupt met an exec() (numba compiling), Python would still end as killed by the signal. Locks shared
    # with the system that the interrupted code held are given back first.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    gc.collect()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(INTERRUPTED)
