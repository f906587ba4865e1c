"""Commands that only read: configurations, their schema, the cards of steps, and the starter."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from cellfab.cli.options import ConfigArgument, JsonOption, SetOption
from cellfab.errors import ConfigError, UsageError

SCHEMA_VERSION = 1


def validate(config: ConfigArgument, overrides: SetOption = None, as_json: JsonOption = False) -> None:
    """Check a configuration without running it; every problem is listed with its place in the file."""
    from cellfab.calibrate.record import is_record, load_record
    from cellfab.config.batpac_checks import is_cost_file, load_cost_file
    from cellfab.config.loader import load
    from cellfab.fleet.file import is_fleet, load_fleet
    from cellfab.scenario import load_scenario
    from cellfab.study.baseline_set import is_set, read_set
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
        elif Path(config).is_file() and is_set(Path(config)):
            if overrides:
                raise UsageError("--set changes scenarios, and this is a list of them: write the values into it")
            watched = read_set(Path(config), Path(config).parent, metrics=False)
            what = {"baseline": {"scenarios": len(watched.watches)}}
            files, assumptions = [config], 0
        elif is_record(load(config)):
            if overrides:
                raise UsageError("--set changes scenarios, and this is the record of a plant")
            resolved = load_record(config)[1]
            what = {"record": {"name": resolved.name}}
            files, assumptions = [str(file) for file in resolved.files], len(resolved.assumptions())
        elif is_fleet(load(config)):
            fleet = load_fleet(config, overrides or ())
            what = {"fleet": {"name": fleet.spec.name, "digest": fleet.digest, "plants": list(fleet.scenarios)}}
            files, assumptions = list(fleet.files), len(fleet.assumptions)
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


def _problem(problem: Any) -> dict[str, Any]:
    """A `cellfab.config.problems.Problem` as plain JSON; line and column are 0 for a file as a whole."""
    place = problem.location
    where = {"file": place.source.name, "line": place.line, "column": place.column}
    return {**where, "path": problem.path, "message": problem.message, "hint": problem.hint}


def schema(
    overlay: Annotated[
        bool, typer.Option("--overlay", help="For partial files that extend another: nothing is required.")
    ] = False,
    study: Annotated[bool, typer.Option("--study", help="Of study files.")] = False,
) -> None:
    """Print the JSON Schema of scenario files (or of study files), for editors and validators."""
    from cellfab.config.schema import json_schema
    from cellfab.config.study_spec import StudySpec
    from cellfab.scenario import scenario_schema

    if study and overlay:
        raise UsageError("--study and --overlay do not go together: a study stands alone")
    typer.echo(json.dumps(json_schema(StudySpec) if study else scenario_schema(overlay=overlay), indent=2))


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
    from cellfab.fleet.file import is_fleet, load_fleet
    from cellfab.scenario import load_scenario

    try:
        if is_cost_file(load(config)):
            resolved = load_cost_file(config, overrides or ())[1]
        elif is_fleet(load(config)):
            resolved = load_fleet(config, overrides or ()).resolved
        else:
            resolved = load_scenario(config, overrides or ()).resolved
    except ConfigError as error:
        # A part of a scenario, or a faulty one, can be looked at as well, if it can be read at all.
        resolved = load(config, overrides or ())
        problems = "1 problem" if len(error.problems) == 1 else f"{len(error.problems)} problems"
        typer.echo(f"not a complete scenario ({problems}): values are shown as written", err=True)
    typer.echo(json.dumps(render_json(resolved)) if as_json else render(resolved, origin=origin))


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


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="New folder to put a starter configuration in.")],
) -> None:
    """Copy a starter: a scenario of your own that extends a shipped one, and a bare line."""
    from cellfab.starter import write_starter

    for path in write_starter(folder):
        typer.echo(str(path))
    typer.echo(f"next: cellfab run {shlex.quote(str(folder / 'my_conversion.yaml'))}")
