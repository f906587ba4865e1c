"""Commands that simulate one scenario: the whole line, and its physics alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cellfab.cli.options import ConfigArgument, JsonOption, SetOption, WorkersOption
from cellfab.cli.terminal import interruptible, progress_bar, warn
from cellfab.errors import UsageError

if TYPE_CHECKING:
    from cellfab.config.resolved import Resolved


def run(
    config: ConfigArgument,
    overrides: SetOption = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of all random numbers.")] = None,
    replicates: Annotated[int | None, typer.Option("--reps", min=1, help="Independent replicates.")] = None,
    engine: Annotated[
        Literal["auto", "simpy", "compiled"] | None, typer.Option(help="Force the engine of a bare line.")
    ] = None,
    workers: WorkersOption = None,
    out: Annotated[Path, typer.Option(help="Folder that the result folder is made in.")] = Path("runs"),
    as_json: JsonOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Simulate one scenario, or a fleet of plants and its market; print figures; write tables and report.html."""
    from cellfab.config.loader import load
    from cellfab.fleet.file import is_fleet
    from cellfab.report.folder import records_folder, refuse_unwritable, write_run_folder
    from cellfab.scenario import bind

    resolved = load(config, overrides or ())
    if is_fleet(resolved):
        if engine is not None:
            raise UsageError("--engine goes with a scenario: a fleet's lines are not simulated lot by lot")
        _run_fleet(resolved, seed, replicates, workers, out, as_json=as_json, quiet=quiet)
        return
    if workers is not None:
        raise UsageError("--workers goes with a fleet; `cellfab study` runs a scenario's replicates on several")
    scenario = bind(resolved)
    warn(scenario)
    if engine == "compiled" and scenario.is_plant:
        raise UsageError("--engine compiled runs bare lines only, and this scenario makes cells")
    refuse_unwritable(out)
    from cellfab.run import run_scenario

    shown = not (quiet or as_json)
    with (
        interruptible(),
        records_folder(out, wanted=scenario.spec.run.keeps_rows) as records,
        progress_bar(scenario.name, shown=shown) as advance,
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


def _run_fleet(
    resolved: Resolved, seed: int | None, replicates: int | None, workers: int | None, out: Path, *, as_json: bool,
    quiet: bool,
) -> None:  # fmt: skip
    """The same for plants that sell into one market."""
    from cellfab.fleet.file import bind_fleet
    from cellfab.report.folder import refuse_unwritable

    fleet = bind_fleet(resolved)
    refuse_unwritable(out)
    from cellfab.fleet.run import run_fleet
    from cellfab.report.fleet_folder import write_fleet_folder
    from cellfab.report.fleet_text import fleet_document, fleet_text

    with interruptible(), progress_bar(fleet.spec.name, shown=not (quiet or as_json)) as advance:
        result = run_fleet(fleet, seed=seed, replicates=replicates, workers=workers, progress=advance)
        folder = write_fleet_folder(result, fleet.resolved_yaml(), out)
    if as_json:
        typer.echo(json.dumps(fleet_document(result, str(folder)), allow_nan=False))
    else:
        typer.echo(fleet_text(result, folder))


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
    warn(scenario)
    from cellfab.quality.assessment import quality as look
    from cellfab.report.quality_text import quality_document, quality_text

    seed = scenario.spec.run.seed if seed is None else seed
    found = look(scenario, product, seed=seed, maturity=maturity, lots=lots, mechanism=mechanism)
    typer.echo(json.dumps(quality_document(found), allow_nan=False) if as_json else quality_text(found))
