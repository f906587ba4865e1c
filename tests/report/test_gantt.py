"""The Gantt chart holds the dates of its table."""

from __future__ import annotations

import datetime
from dataclasses import replace

import pandas as pd
import pytest

from cellfab.report.gantt import capacity_text, converted_lines, gantt, sold_by_week, tasks_text

START = datetime.date(2026, 1, 5)
ROW = {"kind": "install", "line": "", "station": "", "float_weeks": 0.0, "critical": 1, "capex_musd": 0.0, "text": ""}
FRAME = pd.DataFrame(
    [
        ROW
        | {"task": "stop", "start_week": 4.0, "finish_week": 4.0, "planned_start_week": 4.0}
        | {"planned_finish_week": 4.0},
        ROW
        | {"task": "install.wind", "start_week": 4.0, "finish_week": 12.0, "planned_start_week": 4.0}
        | {"planned_finish_week": 9.0},
        ROW
        | {"task": "install.fill", "start_week": 4.0, "finish_week": 7.0, "planned_start_week": 4.0}
        | {"planned_finish_week": 7.0, "critical": 0, "float_weeks": 5.0},
    ]
)


def test_bars_floats_and_what_was_late():
    traces = {trace.name: trace for trace in gantt(FRAME, START).data}
    assert (list(traces["critical"].base), list(traces["critical"].x)) == ([4.0], [8.0])
    assert (list(traces["with float"].base), list(traces["with float"].x)) == ([4.0], [3.0])
    assert (list(traces["float"].base), list(traces["float"].x)) == ([7.0], [5.0])
    assert (list(traces["as planned"].base), list(traces["as planned"].x)) == ([4.0], [5.0])
    assert list(traces["milestone"].x) == [4.0]


def test_what_is_told():
    assert tasks_text(FRAME) == (
        "On the path that decides the release: stop, install wind. Longer than planned: install wind by 3.0 weeks."
    )


@pytest.mark.parametrize(("weeks", "first"), [(20.0, "Feb 2026"), (200.0, "Jan 2027")])
def test_months_are_named(weeks, first):
    frame = FRAME.assign(finish_week=FRAME["finish_week"] + weeks)
    assert first in gantt(frame, START).layout.xaxis.ticktext


def test_what_was_sold_is_told_of_the_lines_that_are_converted(make_plant):
    """Two lines of which the north one is converted: 3 of its MWh in week 2, 5 of the other's."""
    whole = make_plant(replicates=1)
    sold = pd.DataFrame(
        {"replicate": 0, "week": 2, "station": ["north-store", "south-store"], "product": "lfp",
         "holding": "finished_good", "energy_kwh": [3e3, 5e3]}
    )  # fmt: skip
    tasks = pd.DataFrame([ROW | {"task": "north-stop", "line": "north"}, ROW | {"task": "release"}])
    alone = replace(whole, releases=sold, tasks=tasks.assign(line=""))
    assert sold_by_week(alone)["good_energy_mwh"].tolist() == [8.0]
    assert converted_lines(alone) == []
    several = replace(whole, releases=sold, tasks=tasks)
    assert converted_lines(several) == ["north"]
    assert sold_by_week(several)["good_energy_mwh"].tolist() == [3.0]
    at_once = replace(several, tasks=tasks.assign(line=""))
    assert sold_by_week(at_once)["good_energy_mwh"].tolist() == [8.0]


def test_a_share_of_the_capacity_says_of_which_lines():
    table = pd.DataFrame({"sold_mwh": [10.0], "good_energy_mwh": [4.0]})
    assert capacity_text(table).endswith("The simulation sold 40 % of what was planned.")
    assert capacity_text(table, ["north", "south_2"]).startswith("Of north, south 2. Planned:")
