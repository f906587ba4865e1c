"""The command that plans a conversion without simulating it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from cellfab.cli.options import ConfigArgument, JsonOption, SetOption
from cellfab.cli.terminal import warn
from cellfab.errors import UsageError


def plan(
    config: ConfigArgument,
    overrides: SetOption = None,
    cases: Annotated[int, typer.Option(min=1, help="Cases that probabilities are made of.")] = 1000,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the slips.")] = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write the plan as a page.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Dates, floats, critical path, payments and probabilities of a conversion, without simulating it."""
    from cellfab.report.plan_text import plan_document, plan_text
    from cellfab.scenario import load_scenario

    scenario = load_scenario(config, overrides or ())
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
