"""Output of a bare line by week: in the table, in the chart, and not for plants."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest
import yaml

from cellfab.report.output_chart import by_week, curves, told
from cellfab.report.page import render
from cellfab.report.tables import write_tables
from cellfab.run import run_scenario
from cellfab.scenario import load_scenario


@pytest.fixture
def result(tmp_path):
    """Two and a half weeks of a machine that takes an hour for a part, and is a quarter of the time on another one."""
    line = {
        "sources": {"blanks": {"products": {"plain": 3, "rare": 1}}},
        "stations": {"press": {"kind": "serial", "from": "blanks", "cycle": {"law": "deterministic", "value_h": 1}}},
        "sinks": {"out": {"from": "press"}},
    }
    path = tmp_path / "press.yaml"
    path.write_text(yaml.safe_dump({"name": "press", "line": line, "run": {"horizon_h": 420}}), encoding="utf-8")
    return run_scenario(load_scenario(path))


def test_every_week_is_counted_and_the_last_one_by_its_hours(result, tmp_path):
    """A part that would end with a week belongs to the next one, and with the run to none."""
    write_tables(result, tmp_path)
    rows = pq.read_table(tmp_path / "output.parquet").to_pylist()
    made = {(row["week"], row["product"]): row["parts"] for row in rows}
    assert made == {
        (0, "plain"): 126, (0, "rare"): 41, (1, "plain"): 126, (1, "rare"): 42, (2, "plain"): 63, (2, "rare"): 21,
    }  # fmt: skip
    assert [row["per_h"] for row in rows if row["week"] == 2] == [63 / 84, 21 / 84]


def test_its_chart_has_a_line_for_each_product(result):
    """With the numbers of the table."""
    frame = by_week(result)
    lines = {trace.name: list(trace.y) for trace in curves(frame, ()).data}
    assert lines == {"plain": [126 / 168, 126 / 168, 63 / 84], "rare": [41 / 168, 42 / 168, 21 / 84]}
    assert told(frame).startswith("Between 0.994 parts per hour in week 0 and 1 in week 1")
    assert "Output by week" in render(result)


def test_a_plant_has_none(tmp_path):
    """Its output is in energy, with its yield and cost."""
    result = run_scenario(load_scenario("ev_4680_dry", ["run.horizon_h=24"]))
    assert result.output is None
    assert by_week(result).empty
