"""Tables of a run and answers to questions about them, in words and as JSON."""

from __future__ import annotations

import datetime
import math
import shlex
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellfab.core.columns import COLUMNS
from cellfab.records.query import Shape, batches, examples
from cellfab.records.recording import CELLS_FILE
from cellfab.report.numbers import number

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA_VERSION = 1
SHOWN_ROWS = 40
"""Rows of an answer that the terminal shows."""
_WIDEST = 60
TABLES: dict[str, str] = {
    "ledger": "every cost, where it arose: week, place, step, product, account",
    "ledger_rows": "every single posting of cost, if asked for",
    "holdings": "where that value went when it left the line; all but 'returned', less recycling, is full cost",
    "releases": "the same value by station and reason: cause of scrap, product finished, or account",
    "materials": "where every material went: good cells, scrap, handling, back to the store; with its carbon dioxide",
    "incomes": "sales, credits and proceeds of recycling by week",
    "cash": "money received and paid by week, of the run and of the years after it",
    "ramp": "output, yield and cost by week",
    "modes": "failure modes: when each was found and fixed, and what it cost",
    "lines": "output and yield by week of each of several lines",
    "stations": "on which of several lines each station is; join it to any table by station",
    "buyers": "cells, energy and sales by week and buyer, where cells are sold by specifications",
    "scrap": "what was thrown away, by step and cause",
    "steps": "rows in and rows scrapped, by step and product",
    "states": "hours of each station in each state, by week",
    "bottlenecks": "hours in which each station was the shifting bottleneck, by week",
    "output": "parts by week and product, of a bare line",
    "buffers": "content and waiting time of each buffer",
    "escapes": "hidden defects of the cells sold, by mechanism",
    "kpi": "key figures with their confidence intervals",
    "energy": "kWh by place, carrier and use, with what went into scrap and its carbon dioxide",
    "prices": "what electricity, heat, materials and consumables cost, by week",
    "tasks": "tasks of a conversion: as planned and as they were, with float and capital",
    "capacity": "what the line could make and may sell by week of a conversion, as planned",
    "cells": "every recorded cell: its outcome, true and measured columns, and what it was made of",
    "genealogy": "every recorded lot with its parents",
}
"""What each table of a run holds."""
_UNITS = {
    "usd": "$",
    "hours": "h",
    "kwh": "kWh",
    "mwh": "MWh",
    "kg": "kg",
    "step_yield": "0-1",
    "line_yield": "0-1",
    "ppm": "ppm",
    "share": "0-1",
    "cells": "cells",
    "cells_per_min": "1/min",
    "quantity": "of `unit`",
    "value": "of `unit`",
    "ci_low": "of `unit`",
    "ci_high": "of `unit`",
    "capacity": "of `unit`",
    "mean": "of `unit`",
    "maximum": "of `unit`",
    "cell_equivalents": "cells",
    "false_rejects": "of `row_unit`",
    "rows_in": "of `row_unit`",
    "rows_scrapped": "of `row_unit`",
}
_ENDINGS = (
    ("_usd_per_kwh", "$/kWh"), ("kwh_per_kwh", "kWh/kWh"), ("_share", "0-1"), ("_usd", "$"), ("_mwh", "MWh"),
    ("_kwh", "kWh"), ("_kg", "kg"), ("_s", "s"), ("_m", "m"), ("_h", "h"),
    ("_week", "weeks"), ("_weeks", "weeks"), ("_musd", "M$"),
)  # fmt: skip


def unit_of(table: str, column: str) -> str:
    """Unit of a column as it is shown; empty for texts, counts and names."""
    if f"{table}.parquet" == CELLS_FILE and column in COLUMNS:
        unit = COLUMNS[column].unit
        return "" if unit == "1" else unit
    if column in _UNITS:
        return _UNITS[column]
    if column.startswith("failed_ppm_"):
        return "ppm"
    return next((unit for ending, unit in _ENDINGS if column.endswith(ending)), "")


