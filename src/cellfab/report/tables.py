"""Results as files for other programs: figures as JSON and CSV, series as Parquet."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellfab.report.numbers import is_number
from cellfab.result import Kpi, RunResult

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

SCHEMA_VERSION = 1
"""Of the document in kpi.json; raised when a name in it changes its meaning or goes away."""

_INT, _FLOAT, _TEXT = "int64", "float64", "string"
_TABLES: dict[str, tuple[str, dict[str, str]]] = {
    "ramp": (
        "weekly",
        {
            "replicate": _INT, "week": _INT, "phase": _TEXT, "product": _TEXT, "cells_started": _INT,
            "cells_good": _INT, "cells_unsold": _INT, "cells_scrapped": _INT, "line_yield": _FLOAT,
            "good_energy_mwh": _FLOAT, "full_cost_usd": _FLOAT, "cash_cost_usd": _FLOAT, "cost_usd_per_kwh": _FLOAT,
            "cash_cost_usd_per_kwh": _FLOAT, "idle_cost_usd": _FLOAT, "cells_per_min": _FLOAT,
        },
    ),
    "ledger": (
        "costs",
        {
            "replicate": _INT, "week": _INT, "station": _TEXT, "place": _TEXT, "step": _TEXT, "product": _TEXT,
            "account": _TEXT, "quantity": _FLOAT, "unit": _TEXT, "usd": _FLOAT,
        },
    ),
    "materials": (
        "materials",
        {
            "replicate": _INT, "material": _TEXT, "fate": _TEXT, "quantity": _FLOAT, "unit": _TEXT, "kg": _FLOAT,
            "usd": _FLOAT, "co2_kg": _FLOAT,
        },
    ),
    "incomes": (
        "incomes",
        {
            "replicate": _INT, "week": _INT, "place": _TEXT, "account": _TEXT, "product": _TEXT, "quantity": _FLOAT,
            "unit": _TEXT, "usd": _FLOAT,
        },
    ),
    "cash": (
        "cash",
        {
            "replicate": _INT, "week": _INT, "simulated": _INT, "sales_usd": _FLOAT, "credits_usd": _FLOAT,
            "recycling_usd": _FLOAT, "operating_usd": _FLOAT, "capital_usd": _FLOAT, "net_usd": _FLOAT,
            "cumulative_usd": _FLOAT,
        },
    ),
    "holdings": (
        "holdings",
        {
            "replicate": _INT, "week": _INT, "holding": _TEXT, "product": _TEXT, "form": _TEXT, "account": _TEXT,
            "quantity": _FLOAT, "unit": _TEXT, "usd": _FLOAT,
        },
    ),
    "releases": (
        "releases",
        {
            "replicate": _INT, "week": _INT, "station": _TEXT, "place": _TEXT, "product": _TEXT, "holding": _TEXT,
            "reason": _TEXT, "form": _TEXT, "rows": _INT, "energy_kwh": _FLOAT, "usd": _FLOAT,
        },
    ),
    "states": ("states", {"replicate": _INT, "week": _INT, "station": _TEXT, "state": _TEXT, "hours": _FLOAT}),
    "scrap": (
        "scrap",
        {
            "replicate": _INT, "product": _TEXT, "station": _TEXT, "step": _TEXT, "cause": _TEXT, "text": _TEXT,
            "rows": _INT, "row_unit": _TEXT, "cell_equivalents": _FLOAT, "usd": _FLOAT, "false_rejects": _FLOAT,
        },
    ),
    "escapes": (
        "escapes",
        {
            "replicate": _INT, "mechanism": _TEXT, "cells": _INT, "cells_sold": _INT, "ppm": _FLOAT,
            "failed_ppm_1y": _FLOAT, "failed_ppm_5y": _FLOAT, "failed_ppm_10y": _FLOAT, "failed_ppm_20y": _FLOAT,
        },
    ),
    "steps": (
        "steps",
        {
            "replicate": _INT, "product": _TEXT, "station": _TEXT, "step": _TEXT, "rows_in": _INT,
            "rows_scrapped": _INT, "row_unit": _TEXT, "step_yield": _FLOAT,
        },
    ),
    "energy": (
        "energy",
        {
            "replicate": _INT, "place": _TEXT, "step": _TEXT, "carrier": _TEXT, "use": _TEXT, "kwh": _FLOAT,
            "kwh_per_kwh": _FLOAT, "scrap_kwh": _FLOAT, "scrap_share": _FLOAT, "co2_kg": _FLOAT,
        },
    ),
    "prices": ("prices", {"replicate": _INT, "week": _INT, "item": _TEXT, "unit": _TEXT, "usd": _FLOAT}),
    "tasks": (
        "tasks",
        {
            "replicate": _INT, "task": _TEXT, "kind": _TEXT, "line": _TEXT, "station": _TEXT, "start_week": _FLOAT,
            "finish_week": _FLOAT, "planned_start_week": _FLOAT, "planned_finish_week": _FLOAT, "float_weeks": _FLOAT,
            "critical": _INT, "capex_musd": _FLOAT, "text": _TEXT,
        },
    ),
    "capacity": (
        "capacity",
        {"replicate": _INT, "week": _INT, "product": _TEXT, "mwh": _FLOAT, "sold_mwh": _FLOAT},
    ),
    "modes": (
        "modes",
        {
            "replicate": _INT, "place": _TEXT, "mode": _TEXT, "moves": _TEXT, "share": _FLOAT, "since": _TEXT,
            "state": _TEXT, "opened_week": _FLOAT, "seen_week": _FLOAT, "detected_week": _FLOAT, "begun_week": _FLOAT,
            "fixed_week": _FLOAT, "cells": _FLOAT, "usd": _FLOAT, "text": _TEXT,
        },
    ),
    "lines": (
        "lines",
        {
            "replicate": _INT, "week": _INT, "line": _TEXT, "weeks_since_start": _INT, "cells_started": _INT,
            "cells_good": _INT, "cells_unsold": _INT, "cells_scrapped": _INT, "line_yield": _FLOAT,
            "good_energy_mwh": _FLOAT,
        },
    ),
    "buyers": (
        "buyers",
        {
            "replicate": _INT, "week": _INT, "product": _TEXT, "buyer": _TEXT, "cells": _INT, "kwh": _FLOAT,
            "usd": _FLOAT, "short_cells": _INT,
        },
    ),
    "stations": ("stations", {"replicate": _INT, "station": _TEXT, "line": _TEXT, "written": _TEXT}),
    "bottlenecks": (
        "bottlenecks",
        {
            "replicate": _INT, "week": _INT, "station": _TEXT, "sole_h": _FLOAT, "shifting_h": _FLOAT,
            "bottleneck_h": _FLOAT, "share": _FLOAT,
        },
    ),
    "output": (
        "output", {"replicate": _INT, "week": _INT, "product": _TEXT, "parts": _INT, "per_h": _FLOAT},
    ),
    "buffers": (
        "buffers",
        {
            "replicate": _INT, "buffer": _TEXT, "unit": _TEXT, "capacity": _FLOAT, "mean": _FLOAT, "maximum": _FLOAT,
            "wait_mean_s": _FLOAT, "wait_p95_s": _FLOAT,
        },
    ),
}  # fmt: skip
"""File name without suffix: the attribute of `RunResult` it holds, and its columns in order with their types."""


_WARNING = ("place", "path", "message", "hint")


def kpi_document(result: RunResult, out_dir: str | None = None) -> dict[str, Any]:
    """What `cellfab run --json` prints and kpi.json holds.

    Parameters
    ----------
    result : RunResult
    out_dir : str, optional
        Folder of the run; null in the document if it was written nowhere.

    Returns
    -------
    dict
        Plain JSON types only; a NaN or an infinity becomes null, and a figure without a value says why in "reason".
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "scenario": {"name": result.name, "digest": result.digest},
        "seed": int(result.seed),
        "replicates": int(result.replicates),
        "kpi": {name: _kpi(kpi) for name, kpi in result.kpi.items()},
        "warnings": [dict(zip(_WARNING, warning, strict=True)) for warning in result.warnings],
        "counts": {name: int(value) for name, value in result.counts.items()},
        "timing": {name: _plain(value) for name, value in result.timing.items()},
        "out_dir": out_dir,
    }


