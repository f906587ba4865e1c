"""A bare line is converted: parts counted by hand, the plan's critical path, and what is refused."""

from __future__ import annotations

import math

import pytest
import yaml

from cellfab.errors import ConfigError
from cellfab.planning import plan_project
from cellfab.replicate import simulate
from cellfab.run import run_scenario
from cellfab.scenario import load_scenario
from cellfab.units import TICKS_PER_WEEK

TURN_S = 600
"""What the press takes for a part; all times below are in turns."""
WEEK = 7 * 24 * 6
STOP, STRIP, PRESS, WINDER, COMMISSIONING, QUALIFICATION = 4, 1, 3, 2, 1, 1
RESTART = STOP + STRIP + PRESS + COMMISSIONING
CONVERSION = {
    "stop_week": STOP, "product_from": "old", "product_to": "new", "drain": {"expected_weeks": 0},
    "strip_out_weeks": STRIP, "commissioning_weeks": COMMISSIONING,
    "requalification": {"duration_weeks": QUALIFICATION},
    "stations": {
        "press": {"action": "modify", "duration_weeks": PRESS}, "wind": {"action": "modify", "duration_weeks": WINDER},
    },
}  # fmt: skip


def station(giver, turns):
    """A machine of a fixed cycle, in YAML."""
    return {"kind": "serial", "from": giver, "cycle": {"law": "deterministic", "value_s": TURN_S * turns}}


def scenario_of(tmp_path, conversion, weeks=20, products=None, **more):
    """Press, queue, winder; the winder is the slower one."""
    line = {
        "sources": {"blanks": {"products": products or {"old": 1}}},
        "stations": {"press": station("blanks", 1), "wind": station("queue", 2)},
        "buffers": {"queue": {"from": "press", "capacity": 50}},
        "sinks": {"out": {"from": "wind"}},
    }
    path = tmp_path / "rebuilt.yaml"
    tree = {"name": "rebuilt", "line": line, "conversion": conversion, "run": {"horizon_h": 168 * weeks}} | more
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return load_scenario(path)


def test_parts_of_both_products_are_those_of_the_calendar(tmp_path):
    """What is inside at the stop (a full queue and both machines) is finished: 103 turns of the winder."""
    done = simulate(scenario_of(tmp_path, CONVERSION), 1)
    parts = done.flow.sinks["out"].parts
    inside = 50 + 2
    # The first part comes after three turns, the others every two: the winder is amid one when the line stops.
    old = WEEK * STOP // 2 - 1 + inside
    drained = 2 * inside - 1
    rest = (20 - RESTART) * WEEK - drained
    assert parts["old"] == old
    assert parts["new"] == (rest - 1 - 1) // 2  # one that would end with the run does not
    assert done.conversion is not None
    (line,) = done.conversion.each
    assert line.at_stop == (inside, inside, 0)
    assert line.released == pytest.approx((RESTART + QUALIFICATION + drained / WEEK) * TICKS_PER_WEEK, rel=1e-9)


def test_a_line_that_stops_without_draining_throws_away_what_is_inside(tmp_path):
    """The other policy."""
    drain = {"expected_weeks": 0, "work_in_progress": "scrap"}
    done = simulate(scenario_of(tmp_path, CONVERSION | {"drain": drain}), 1)
    parts = done.flow.sinks["out"].parts
    assert parts["old"] == pytest.approx(WEEK * STOP // 2 - 1, abs=2)  # parts in machines are let finish
    assert parts["new"] == pytest.approx((20 - RESTART) * WEEK / 2, abs=3)


def test_the_new_product_ramps_by_laws_of_its_own(tmp_path):
    """Half the speed at the restart, by the conversion's ramp; full speed before."""
    slow = {"rate": {"start": 0.5, "time_constant_months": 3}, "reliability": {"start": 1, "repair_start": 1}}
    full = {"rate": {"start": 1}, "reliability": {"start": 1, "repair_start": 1}}
    task = {"carried_share": 0.0}
    conversion = CONVERSION | {
        "ramp": {"default": slow},
        "stations": {name: stop | task for name, stop in CONVERSION["stations"].items()},
    }
    done = simulate(scenario_of(tmp_path, conversion, weeks=60, ramp={"default": full}), 1)
    assert done.conversion is not None
    months = (60 - (RESTART + 103 / WEEK)) * 7 / (365.25 / 12)
    expected = 365.25 / 12 * 144 / 2 * (months - 0.5 * 3 * -math.expm1(-months / 3))
    assert done.flow.sinks["out"].parts["old"] == WEEK * STOP // 2 - 1 + 52
    assert done.flow.sinks["out"].parts["new"] == pytest.approx(expected, rel=1e-4)


def test_its_plan_needs_no_chemistry(tmp_path):
    """Dates and floats by hand; capacity in energy there is none."""
    plan = plan_project(scenario_of(tmp_path, CONVERSION))
    dates = plan.timeline.dates
    weeks = {name: (dates[name].start / TICKS_PER_WEEK, dates[name].finish / TICKS_PER_WEEK) for name in dates}
    assert weeks["install.press"] == (STOP + STRIP, STOP + STRIP + PRESS)
    assert weeks["install.wind"] == (STOP + STRIP, STOP + STRIP + WINDER)
    assert weeks["release"] == (RESTART + QUALIFICATION, RESTART + QUALIFICATION)
    assert dates["install.wind"].total_float == (PRESS - WINDER) * TICKS_PER_WEEK
    assert dates["install.press"].total_float == 0
    assert plan.capacity == ()


def test_lines_are_converted_one_by_one(tmp_path):
    """The second goes on with the old product while the first is rebuilt."""
    conversion = {name: value for name, value in CONVERSION.items() if name != "stop_week"}
    conversion |= {"stop_week": STOP, "lines": {"line1": {"stop_week": STOP}, "line2": {"stop_week": STOP + 6}}}
    done = simulate(scenario_of(tmp_path, conversion, weeks=30, lines={"count": 2}), 1)
    old = {number: done.flow.sinks[f"line{number}-out"].parts["old"] for number in (1, 2)}
    assert old == {1: WEEK * STOP // 2 + 51, 2: WEEK * (STOP + 6) // 2 + 51}


def test_the_report_shows_its_tasks(tmp_path):
    """Figures, phases and the table of tasks."""
    result = run_scenario(scenario_of(tmp_path, CONVERSION))
    assert result.kpi["lots_at_stop"].value == 52
    assert result.kpi["release_late_weeks"].value == pytest.approx(103 / WEEK)
    assert "cells_at_stop" not in result.kpi
    assert [phase.name for phase in result.phases][-1] == "requalification"
    assert result.tasks is not None
    assert set(result.tasks["task"]) >= {"stop", "install.press", "release"}


@pytest.mark.parametrize(
    ("change", "products", "told"),
    [
        ({"product_from": "odl"}, None, "product_from: there is no product 'odl'.*did you mean 'old'"),
        ({}, {"old": 1, "rare": 1}, "makes rare before it stops, and is converted from old"),
        ({"stations": {"prss": {"action": "modify"}}}, None, "there is no station 'prss'"),
        ({"ramp": {"labour": {}}}, None, "conversion.ramp.labour: a bare line has no people"),
        (
            {"ramp": {"default": {"rate": {"when": {"scrap_below_share": 0.1}}}}},
            None,
            "conversion.ramp.default.rate.when: .*a bare line counts no scrap",
        ),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, change, products, told):
    """With the place where it is written."""
    with pytest.raises(ConfigError, match=f"(?s)rebuilt.yaml:[0-9]+:.*{told}"):
        scenario_of(tmp_path, CONVERSION | change, products=products)
