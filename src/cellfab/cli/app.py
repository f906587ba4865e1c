"""The application: its commands in the order of `cellfab --help`, and the exit codes."""

from __future__ import annotations

import gc
import os
import signal
import sys
from typing import Annotated

import typer

from cellfab.cli.backtest import backtest
from cellfab.cli.baseline import baseline_check, baseline_save
from cellfab.cli.check import config_show, init, schema, steps, validate
from cellfab.cli.compare import compare
from cellfab.cli.levers import levers
from cellfab.cli.money import cost, size
from cellfab.cli.plan import plan
from cellfab.cli.records import impact, query, trace
from cellfab.cli.run import quality, run
from cellfab.cli.studies import assumptions, study
from cellfab.cli.terminal import INTERRUPTED
from cellfab.errors import CellfabError

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
baseline_app = typer.Typer(help="Keep figures of scenarios, and see what moves them.", no_args_is_help=True)
app.add_typer(baseline_app, name="baseline")


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


for _command in (run, validate, plan, quality, size, cost, schema, trace, impact, compare, study, levers, assumptions,
                 backtest, query, steps, init):  # fmt: skip
    app.command()(_command)
config_app.command("show")(config_show)
baseline_app.command("save")(baseline_save)
baseline_app.command("check")(baseline_check)


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