def write_tables(result: RunResult, folder: Path) -> tuple[Path, ...]:
    """Write kpi.json, kpi.csv and the Parquet files of a run into an existing folder.

    Parquet files hold data pages of version 1, signed integers, float64 and text, and no index column, so that old
    readers take them; NaN is written as null. The same result gives the same bytes.

    Returns
    -------
    tuple of Path
        The files written: kpi.json, kpi.csv, ramp (weekly series), ledger (costs), materials, incomes, holdings,
        releases, states, bottlenecks, scrap, escapes, steps, energy, prices, output of a bare line, buffers, tasks and
        capacity of a conversion, and modes where the line learns by causes.
    """
    import pyarrow.parquet as pq

    document = folder / "kpi.json"
    text = json.dumps(kpi_document(result), indent=2, allow_nan=False, ensure_ascii=False)
    document.write_text(text + "\n", encoding="utf-8", newline="\n")
    figures = folder / "kpi.csv"
    with figures.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("name", "value", "unit", "ci_low", "ci_high", "n", "reason"))
        for name, kpi in result.kpi.items():
            rows.writerow(
                (name, _plain(kpi.value), kpi.unit, _plain(kpi.ci_low), _plain(kpi.ci_high), kpi.n, kpi.reason)
            )
    written = [document, figures]
    for name, (attribute, columns) in _TABLES.items():
        frame = getattr(result, attribute)
        if frame is None:
            continue
        path = folder / f"{name}.parquet"
        pq.write_table(
            _arrow(frame, columns),
            path,
            version="2.4",
            data_page_version="1.0",
            compression="snappy",
            store_schema=False,
        )
        written.append(path)
    return tuple(written)


