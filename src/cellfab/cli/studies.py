"""Commands that run many scenarios many times."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from cellfab.cli.options import ConfigArgument, ExecutorOption, JsonOption, SetOption, WorkersOption
from cellfab.cli.terminal import heeding, interruptible
from cellfab.errors import UsageError

CRITERION_FAILED = 4
BUDGET_ENDED = 5


StoreOption = Annotated[
    Path, typer.Option(metavar="DIR", help="Folder of results; what is there already is not run again.")
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]


def study(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A study: base, variants, replicates, metrics.")],
    workers: WorkersOption = None,
    executor: ExecutorOption = None,
    store: StoreOption = Path("studies"),
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Run many scenarios in many replicates; print means, half-widths and paired differences.

    A study that was interrupted goes on where it was when the same command is given again.
    """
    conduct(file, workers, executor, store, as_json=as_json, quiet=quiet)


def assumptions(
    config: ConfigArgument,
    metric: Annotated[
        str | None, typer.Option(help="The figure. Default: cost_usd_per_kwh; of a bare line throughput_per_h.")
    ] = None,
    settings: SetOption = None,
    keep: Annotated[
        int, typer.Option(min=1, help="So many values, those with the longest bars, are run in all replicates.")
    ] = 20,
    replicates: Annotated[int, typer.Option(min=2, help="Of the scenario as it is, and of the values kept.")] = 4,
    assumed: Annotated[
        bool, typer.Option("--assumed", help="Only values whose source says that they are assumed.")
    ] = False,
    workers: WorkersOption = None,
    executor: ExecutorOption = None,
    store: StoreOption = Path("studies"),
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Which values that are not known exactly move a figure most: each alone to its low and to its high end.

    Every value of the scenario that is written with low and high, or with a distribution, is run once at both ends,
    and those that seem to matter again; all with the same random numbers. The study that does so is kept in the
    store, to be changed and run by `cellfab study`.
    """
    from cellfab.study.assumptions import write_assumptions_study

    file = write_assumptions_study(
        config, store, metric=metric, settings=settings or (), keep=keep, replicates=replicates, assumed=assumed
    )
    conduct(file, workers, executor, store, as_json=as_json, quiet=quiet)


def conduct(
    file: Path,
    workers: int | None,
    executor: str | None,
    store: Path,
    *,
    as_json: bool,
    quiet: bool,
    html: Path | None = None,
    needs_levers: bool = False,
) -> None:
    """Run a study and print what it has found; its page is written to `html`, too."""
    if executor is None and workers != 0:
        from cellfab.processes import begin_loading

        begin_loading()
    from cellfab.study.plan import load_study

    found = load_study(file)
    if needs_levers and found.spec.levers is None:
        raise UsageError(f"the study '{file}' has no `levers`: run it by cellfab study")
    from cellfab.report.study_progress import study_progress
    from cellfab.report.study_text import study_document, study_text, study_warnings
    from cellfab.study.conduct import run_study
    from cellfab.study.table import write_tables

    kept = "interrupted: what was finished is kept; the same command goes on from there"
    with interruptible(kept), study_progress(found.name, shown=not (quiet or as_json)) as progress:
        result = run_study(found, store=store, executor=executor, workers=workers, progress=heeding(progress))
        folder = write_tables(result, store)
        from cellfab.report.study_page import write_study_page

        write_study_page(result, folder / "charts.html")
        if html is not None:
            write_study_page(result, html)
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
