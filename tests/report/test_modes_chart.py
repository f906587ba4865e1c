"""Causes found and fixed: the timeline holds the numbers of the result."""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd
import pytest

from cellfab.outcome.lessons import MODES
from cellfab.report import modes_chart
from cellfab.report.page import render
from cellfab.report.tables import write_tables

NAN = math.nan
ROWS = (
    (0, "film", "gap", "sigma", 1.0, "start", "fixed", 0.0, 0.5, 4.0, 10.0, 30.0, 9e5, 6.0e6, "the roll gap wanders"),
    (0, "film", "lanes", "sigma", 1.0, "new_powder", "being fixed", 80.0, 80.5, 81.0, 90.0, NAN, 1e4, 3e5, ""),
    (0, "line.weld", "mode 1", "all that ramps", 0.4, "start", "open", 0.0, 2.0, NAN, NAN, NAN, 5e4, 2e5, ""),
    (0, "wind", "camera", "drift", 0.6, "start", "fixed", NAN, NAN, NAN, NAN, NAN, 0.0, 0.0, "fixed before the run"),
    (1, "film", "gap", "sigma", 1.0, "start", "open", 0.0, 0.5, NAN, NAN, NAN, 1.0, 99e6, "of another replicate"),
)  # fmt: skip


@pytest.fixture
def learning(plant):
    return replace(plant, replicates=2, modes=pd.DataFrame(ROWS, columns=["replicate", *MODES]))


def test_the_dearest_comes_first_and_says_when(learning):
    frame = modes_chart.timeline(learning)
    assert list(frame["usd"]) == [6.0e6, 3e5, 2e5, 0.0]
    text = modes_chart.timeline_text(learning, frame)
    assert "1 of 3 causes were fixed; until then they cost 6.50 M$ of scrap." in text
    assert "The dearest: film: the roll gap wanders (found in week 4, fixed in week 30, 6 M$)." in text
    assert "Not found by the end: 1, at a cost of 200 k$." in text
    assert "The first of 2 replicates is shown." in text


def test_bars_reach_from_date_to_date(learning):
    figure = modes_chart.timeline_bars(modes_chart.timeline(learning), 104)
    unseen, waiting, fixing = (trace for trace in figure.data if trace.type == "bar")
    assert (unseen.name, waiting.name, fixing.name) == ("not found yet", "waiting for a team", "being fixed")
    assert list(unseen.base) == [0.0, 80.0, 0.0] and list(unseen.x) == [4.0, 1.0, 104.0]
    assert list(waiting.x) == [6.0, 9.0, 0.0]
    assert list(fixing.base) == [10.0, 90.0, 104.0] and list(fixing.x) == [20.0, 14.0, 0.0]
    names = figure.layout.yaxis.ticktext
    assert any("again: new powder" in name.replace("<br>", " ") for name in names)
    assert any("line: weld" in name for name in names)


def test_the_page_has_the_chart_only_where_causes_are_known(learning, plant, tmp_path):
    assert "Causes found and fixed" in render(learning)
    assert "Causes found and fixed" not in render(plant)
    written = {path.name for path in write_tables(learning, tmp_path)}
    assert "modes.parquet" in written
    back = pd.read_parquet(tmp_path / "modes.parquet")
    assert list(back.columns) == ["replicate", *MODES]
    assert back["fixed_week"].isna().sum() == 4
    assert modes_chart.timeline(plant).empty