def _kpi(kpi: Kpi) -> dict[str, Any]:
    out: dict[str, Any] = {
        "value": _plain(kpi.value),
        "unit": kpi.unit,
        "ci_low": _plain(kpi.ci_low),
        "ci_high": _plain(kpi.ci_high),
        "n": int(kpi.n),
    }
    return {**out, "reason": kpi.reason} if kpi.reason else out


def _plain(value: Any) -> Any:
    """A plain Python number or text; None for what JSON has no word for."""
    if value is None or isinstance(value, str):
        return value
    plain = value.item() if hasattr(value, "item") else value
    return plain if is_number(plain) else None


def _arrow(frame: pd.DataFrame, columns: dict[str, str]) -> pa.Table:
    """The frame with its declared columns first; further columns follow with the type they have."""
    import pandas as pd
    import pyarrow as pa

    types = {_INT: pa.int64(), _FLOAT: pa.float64(), _TEXT: pa.string()}
    if frame.empty:
        return pa.schema([(name, types[kind]) for name, kind in columns.items()]).empty_table()
    arrays, names = [], []
    for name in (*columns, *(str(name) for name in frame.columns if name not in columns)):
        column = frame[name]
        if name in columns:
            kind = columns[name]
        elif pd.api.types.is_integer_dtype(column):
            kind = _INT
        else:
            kind = _FLOAT if pd.api.types.is_float_dtype(column) else _TEXT
        if kind == _INT and pd.api.types.is_float_dtype(column) and not (column.dropna() % 1 == 0).all():
            kind = _FLOAT
        arrays.append(pa.array(column.tolist(), type=types[kind], from_pandas=True))
        names.append(name)
    return pa.Table.from_arrays(arrays, names=names)
