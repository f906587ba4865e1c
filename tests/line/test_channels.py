"""Positions behave like so many parallel machines, blocked or not; trays of large lots to the tick."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest

from cellfab.core.lot import lineage
from cellfab.errors import ConfigError
from cellfab.kernels.laws import EMPIRICAL, Law, duration
from cellfab.kernels.random import stream_key
from cellfab.line.line_run import LineRun
from cellfab.line.states import BLOCKED, STARVED, WORKING

S = 1_000_000


@pytest.fixture
def one_name(monkeypatch):
    """The holding time of a position draws what the cycle of a machine draws."""

    def key(self, *names):
        return stream_key(self.seed, self.replicate, *("cycle" if name == "occupied" else name for name in names))

    monkeypatch.setattr(LineRun, "key", key)


@pytest.mark.usefixtures("one_name")
@pytest.mark.parametrize("behind", ["nothing", "a press", "a queue and a press"])
@pytest.mark.parametrize("seed", range(12))
def test_positions_are_parallel_machines(simulate, exponential, seed, behind):
    """To the tick, also where finished lots block them."""
    law = {"law": "lognormal", "mean_s": 8.0, "cv": 0.5}
    failures = {
        "rack": {
            "time_to_failure": exponential(60.0), "time_to_repair": exponential(12.0),
            "crew": "crew" if seed % 2 else None, "fate": "scrap" if seed % 3 == 0 else "resume",
        },
        "contact": {"time_to_failure": exponential(45.0), "time_to_repair": exponential(3.0)},
    }  # fmt: skip
    shared = {"from": "queue", "failures": failures, "calendar": "shifts" if seed % 4 > 1 else None}

    def line(station):
        buffers, stations, last = {"queue": {"from": "src"}}, {"rack": {**shared, **station}}, "rack"
        if behind == "a queue and a press":
            buffers["between"] = {"from": "rack", "capacity": 2}
            last = "between"
        if behind != "nothing":
            stations["press"] = {"kind": "serial", "from": last, "cycle": exponential(2.9)}
            last = "press"
        return {
            "sources": {"src": {"interarrival": exponential(2.4)}},
            "buffers": buffers,
            "stations": stations,
            "sinks": {"out": {"from": last}},
            "crews": {"crew": {"size": 1}},
            "calendars": {"shifts": {"cycle_h": 0.05, "working": {"a": {"start_h": 0.01, "end_h": 0.043}}}},
        }

    positions = simulate(line({"kind": "channels", "positions": 5, "occupied": law}), 2000.0, warmup=100.0, seed=seed)
    machines = simulate(line({"kind": "serial", "parallel": 5, "cycle": law}), 2000.0, warmup=100.0, seed=seed)
    assert positions.sinks["out"] == machines.sinks["out"]
    assert positions.stations["rack"].state_ticks.tolist() == machines.stations["rack"].state_ticks.tolist()
    assert positions.stations["rack"].failures == machines.stations["rack"].failures
    assert positions.crews == machines.crews
    assert positions.queues == machines.queues
    assert positions.wip_mean == machines.wip_mean
    assert (positions.stations["rack"].state_ticks[BLOCKED] > 0) == (behind != "nothing")


def test_lots_follow_each_other_tray_by_tray(simulate, fixed, recorder):
    # 6 cells on trays of 2 make 3 trays; 2 positions, 10 s each: the third tray starts at 10 and ends at 20, and the
    # next lot's trays find the positions free at 10 and 20.
    line = {
        "sources": {"src": {"parts_per_lot": 6, "lots": 3}},
        "stations": {
            "form": {"kind": "channels", "from": "src", "positions": 2, "cells_per_tray": 2, "occupied": fixed(10.0)}
        },
        "sinks": {"out": {"from": "form"}},
    }
    simulate(line, 100.0, physics=recorder)
    assert recorder.of("form") == [(0, 0.0, 20.0), (1, 10.0, 30.0), (2, 30.0, 50.0)]
    assert recorder.out == [(0, 20.0), (1, 30.0), (2, 50.0)]


def test_a_finished_lot_stays_on_its_position(simulate, fixed):
    # One position, 10 s; behind it a press of 30 s, no queue. Lot 0 is pressed from 10 on; lot 1 is done at 20 and
    # waits in its position until 40; lot 2 follows, is done at 50 and waits until 70; lot 3 is done at 80 and waits.
    line = {
        "sources": {"src": {}},
        "stations": {
            "form": {"kind": "channels", "from": "src", "positions": 1, "occupied": fixed(10.0)},
            "press": {"kind": "serial", "from": "form", "cycle": fixed(30.0)},
        },
        "sinks": {"out": {"from": "press"}},
    }
    result = simulate(line, 100.0)
    ticks = result.stations["form"].state_ticks
    assert result.sinks["out"].lots == {"part": 2}
    assert result.stations["form"].lots_in == 4
    assert (ticks[WORKING], ticks[BLOCKED], ticks[STARVED]) == (40 * S, 60 * S, 0)


class SlowRack:
    """Lots of several trays, a queue and a press, second by second. A position is `[lot, end of tray, free since]`."""

    def __init__(self, positions, lots, room, cycle):
        self.positions = [[None, 0, 0] for _ in range(positions)]
        self.lots, self.room, self.cycle = lots, room, cycle
        self.taken, self.seatless, self.complete = 0, deque(), {}
        self.outbox, self.queue, self.press, self.out = [], 0, -1, []
        self.blocked = 0

    def second(self, t):
        for lot, trays in enumerate(self.lots[: self.taken]):
            seats = [place for place in self.positions if place[0] == lot]
            ended = all(place[1] <= t for place in seats) and all(tray[0] != lot for tray in self.seatless)
            if lot not in self.complete and ended and trays:
                self.complete[lot] = t
                self.outbox.append(lot)
        while self.move(t):
            pass
        self.blocked += sum(self.holds(place, t) for place in self.positions)

    def holds(self, place, t):
        return place[0] in self.outbox and place[1] <= t

    def move(self, t):
        if self.press == t:
            self.press = -1
            self.out.append(t)
            return True
        if self.outbox and self.queue < self.room:
            lot = self.outbox.pop(0)
            self.queue += 1
            for place in self.positions:
                if place[0] == lot:
                    place[0], place[2] = None, t if self.complete[lot] < t else place[2]
            return True
        if self.queue and self.press < 0:
            self.queue -= 1
            self.press = t + self.cycle
            return True
        free = [(place[2], number) for number, place in enumerate(self.positions) if place[1] <= t]
        free = [(since, number) for since, number in free if not self.holds(self.positions[number], t)]
        if self.seatless and free:
            lot, ticks = self.seatless.popleft()
            self.positions[min(free)[1]][:] = lot, t + ticks, t + ticks
            return True
        if not self.seatless and free and self.taken < len(self.lots):
            self.seatless.extend((self.taken, ticks) for ticks in self.lots[self.taken])
            self.taken += 1
            return True
        return False


@pytest.mark.parametrize("seed", range(24))
def test_trays_of_finished_lots_block_and_others_give_way(simulate, fixed, recorder, seed):
    rng = np.random.default_rng(seed)
    positions, trays, room = int(rng.integers(1, 7)), int(rng.integers(1, 9)), int(rng.integers(1, 3))
    cycle = float(rng.integers(4, 25))
    values = np.sort(rng.integers(1, 15, 4)).astype(float)
    line = {
        "sources": {"src": {"parts_per_lot": trays, "lots": 30}},
        "stations": {
            "rack": {
                "kind": "channels", "from": "src", "positions": positions,
                "occupied": {"law": "empirical", "values_s": values.tolist()},
            },
            "press": {"kind": "batch", "from": "between", "cycle": fixed(cycle)},
        },
        "buffers": {"between": {"from": "rack", "capacity": room}},
        "sinks": {"out": {"from": "press"}},
    }  # fmt: skip
    result = simulate(line, 400.0, physics=recorder)
    law, key = Law(EMPIRICAL, 0.0, 0.0, 0.0, values), stream_key(1, 0, "rack", "occupied")
    drawn = [[duration(*law, 1.0, key, lineage("src", lot), row) // S for row in range(trays)] for lot in range(30)]
    slow = SlowRack(positions, drawn, room, int(cycle))
    for t in range(400):
        slow.second(t)
    assert [out for _, out in recorder.out] == slow.out
    assert {lot: int(end) for lot, _, end in recorder.of("rack")} == slow.complete
    assert result.stations["rack"].state_ticks[BLOCKED] == slow.blocked * S


def test_time_dependent_failures_are_refused(simulate, fixed, exponential):
    failure = {"time_to_failure": exponential(9.0), "time_to_repair": fixed(1.0), "clock": "time_dependent"}
    station = {"kind": "channels", "from": "src", "positions": 1, "occupied": fixed(10.0), "failures": {"f": failure}}
    with pytest.raises(ConfigError, match="only positions that are held can fail"):
        simulate({"sources": {"src": {}}, "stations": {"form": station}, "sinks": {"out": {"from": "form"}}}, 10.0)