def shapes_text(shapes: Sequence[Shape], folder: Path) -> str:
    """The tables of a run with their columns and units, and questions to begin with."""
    _know_columns(shapes)
    lines = []
    for shape in shapes:
        told = TABLES.get(shape.name, "")
        rows = "1 row" if shape.rows == 1 else f"{shape.rows:,} rows"
        lines.append(f"{shape.name} ({rows}){f': {told}' if told else ''}")
        named = [
            f"{column} [{unit}]" if (unit := unit_of(shape.name, column)) else column for column, _ in shape.columns
        ]
        lines += _filled(named)
    place = shlex.quote(str(folder))
    lines += ["", "Questions to begin with:"]
    for words, sql in examples():
        lines += ["", f"-- {words}", f'cellfab query {place} "{sql}"']
    return "\n".join(lines)


def shapes_document(shapes: Sequence[Shape]) -> dict[str, Any]:
    """What `cellfab query RUN --json` prints without a question."""
    _know_columns(shapes)
    return {
        "schema_version": SCHEMA_VERSION,
        "tables": [
            {
                "name": shape.name,
                "text": TABLES.get(shape.name, ""),
                "rows": shape.rows,
                "columns": [
                    {"name": name, "type": kind, "unit": unit_of(shape.name, name)} for name, kind in shape.columns
                ],
            }
            for shape in shapes
        ],
        "examples": [{"text": words, "sql": sql} for words, sql in examples()],
    }


def answer_document(answer: pa.RecordBatchReader) -> dict[str, Any]:
    """What `cellfab query --json` prints: all rows, as lists in the order of `columns`."""
    columns = [{"name": field.name, "type": str(field.type)} for field in answer.schema]
    return {"schema_version": SCHEMA_VERSION, "columns": columns, "rows": [list(map(_plain, r)) for r in _rows(answer)]}


def answer_text(answer: pa.RecordBatchReader) -> str:
    """An answer as a table, its first rows where there are many."""
    names = answer.schema.names
    rows = list(islice(_rows(answer), SHOWN_ROWS + 1))
    shown = [[_shown(value) for value in row] for row in rows[:SHOWN_ROWS]]
    numeric = [all(isinstance(row[place], int | float | Decimal | None) for row in rows) for place in range(len(names))]
    widths = [min(_WIDEST, max(len(text) for text in column)) for column in zip(names, *shown, strict=True)]

    def line(texts: Iterable[str]) -> str:
        cells = (
            text[:width].rjust(width) if right else text[:width].ljust(width)
            for text, width, right in zip(texts, widths, numeric, strict=True)
        )
        return "  ".join(cells).rstrip()

    lines = [line(names), line("-" * width for width in widths), *map(line, shown)]
    if len(rows) > SHOWN_ROWS:
        lines.append(f"... more than {SHOWN_ROWS} rows: narrow the question, or keep them all with --save FILE.csv")
    elif not rows:
        lines.append("(no rows)")
    return "\n".join(lines)


def _know_columns(shapes: Sequence[Shape]) -> None:
    """Have the steps register their columns, if there is a table of cells."""
    if any(f"{shape.name}.parquet" == CELLS_FILE for shape in shapes):
        from cellfab.steps.registry import registry

        registry()


def _rows(answer: pa.RecordBatchReader) -> Iterable[tuple[Any, ...]]:
    for batch in batches(answer):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _filled(words: Sequence[str], width: int = 116) -> list[str]:
    """Words parted by commas in indented lines, none of them broken."""
    lines = [""]
    for word in words:
        grown = f"{lines[-1]}, {word}" if lines[-1] else word
        if len(grown) > width - 4 and lines[-1]:
            lines[-1] += ","
            lines.append(word)
        else:
            lines[-1] = grown
    return [f"    {line}" for line in lines]


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return number(value, 6) if math.isfinite(value) else str(value)
    return "" if value is None else " ".join(str(value).split())


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return value if value is None or isinstance(value, str | int | bool) else str(value)
