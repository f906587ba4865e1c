"""Commands that keep the figures of scenarios, and say later what has moved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cellfab.cli.options import ExecutorOption, JsonOption, SetOption, WorkersOption
from cellfab.cli.studies import CRITERION_FAILED
from cellfab.cli.terminal import interruptible, progress_bar
from cellfab.errors import UsageError

if TYPE_CHECKING:
    from cellfab.study.baseline_set import WatchSet

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Of the baseline, which is DIR/NAME.json.")]
DirOption = Annotated[Path, typer.Option("--dir", metavar="DIR", help="Folder of baselines.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")]
FOLDER = Path("benchmarks/baselines")


def baseline_save(
    name: NameArgument,
    scenarios: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,C or FILE",
            help="Scenarios, or a YAML file that lists them. Default: DIR/NAME.yaml; without one, those of the"
            " baseline as it is.",
        ),
    ] = None,
    overrides: SetOption = None,
    replicates: Annotated[int | None, typer.Option("--reps", min=2, help="Replicates of each scenario.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of all random numbers.")] = None,
    workers: WorkersOption = None,
    executor: ExecutorOption = None,
    folder: DirOption = FOLDER,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Run scenarios and keep their figures, in place of what the baseline held."""
    from cellfab.study.baseline_file import baseline_path, write_baseline

    path = baseline_path(name, folder)
    watched = _watched(name, scenarios, tuple(overrides or ()), folder, replicates, seed)
    from cellfab.report.baseline_text import saved_document, saved_text
    from cellfab.study.baseline import make_baseline

    with interruptible(), progress_bar(name, shown=not (quiet or as_json)) as advance:
        made = make_baseline(watched, executor=executor, workers=workers, progress=advance)
        write_baseline(made, path)
    typer.echo(json.dumps(saved_document(made, path), allow_nan=False) if as_json else saved_text(made, path))


def baseline_check(
    name: NameArgument,
    replicates: Annotated[
        int | None, typer.Option("--reps", min=2, help="Replicates of each scenario; default: as many as were kept.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Another seed: then replicates are not compared in pairs.")
    ] = None,
    confidence: Annotated[
        float, typer.Option(help="Chance that nothing is said to have moved if only chance is at work.")
    ] = 0.99,
    workers: WorkersOption = None,
    executor: ExecutorOption = None,
    folder: DirOption = FOLDER,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Run the same scenarios again; print which figures have moved, and by how many standard errors.

    Ends with exit code 4 if a figure has moved or is gone, or a replicate fails.
    """
    from cellfab.study.baseline_file import read_baseline

    kept = read_baseline(name, folder)
    from cellfab.report.baseline_text import checked_document, checked_text
    from cellfab.study.baseline import check_baseline

    with interruptible("interrupted: nothing was compared"), progress_bar(name, shown=not (quiet or as_json)) as bar:
        checked = check_baseline(
            kept,
            folder,
            replicates=replicates,
            seed=seed,
            confidence=confidence,
            executor=executor,
            workers=workers,
            progress=bar,
        )
    typer.echo(json.dumps(checked_document(checked, name), allow_nan=False) if as_json else checked_text(checked, name))
    if not checked.passed:
        raise typer.Exit(CRITERION_FAILED)


def _watched(
    name: str, scenarios: str | None, options: tuple[str, ...], folder: Path, replicates: int | None, seed: int | None
) -> WatchSet:
    """What is to be watched: as said, else as the set's file beside the baseline lists, else as before."""
    from cellfab.study.baseline_file import baseline_path, read_baseline
    from cellfab.study.baseline_set import is_set, kept_set, named_set, read_set

    beside = folder / f"{name}.yaml"
    file = beside if scenarios is None else Path(scenarios)
    if file.is_file() and (scenarios is None or is_set(file)):
        if options:
            raise UsageError(
                f"--set goes with scenarios that are named, and '{file}' is a list: write the values there"
            )
        return read_set(file, folder, replicates=replicates, seed=seed)
    if scenarios is not None:
        names = [one.strip() for one in scenarios.split(",") if one.strip()]
        return named_set(names, options, folder, replicates=replicates, seed=seed)
    if options:
        raise UsageError("--set goes with --scenarios")
    if not baseline_path(name, folder).is_file():
        raise UsageError(f"what is to be watched? Name --scenarios, or list them in '{beside}'")
    return kept_set(read_baseline(name, folder), folder, replicates=replicates, seed=seed)
