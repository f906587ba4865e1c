"""Timetables against a list of hours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfab.config.line_spec import Calendar, PlannedMaintenance
from cellfab.errors import ConfigError
from cellfab.line.clock import Timetable, hours_to_ticks

H = 3_600_000_000


def calendar(cycle, *windows):
    working = {f"w{i}": {"start_h": start, "end_h": end} for i, (start, end) in enumerate(windows)}
    return Calendar.model_validate({"cycle_h": cycle, "working": working})


@st.composite
def patterns(draw):
    cycle = draw(st.integers(2, 12))
    hours = draw(st.lists(st.booleans(), min_size=cycle, max_size=cycle).filter(any))
    windows = [(hour, hour + 1) for hour in range(cycle) if hours[hour]]
    stops = draw(st.lists(st.tuples(st.integers(2, 9), st.integers(1, 3), st.integers(0, 5)), max_size=2))
    return cycle, hours, windows, [stop for stop in stops if stop[1] < stop[0]]


@given(patterns())
def test_agrees_with_a_list_of_hours(pattern):
    cycle, hours, windows, stops = pattern
    timetable = Timetable(
        calendar(cycle, *windows),
        [PlannedMaintenance(every_h=every, duration_h=lasts, first_h=first) for every, lasts, first in stops],
    )

    def off(hour):
        return not hours[hour % cycle] or any(
            hour >= first and (hour - first) % every < lasts for every, lasts, first in stops
        )

    table = [off(hour) for hour in range(200)]
    if timetable.always_on:
        assert not any(table)
        return
    for hour in range(40):
        assert timetable.is_off(hour * H) == table[hour]
        assert timetable.is_off(hour * H + H - 1) == table[hour]
        if False in table[hour:]:
            assert timetable.next_on(hour * H) == (hour + table[hour:].index(False)) * H
            if not table[hour]:
                following = (hour + table[hour:].index(True)) * H if True in table[hour:] else None
                assert timetable.next_off(hour * H) == following


def test_boundaries_are_hit_to_the_tick():
    shifts = Timetable(calendar(24, (6, 14), (14, 22)))
    assert shifts.is_off(6 * H - 1)
    assert not shifts.is_off(6 * H)
    assert shifts.next_off(6 * H) == 22 * H
    assert shifts.next_on(22 * H) == 30 * H
    # A year later, still to the tick.
    assert shifts.next_on(365 * 24 * H) == 365 * 24 * H + 6 * H


def test_first_stop_comes_after_one_interval_unless_told():
    every_day = [PlannedMaintenance(every_h=24, duration_h=2)]
    assert Timetable(None, every_day).next_off(0) == 24 * H
    at_once = [PlannedMaintenance(every_h=24, duration_h=2, first_h=0)]
    assert Timetable(None, at_once).next_off(0) == 0


def test_round_the_clock_is_no_timetable():
    assert Timetable(calendar(24, (0, 10), (10, 24))).always_on
    assert Timetable(None).always_on


def test_never_working_is_an_error():
    with pytest.raises(ConfigError, match="leaves no time to work"):
        Timetable(None, [PlannedMaintenance(every_h=2, duration_h=2)])
    blocked = Timetable(calendar(24, (0, 8)), [PlannedMaintenance(every_h=24, duration_h=8, first_h=0)])
    with pytest.raises(ConfigError, match="no time to work"):
        blocked.next_on(0)


def test_hours_are_rounded_to_the_nearest_tick():
    assert hours_to_ticks(1.0 / 3600.0) == 1_000_000
