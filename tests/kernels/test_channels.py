"""Positions and trays against a list of free times searched for its minimum, and against counting tick by tick."""

from __future__ import annotations

import numpy as np
import pytest

from cellfab.kernels.channels import hold_trays

ALWAYS_ON = np.empty((0, 2), np.int64)


def hold(free: np.ndarray, ready: int, ticks: list[int], stops: np.ndarray = ALWAYS_ON) -> tuple:
    start, end = np.empty(len(ticks), np.int64), np.empty(len(ticks), np.int64)
    edges, busy = np.array([0, 50, 100]), np.zeros(3, np.int64)
    told = hold_trays(free, ready, np.array(ticks), stops, edges, busy, start, end)
    return told, start.tolist(), end.tolist(), busy


def twin(free: list[int], ready: int, ticks: list[int], stops: np.ndarray) -> tuple[list[int], list[int], list[int]]:
    def on(t: int) -> bool:
        return not any(a <= t < b for a, b in stops)

    starts, ends, working = [], [], []
    for need in ticks:
        place = free.index(min(free))
        t = max(ready, free[place])
        while not on(t):
            t += 1
        starts.append(t)
        while need:
            if on(t):
                need -= 1
                working.append(t)
            t += 1
        free[place] = t
        ends.append(t)
    return starts, ends, working


@pytest.mark.parametrize("seed", range(40))
def test_lot_after_lot_equals_the_twin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    positions = int(rng.integers(1, 7))
    free, slow_free = np.zeros(positions, np.int64), [0] * positions
    stops = np.cumsum(rng.integers(1, 25, 10)).reshape(-1, 2) if seed % 2 else ALWAYS_ON
    ready = 0
    for _ in range(4):
        ready += int(rng.integers(0, 30))
        ticks = rng.integers(0, 20, int(rng.integers(1, 12))).tolist()
        (first, last, out), start, end, busy = hold(free, ready, ticks, stops)
        starts, ends, working = twin(slow_free, ready, ticks, stops)
        assert (start, end) == (starts, ends)
        assert (first, last, out) == (starts[0], max(starts), max(ends))
        assert np.histogram(working, [0, 50, 100, 10**6])[0].tolist() == busy.tolist()
        assert sorted(free.tolist()) == sorted(slow_free)


def test_a_full_rack_takes_the_next_lot_tray_by_tray() -> None:
    free = np.zeros(2, np.int64)
    assert hold(free, 0, [10, 10, 10])[0] == (0, 10, 20)
    assert hold(free, 0, [10, 10])[1] == [10, 20]


def test_a_lot_without_trays() -> None:
    assert hold(np.zeros(3, np.int64), 5, [])[0] == (-1, -1, -1)
