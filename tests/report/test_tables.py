"""Files for other programs, read back."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cellfab.report.tables import kpi_document, write_tables
from cellfab.result import Kpi, RunResult

FILES = ["kpi.json", "kpi.csv", "ramp.parquet", "ledger.parquet", "states.parquet", "scrap.parquet"]
MORE = [
    "steps.parquet", "energy.parquet", "prices.parquet", "buffers.parquet", "holdings.parquet", "releases.parquet",
    "incomes.parquet", "cash.parquet",
]  # fmt: skip


def test_parquet_reads_back_as_the_frames(plant: RunResult, tmp_path: Path) -> None:
    written = write_tables(plant, tmp_path)
    assert set(FILES) <= {path.name for path in written}
    pairs = {
        "ramp": plant.weekly,
        "ledger": plant.costs,
        "states": plant.states,
        "scrap": plant.scrap,
        "steps": plant.steps,
        "energy": plant.energy,
        "prices": plant.prices,
    }
    for name, frame in pairs.items():
        table = pq.read_table(tmp_path / f"{name}.parquet")
        assert table.column_names == list(frame.columns)
        for column in frame.columns:
            values = [None if isinstance(v, float) and math.isnan(v) else v for v in frame[column].tolist()]
            assert table[column].to_pylist() == values


def test_parquet_keeps_to_what_old_readers_know(plant: RunResult, tmp_path: Path) -> None:
    for path in write_tables(plant, tmp_path):
        if path.suffix != ".parquet":
            continue
        file = pq.ParquetFile(path)
        assert {str(field.type) for field in file.schema_arrow} <= {"int64", "double", "string"}
        assert not file.schema_arrow.metadata
        assert not any(name.startswith("__index") for name in file.schema_arrow.names)
        for column in range(file.metadata.num_columns):
            encodings = file.metadata.row_group(0).column(column).encodings
            assert set(encodings) <= {"PLAIN", "RLE", "PLAIN_DICTIONARY", "RLE_DICTIONARY"}


def test_bare_line_writes_empty_tables_with_their_columns(bare_line: RunResult, tmp_path: Path) -> None:
    write_tables(bare_line, tmp_path)
    ramp = pq.read_table(tmp_path / "ramp.parquet")
    assert ramp.num_rows == 0
    assert ramp.schema.field("week").type == pa.int64()
    assert ramp.schema.field("line_yield").type == pa.float64()
    assert pq.read_table(tmp_path / "states.parquet").num_rows == len(bare_line.states)
    assert pq.read_table(tmp_path / "buffers.parquet")["capacity"].to_pylist() == [None] * 10


def test_further_columns_follow_the_declared_ones(make_plant: Callable[..., RunResult], tmp_path: Path) -> None:
    result = make_plant(1)
    result.states.insert(0, "crew", 3)
    result.states.insert(1, "units", result.states["hours"] / 168.0)
    write_tables(result, tmp_path)
    table = pq.read_table(tmp_path / "states.parquet")
    assert table.column_names[-2:] == ["crew", "units"]
    assert [str(table.schema.field(name).type) for name in ("crew", "units")] == ["int64", "double"]


def test_same_result_same_bytes(make_plant: Callable[..., RunResult], tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_tables(make_plant(2), tmp_path / folder)
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == sorted([*FILES, *MORE])
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_kpi_json_is_the_document_of_the_command_line(plant: RunResult, tmp_path: Path) -> None:
    write_tables(plant, tmp_path)
    document = json.loads((tmp_path / "kpi.json").read_text(encoding="utf-8"))
    assert document == kpi_document(plant)
    names = ["schema_version", "scenario", "seed", "replicates", "kpi", "warnings", "counts", "timing", "out_dir"]
    assert list(document) == names
    assert document["schema_version"] == 1
    assert document["scenario"] == {"name": "ess_from_4680", "digest": "9f2c4be07d6a11d1a3b2"}
    value = plant.kpi["final_yield"]
    expected = {"value": value.value, "unit": "1", "ci_low": value.ci_low, "ci_high": value.ci_high, "n": 5}
    assert document["kpi"]["final_yield"] == expected
    assert document["kpi"]["weeks_to_90pct_yield"]["value"] is None
    assert document["kpi"]["weeks_to_90pct_yield"]["reason"] == "not reached within the run"


def test_kpi_csv_has_a_row_for_each_figure(plant: RunResult, tmp_path: Path) -> None:
    write_tables(plant, tmp_path)
    with (tmp_path / "kpi.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == list(plant.kpi)
    cost = next(row for row in rows if row["name"] == "cost_usd_per_kwh")
    assert float(cost["value"]) == plant.kpi["cost_usd_per_kwh"].value
    assert next(row for row in rows if row["name"] == "bottleneck")["value"] == "disc_welder"


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_json_has_no_word_for_nan(value: float, bare_line: RunResult) -> None:
    import dataclasses

    odd = dataclasses.replace(bare_line, kpi={"x": Kpi(value, "h", value, value, 3)}, timing={"wall_s": value})
    document = kpi_document(odd, out_dir="runs/x")
    assert document["kpi"]["x"] == {"value": None, "unit": "h", "ci_low": None, "ci_high": None, "n": 3}
    assert document["timing"] == {"wall_s": None}
    assert document["out_dir"] == "runs/x"
    json.dumps(document, allow_nan=False)
