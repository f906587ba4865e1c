"""Commands that tell what a plant costs without running it: machines for an output, and BatPaC's power law."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated, Literal

import typer

from cellfab.cli.options import ConfigArgument, JsonOption, SetOption
from cellfab.cli.terminal import warn


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
    warn(scenario)
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
