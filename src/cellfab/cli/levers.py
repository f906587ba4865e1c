"""The command that says what each lever of a scenario is worth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cellfab.cli.options import ExecutorOption, JsonOption, SetOption, WorkersOption
from cellfab.cli.studies import QuietOption, StoreOption, conduct
from cellfab.errors import UsageError

_HELP = "A scenario, whose levers are derived; or a study that has `levers`."


def levers(
    config: Annotated[str, typer.Argument(metavar="CONFIG", help=_HELP)],
    metric: Annotated[
        str | None, typer.Option(help="Rank by this. Default: good_energy_mwh; of a bare line throughput_per_h.")
    ] = None,
    settings: SetOption = None,
    kinds: Annotated[
        list[str] | None,
        typer.Option(
            "--kind",
            help="Only levers of this kind: units, repairs, speed, crews, inspection, causes, learning, release."
            " Repeatable.",
        ),
    ] = None,
    replicates: Annotated[
        int | None, typer.Option("--reps", min=2, help="Of the scenario, and with each lever. Default: 5.")
    ] = None,
    precision: Annotated[
        float | None,
        typer.Option(min=1e-6, max=0.5, help="Go on until the metric is known to this share of itself instead."),
    ] = None,
    target: Annotated[
        float | None, typer.Option(help="Line yield (throughput) whose week is compared, such as 0.8.")
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write the bars as a page.")] = None,
    workers: WorkersOption = None,
    executor: ExecutorOption = None,
    store: StoreOption = Path("studies"),
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """What is each of these worth? More machines, shorter repairs, people, looser tests, remedies: ranked, in pairs.

    Each lever changes one thing and is run with the same random numbers as the scenario itself. The study that does
    so is kept in the store, to be changed and run again by this command or by `cellfab study`.
    """
    from cellfab.config import library
    from cellfab.study.file import is_study

    if html is not None and not html.absolute().parent.is_dir():
        raise UsageError(f"cannot write '{html}': there is no folder '{html.parent}'")
    path = library.find(config)
    if is_study(path):
        options = {"--metric": metric, "--set": settings, "--kind": kinds, "--reps": replicates,
                   "--precision": precision, "--target": target}  # fmt: skip
        given = [name for name, value in options.items() if value is not None]
        if given:
            raise UsageError(
                f"'{config}' is a study and says by itself what {' and '.join(given)} would: change it there"
            )
        file = path
    else:
        from cellfab.study.levers_file import REPLICATES, write_levers_study

        file = write_levers_study(
            config, store, metric=metric, settings=settings or (), kinds=kinds or (),
            replicates=replicates or REPLICATES, precision=precision, target=target,
        )  # fmt: skip
    conduct(file, workers, executor, store, as_json=as_json, quiet=quiet, html=html, needs_levers=True)
