"""The result folder of a fleet: figures as JSON and CSV, tables as Parquet, the page."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from functools import partial
from pathlib import Path

from cellfab.fleet.result import TABLES, FleetResult
from cellfab.report.fleet_text import fleet_document
from cellfab.report.folder import write_whole_folder


def write_fleet_folder(result: FleetResult, resolved_yaml: str, parent: Path) -> Path:
    """Write `parent/<name>-<digest8>-<seed>/` with every file of a fleet's run; see `write_whole_folder`.

    The same run gives the same bytes, but for the times in manifest.json.
    """
    fill = partial(_fill, result=result, resolved_yaml=resolved_yaml)
    return write_whole_folder(parent, (result.name, result.digest, result.seed), fill)


def _fill(folder: Path, result: FleetResult, resolved_yaml: str) -> None:
    from cellfab.report.fleet_page import write_fleet_page

    _write(folder / "manifest.json", _json({**result.manifest, "timing": dict(result.timing)}))
    _write(folder / "resolved.yaml", resolved_yaml)
    timeless = replace(result, timing={})
    _write(folder / "kpi.json", _json(fleet_document(timeless)))
    _write(folder / "columns.json", _json(TABLES))
    with (folder / "kpi.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("name", "value", "unit", "ci_low", "ci_high", "n", "reason"))
        rows.writerows((n, k.value, k.unit, k.ci_low, k.ci_high, k.n, k.reason) for n, k in result.kpi.items())
    _write_tables(folder, result)
    write_fleet_page(timeless, folder / "report.html")


def _write_tables(folder: Path, result: FleetResult) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    for name, frame in result.tables.items():
        table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
        options = {"version": "2.4", "data_page_version": "1.0", "compression": "snappy", "store_schema": False}
        pq.write_table(table, folder / f"{name}.parquet", **options)


def _json(document: object) -> str:
    return json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
