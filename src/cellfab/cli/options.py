"""Arguments and options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ConfigArgument = Annotated[
    str, typer.Argument(metavar="CONFIG", help="A YAML file, or the name of a shipped scenario or line.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Change a value: line.stations.wind.parallel=16. Repeatable."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else on stdout.")]
WorkersOption = Annotated[
    int | None, typer.Option(min=0, help="Processes; 0: this one alone. Default: one for each core.")
]
ExecutorOption = Annotated[
    str | None, typer.Option(metavar="dask:tcp://HOST:PORT", help="Run on a dask cluster instead.")
]
FolderArgument = Annotated[Path, typer.Argument(metavar="RUN_FOLDER", help="Folder that `cellfab run` wrote.")]
ReplicateOption = Annotated[int, typer.Option("--replicate", min=0, help="Of the run, counted from 0.")]
