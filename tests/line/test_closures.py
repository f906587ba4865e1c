"""Closed windows: a station to which nothing is supplied stands still, to the tick, and is starved, not down."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfab.config.line_spec import Line, PlannedMaintenance
from cellfab.config.run_spec import Run
from cellfab.line.clock import NEVER, Timetable
from cellfab.line.flow import simulate_line
from cellfab.line.states import STATES

S = 1_000_000
H = 3600 * S


def line(**stations):
    """One saturated source, stations in a row."""
    names = list(stations)
    for before, name in zip(["feed", *names], names, strict=False):
        stations[name] = {"from": before, **stations[name]}
    return {"sources": {"feed": {}}, "stations": stations, "sinks": {"out": {"from": names[-1]}}}


def run(spec, seconds, closures, physics=None, seed=1):
    windows = {name: [(a * S, b * S) for a, b in pairs] for name, pairs in closures.items()}
    return simulate_line(
        Line.model_validate(spec), Run(horizon_h=seconds / 3600.0), seed=seed, physics=physics, closures=windows
    )


def in_state(result, station):
    ticks = result.stations[station].state_ticks
    return {state: int(spent) / S for state, spent in zip(STATES, ticks, strict=True) if spent}


def test_work_waits_and_goes_on(fixed, recorder):
    result = run(line(lathe={"kind": "serial", "cycle": fixed(10)}), 100, {"lathe": [(25, 60)]}, recorder)
    assert recorder.of("lathe")[:4] == [(0, 0.0, 10.0), (1, 10.0, 20.0), (2, 20.0, 65.0), (3, 65.0, 75.0)]
    assert in_state(result, "lathe") == {"working": 65.0, "starved": 35.0}


def test_nothing_is_taken_while_it_is_closed_and_all_at_the_tick_of_opening(fixed, recorder):
    spec = line(saw={"kind": "serial", "cycle": fixed(10)}, lathe={"kind": "serial", "cycle": fixed(5)})
    run(spec, 100, {"saw": [(30, 50)]}, recorder)
    assert [start for _, start, _ in recorder.of("saw")][:5] == [0.0, 10.0, 20.0, 50.0, 60.0]
    assert [start for _, start, _ in recorder.of("lathe")][:4] == [10.0, 20.0, 30.0, 60.0]


@pytest.mark.parametrize("kind", ["serial", "batch", "web", "channels", "chain", "dwell"])
def test_every_kind_counts_closures_as_starved(fixed, kind):
    station = {
        "serial": {"kind": "serial", "cycle": fixed(10)},
        "batch": {"kind": "batch", "cycle": fixed(10)},
        "web": {"kind": "web", "speed_m_per_min": 6.0},
        "channels": {"kind": "channels", "positions": 3, "occupied": fixed(30)},
        "chain": {"kind": "serial", "machines": {"one": {"cycle": fixed(10)}, "two": {"cycle": fixed(10)}}},
        "dwell": {"kind": "dwell", "capacity": 3.0, "minimum": fixed(30)},
    }[kind]
    stop = {"maintenance": {"service": {"every_h": 0.1, "duration_h": 0.01}}}  # 36 s at 360 s, 720 s, ...
    spec = line(machine={**station, **stop})
    if kind == "web":
        spec["sources"]["feed"] = {"unit": "m", "amount": 1.0}
    result = run(spec, 1000, {"machine": [(100, 350), (370, 400)]})
    units = result.stations["machine"].units
    found = in_state(result, "machine")
    # Of the stop from 360 to 396 s a closure covers what lies after 370 s; the second one counts in full.
    assert found["planned"] == pytest.approx((10.0 + 36.0) * units)
    assert found["starved"] >= 280.0 * units
    assert sum(found.values()) == pytest.approx(1000.0 * units)
    assert "down" not in found


def test_half_of_every_day_open_makes_half(fixed):
    windows = [(hour * 3600 + 1800, hour * 3600 + 3600) for hour in range(10)]
    spec = line(a={"kind": "serial", "cycle": fixed(7)}, b={"kind": "serial", "cycle": fixed(11)})
    open_all = run(spec, 36000, {}).lots_finished
    half = run(spec, 36000, {"a": windows, "b": windows}).lots_finished
    assert half == pytest.approx(0.5 * open_all, abs=1)


def test_a_failure_draws_what_it_would_have_drawn(exponential, recorder):
    """The clock of failures stands still with the station: worked time until the failures is the same."""
    mode = {"time_to_failure": exponential(200), "time_to_repair": exponential(20), "clock": "time_dependent"}
    spec = line(lathe={"kind": "serial", "cycle": exponential(10), "failures": {"jam": mode}})
    whole = run(spec, 2000, {})
    shut = run(spec, 3000, {"lathe": [(500, 1500)]})
    assert shut.stations["lathe"].failures == whole.stations["lathe"].failures > 0
    assert shut.lots_finished == whole.lots_finished
    assert in_state(shut, "lathe")["down"] == in_state(whole, "lathe")["down"]


def test_a_line_shut_for_weeks_has_not_stalled(fixed):
    spec = line(lathe={"kind": "serial", "cycle": fixed(600)})
    week = 7 * 24 * 3600
    result = run(spec, 4 * week, {"lathe": [(1000, 3 * week)]})
    assert in_state(result, "lathe")["starved"] == 3 * week - 1000


hours = st.lists(st.integers(0, 60), min_size=2, max_size=6, unique=True).map(sorted)


@given(hours, st.integers(3, 9), st.integers(1, 2), st.integers(0, 5))
def test_a_timetable_with_closures_agrees_with_a_list_of_hours(edges, every, lasts, first):
    closures = [(a * H, b * H) for a, b in zip(edges[::2], edges[1::2], strict=False)]
    service = PlannedMaintenance(every_h=every, duration_h=lasts, first_h=first)
    both, alone = Timetable(None, [service], closures), Timetable(None, [], closures)

    def shut(hour):
        return any(a <= hour * H < b for a, b in closures)

    def off(hour):
        return shut(hour) or (hour >= first and (hour - first) % every < lasts)

    for hour in range(70):
        assert both.is_off(hour * H) == off(hour)
        assert alone.is_off(hour * H) == shut(hour)
        assert (both.closed_until(hour * H) > hour * H) == shut(hour)
        later = next((other for other in range(hour, 70) if not off(other)), None)
        if later is not None:
            assert both.next_on(hour * H) == later * H
        following = next((other for other in range(hour, 70) if shut(other)), None)
        assert alone.next_off(hour * H) == (NEVER if following is None else following * H)
        if off(hour) and later is not None:
            change = next(other for other in range(hour + 1, 70) if shut(other) != shut(hour) or not off(other))
            assert both.next_change(hour * H) == change * H
    assert both.closed_between(5 * H, 40 * H) == sum(shut(hour) for hour in range(5, 40)) * H
