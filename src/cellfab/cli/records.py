"""Commands that ask what a run has left: where a cell came from, what a roll became, and its tables in SQL."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from cellfab.cli.options import FolderArgument, JsonOption, ReplicateOption
from cellfab.cli.terminal import interruptible
from cellfab.errors import UsageError


def trace(
    folder: FolderArgument,
    cell: Annotated[str, typer.Argument(metavar="CELL", help="Lot and row, such as wind-12.345.")],
    replicate: ReplicateOption = 0,
    as_json: JsonOption = False,
) -> None:
    """What one cell of a recorded run is, and which rolls and charges of powder it was made of."""
    from cellfab.records.recall import Records
    from cellfab.report.recall_text import trace_document, trace_text

    found = Records(folder, replicate).trace(cell)
    typer.echo(json.dumps(trace_document(found), allow_nan=False) if as_json else trace_text(found))


def impact(
    folder: FolderArgument,
    lot: Annotated[str, typer.Argument(metavar="ROLL", help="Mother roll (cathode_film-12) or charges of powder.")],
    from_m: Annotated[float | None, typer.Option("--from", metavar="M", help="Of a roll: first metre.")] = None,
    to_m: Annotated[float | None, typer.Option("--to", metavar="M", help="Of a roll: last metre.")] = None,
    charge: Annotated[int | None, typer.Option(min=0, help="Of a lot of charges: which one, from 0.")] = None,
    replicate: ReplicateOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Every cell of a recorded run that was made of a stretch of a roll or of a charge: the size of a recall."""
    from cellfab.records.recall import Records
    from cellfab.report.recall_text import impact_document, impact_text

    found = Records(folder, replicate).impact(lot, from_m=from_m, to_m=to_m, charge=charge)
    typer.echo(json.dumps(impact_document(found), allow_nan=False) if as_json else impact_text(found))


def query(
    folder: FolderArgument,
    sql: Annotated[str | None, typer.Argument(metavar="SQL", help="A question; none: list tables and columns.")] = None,
    save: Annotated[
        Path | None, typer.Option("--save", metavar="FILE", help="Write the answer as .csv or .parquet.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Ask a run's tables in SQL: from the cost per kWh to the ledger rows that make it."""
    from cellfab.records import query as queries
    from cellfab.report import query_text

    if save is not None:
        if sql is None:
            raise UsageError("--save keeps the answer of a question: give one in SQL")
        if as_json:
            raise UsageError("--save and --json do not go together")
        queries.refuse_unknown_ending(save)
    with interruptible(), queries.run_tables(folder) as tables:
        if sql is None:
            shapes = tables.shapes()
            document = query_text.shapes_document(shapes) if as_json else None
            text = "" if as_json else query_text.shapes_text(shapes, folder)
        else:
            answer = tables.ask(sql)
            if save is not None:
                rows = queries.save(answer, save)
                typer.echo(f"{save}: {'1 row' if rows == 1 else f'{rows:,} rows'}", err=True)
                return
            document = query_text.answer_document(answer) if as_json else None
            text = "" if as_json else query_text.answer_text(answer)
    typer.echo(json.dumps(document, allow_nan=False) if as_json else text)
