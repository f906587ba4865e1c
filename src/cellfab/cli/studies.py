"""Commands that run many scenarios many times."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from cellfab.cli.options import JsonOption
from cellfab.cli.terminal import interruptible

CRITERION_FAILED = 4
BUDGET_ENDED = 5


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
    with interruptible(kept), study_progress(found.name, shown=not (quiet or as_json)) as progress:
        result = run_study(found, store=store, executor=executor, workers=workers, progress=progress)
        folder = write_tables(result, store)
        if found.spec.analysed:
            from cellfab.report.study_page import write_study_page

            write_study_page(result, folder / "charts.html")
    if as_json:
        for line in study_warnings(result):
            typer.echo(f"warning: {line}", err=True)
        typer.echo(json.dumps(study_document(result, folder), allow_nan=False))
    else:
        typer.echo(study_text(result, folder))
    if result.short_of_precision:
        raise typer.Exit(BUDGET_ENDED)
    if result.ended in ("unmeasured", "infeasible"):
        raise typer.Exit(CRITERION_FAILED)
