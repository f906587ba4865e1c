"""Positions and trays against a list of free times, with time passing tick by tick."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cellfab.kernels.channels import FAILED, hold_trays, new_positions
from cellfab.kernels.laws import DETERMINISTIC, EMPIRICAL, Law, duration
from cellfab.kernels.random import stream_key
from cellfab.kernels.serial_line import DOWN, WAITING_CREW, WORKING, Mode, Stage, build

EDGES = np.array([0, 60, 61, 140])
NEVER_OFF = np.empty((0, 2), np.int64)


def fixed(ticks: int) -> Law:
    return Law(DETERMINISTIC, ticks * 1e-6, 0.0, 0.0, np.empty(0))


def one_of(*ticks: int) -> Law:
    return Law(EMPIRICAL, 0.0, 0.0, 0.0, np.sort(np.array(ticks) * 1e-6))


class Rack:
    """The kernel with its state."""

    def __init__(self, count: int, modes: tuple[Mode, ...] = (), stops: np.ndarray = NEVER_OFF) -> None:
        self.chain = build([Stage(fixed(1), np.uint64(1), modes=modes, stops=stops)])
        self.positions = new_positions(self.chain, count, EDGES, 1.0)
        self.calls = np.zeros((50, 5), np.int64)
        self.lost: list[int] = []

    def hold(
        self, ready: int, ticks: list[int], waits: list[tuple[int, ...]], leaves: int = 0
    ) -> tuple[Any, list[int], list[int]]:
        n = len(ticks)
        start, end, lost, at = (np.zeros(n, np.int64) for _ in range(4))
        told = hold_trays(
            self.chain, self.positions, EDGES, ready, np.array(ticks, np.int64), 1.0, 1.0,
            np.array(waits, np.int64).reshape(-1, 4), self.calls, start, end, lost, at, leaves,
        )  # fmt: skip
        self.lost = lost.tolist()
        return told, start.tolist(), end.tolist()


class SlowRack:
    """The same, one tick after the other per tray."""

    def __init__(self, count: int, modes: tuple[Mode, ...], stops: np.ndarray) -> None:
        self.modes, self.stops = modes, stops
        self.free = [0] * count
        self.clocks = [[self.draw("failure", p, k, 0) for k in range(len(modes))] for p in range(count)]
        self.numbers = [[0] * len(modes) for _ in range(count)]
        self.seen: list[tuple[int, int]] = []
        self.failed: list[int] = []

    def draw(self, what: str, place: int, k: int, number: int) -> int:
        mode = self.modes[k]
        if what == "failure":
            return int(duration(*mode.time_to_failure, 1.0, mode.failure_key, place, number))
        return int(duration(*mode.time_to_repair, 1.0, mode.repair_key, place, number))

    def off(self, t: int) -> bool:
        return any(a <= t < b for a, b in self.stops)

    def hold(self, ready: int, need: int, waits: dict[tuple[int, int, int], int]) -> tuple[int, int, bool]:
        place = self.free.index(min(self.free))
        t = max(ready, self.free[place])
        while self.off(t):
            t += 1
        start, worked_just_now = t, True
        while need:
            due = [k for k, clock in enumerate(self.clocks[place]) if clock == 0]
            if due and (worked_just_now or not self.off(t)):
                k = due[0]
                self.failed.append(t)
                leaves = t
                number = self.numbers[place][k]
                for state, span in (
                    (WAITING_CREW, waits.get((place, k, number), 0)), (DOWN, self.draw("repair", place, k, number)),
                ):  # fmt: skip
                    self.seen += [(u, state) for u in range(t, t + span) if not self.off(u)]
                    t += span
                self.numbers[place][k] += 1
                self.clocks[place][k] = self.draw("failure", place, k, number + 1)
                worked_just_now = False
                if self.modes[k].scrap:
                    self.free[place] = t
                    return start, leaves, False
                continue
            worked_just_now = not self.off(t)
            if worked_just_now:
                need -= 1
                self.clocks[place] = [clock - 1 for clock in self.clocks[place]]
                self.seen.append((t, WORKING))
            t += 1
        self.free[place] = t
        return start, t, True


@pytest.mark.parametrize("seed", range(80))
def test_lot_after_lot_equals_the_twin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 6))
    modes = tuple(
        Mode(
            one_of(*rng.integers(4, 60, 4)), one_of(*rng.integers(1, 30, 4)), stream_key(seed, k, "failure"),
            stream_key(seed, k, "repair"), scrap=rng.random() < 0.3, crew=True,
        )
        for k in range(seed % 3)
    )  # fmt: skip
    stops = np.cumsum(rng.integers(1, 40, 20)).reshape(-1, 2) if rng.random() < 0.5 else NEVER_OFF
    waits = {(int(rng.integers(count)), 0, number): int(rng.integers(1, 25)) for number in range(3)}
    rack, slow = Rack(count, modes, stops), SlowRack(count, modes, stops)
    ready = 0
    for _ in range(4):
        ready += int(rng.integers(0, 30))
        ticks = rng.integers(0, 20, int(rng.integers(1, 12))).tolist()
        (first, out, open_at, _), start, end = rack.hold(ready, ticks, [(*name, wait) for name, wait in waits.items()])
        told = [slow.hold(ready, need, waits) for need in ticks]
        assert list(zip(start, end, [not lost for lost in rack.lost], strict=True)) == told
        assert (first, out, open_at) == (start[0], max(end), max(*start, min(slow.free)))
        assert sorted(rack.positions.free.tolist()) == sorted(slow.free)
    bins = [*EDGES, 10**9]
    for state in (WORKING, DOWN, WAITING_CREW):
        expected = np.histogram([t for t, what in slow.seen if what == state], bins)[0]
        assert rack.positions.counts[:, state].tolist() == expected.tolist()
    assert rack.positions.counts[:, FAILED].tolist() == np.histogram(slow.failed, bins)[0].tolist()


def test_a_full_rack_takes_the_next_lot_tray_by_tray() -> None:
    rack = Rack(2)
    assert rack.hold(0, [10, 10, 10], [])[0] == (0, 20, 10, 0)
    assert rack.hold(0, [10, 10], [])[1] == [10, 20]


def test_calls_name_the_breakdown() -> None:
    mode = Mode(fixed(7), fixed(3), np.uint64(1), np.uint64(2), crew=True)
    rack = Rack(1, (mode,))
    assert rack.hold(0, [10], [])[0] == (0, 13, 13, 1)
    assert rack.calls[0].tolist() == [0, 0, 0, 7, 3]
    rack = Rack(1, (mode,))
    assert rack.hold(0, [10], [(0, 0, 0, 5)])[0] == (0, 18, 18, 1)


def test_a_lot_without_trays() -> None:
    assert Rack(3).hold(5, [], [])[0] == (5, 5, 5, 0)
