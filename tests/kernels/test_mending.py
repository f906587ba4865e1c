"""Breakdowns decided ahead, against the same draws one by one."""

from __future__ import annotations

import numpy as np
import pytest

from cellfab.kernels.laws import EXPONENTIAL, Law, duration
from cellfab.kernels.mending import mend
from cellfab.kernels.random import stream_key
from cellfab.kernels.serial_line import Mode, Stage, build

WORK = 5_000_000_000
UNIT = 3


def law(mean_s: float) -> Law:
    return Law(EXPONENTIAL, mean_s, 0.0, 0.0, np.empty(0))


def mode(name: str, mean_s: float, *, crew: bool = False) -> Mode:
    return Mode(law(mean_s), law(5.0), stream_key(1, 0, name, "run"), stream_key(1, 0, name, "repair"), crew=crew)


MODES = [mode("jam", 60.0), mode("misfeed", 90.0), mode("crash", 2000.0, crew=True)]


def first_failures() -> np.ndarray:
    return np.array([(duration(*each.time_to_failure, 0.8, each.failure_key, UNIT, 0), 0) for each in MODES])


def one_by_one(work: int) -> tuple[list[tuple[int, int]], list[int], int, int]:
    left, number, now = [int(ticks) for ticks, _ in first_failures()], [0, 0, 0], 7
    stops = []
    while True:
        struck = left.index(min(left))
        run = left[struck]
        if run >= work or MODES[struck].crew:
            return stops, number, now, work
        left = [ticks - run for ticks in left]
        now, work = now + run, work - run
        up = now + duration(*MODES[struck].time_to_repair, 1.5, MODES[struck].repair_key, UNIT, number[struck])
        stops.append((now, up))
        now = up
        number[struck] += 1
        left[struck] = duration(*MODES[struck].time_to_failure, 0.8, MODES[struck].failure_key, UNIT, number[struck])


@pytest.mark.parametrize("work", [0, WORK // 100, WORK])
def test_stops_are_those_drawn_one_by_one(work):
    chain = build([Stage(law(1.0), np.uint64(0), modes=MODES)])
    clocks, stops = first_failures(), np.empty((1000, 2), np.int64)
    mended, now, left = mend(chain, clocks, UNIT, 7, work, 0.8, 1.5, stops)
    expected, number, *end = one_by_one(work)
    assert stops[:mended].tolist() == [list(stop) for stop in expected]
    assert clocks[:, 1].tolist() == number
    assert [now, left] == end
    assert number[2] == 0  # whoever needs a crew has to call it
    if work == WORK:
        assert min(number[:2]) > 3


def test_no_room_for_more_stops_is_told():
    chain = build([Stage(law(1.0), np.uint64(0), modes=MODES)])
    whole, parts = np.empty((1000, 2), np.int64), np.empty((4, 2), np.int64)
    mended, *end = mend(chain, first_failures(), UNIT, 7, WORK, 0.8, 1.5, whole)
    clocks, now, work, seen = first_failures(), 7, WORK, []
    filled = len(parts)
    while filled == len(parts):
        filled, now, work = mend(chain, clocks, UNIT, now, work, 0.8, 1.5, parts)
        seen += parts[:filled].tolist()
    assert seen == whole[:mended].tolist()
    assert [now, work] == end
