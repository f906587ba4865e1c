"""The command that holds the ramp laws against public records of plants."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from cellfab.cli.options import JsonOption
from cellfab.cli.terminal import interruptible
from cellfab.errors import UsageError


def backtest(
    records: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RECORD]...", help="Record files, or names of shipped ones; default: all of these."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the sampling.")] = 1,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the curves as one HTML page.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Fit the ramp of real plants to their first public figures, and compare what it then says with the later ones."""
    from cellfab.calibrate.record import shipped_records
    from cellfab.report.backtest_text import backtests_document, backtests_text

    with interruptible():
        from cellfab.calibrate.backtest import backtest as run_backtest

        found = [run_backtest(name, seed=seed) for name in records or shipped_records()]
    if html is not None:
        from cellfab.report.backtest_page import write_backtests

        try:
            write_backtests(found, html)
        except OSError as error:
            raise UsageError(f"cannot write '{html}': {error.strerror or error}") from error
        typer.echo(f"page: {html}", err=True)
    typer.echo(json.dumps(backtests_document(found), allow_nan=False) if as_json else backtests_text(found))
