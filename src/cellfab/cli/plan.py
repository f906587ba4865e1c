"""The command that plans a conversion without simulating it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cellfab.cli.options import ConfigArgument, JsonOption, SetOption
from cellfab.cli.terminal import warn
from cellfab.errors import UsageError

if TYPE_CHECKING:
    from cellfab.fleet.file import LoadedFleet


def plan(
    config: ConfigArgument,
    overrides: SetOption = None,
    cases: Annotated[int, typer.Option(min=1, help="Cases that probabilities are made of.")] = 1000,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the slips.")] = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write the plan as a page.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Dates, floats, critical path, payments and probabilities of a conversion, without simulating it."""
    from cellfab.config.loader import load
    from cellfab.fleet.file import bind_fleet, is_fleet
    from cellfab.report.plan_text import plan_document, plan_text
    from cellfab.scenario import bind

    resolved = load(config, overrides or ())
    if is_fleet(resolved):
        raise UsageError(_plans_of(bind_fleet(resolved)))
    scenario = bind(resolved)
    warn(scenario)
    from cellfab.planning import plan_project

    found = plan_project(scenario, seed=seed, cases=cases)
    if html is not None:
        if not html.absolute().parent.is_dir():
            raise UsageError(f"cannot write '{html}': there is no folder '{html.parent}'")
        from cellfab.report.plan_page import write_plan

        write_plan(found, html)
    typer.echo(json.dumps(plan_document(found), allow_nan=False) if as_json else plan_text(found))
    if html is not None and not as_json:
        typer.echo(f"\nPlan: {html}")


def _plans_of(fleet: LoadedFleet) -> str:
    """What to plan instead of a fleet."""
    from cellfab.config import library

    converted: dict[str, list[str]] = {}
    others: list[str] = []
    for name, plant in fleet.spec.fleet.plants.items():
        scenario = fleet.scenarios[name]
        if scenario.spec.conversion is None:
            others.append(name)
            continue
        file, shipped = scenario.files[0], library.lookup(plant.scenario)
        known = shipped is not None and shipped.samefile(file)
        converted.setdefault(plant.scenario if known else file, []).append(name)
    told = [f"'{fleet.name}' is a fleet, and a plan is that of one conversion"]
    told += [f"  cellfab plan {scenario}    # {', '.join(names)}" for scenario, names in converted.items()]
    if others:
        told.append(f"  without a conversion: {', '.join(others)}")
    return "\n".join(told)
