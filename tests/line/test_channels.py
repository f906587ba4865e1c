"""Positions behave like so many parallel machines; trays of large lots to the tick; the outlet."""

from __future__ import annotations

import pytest

from cellfab.errors import ConfigError
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
@pytest.mark.parametrize("seed", range(12))
def test_positions_are_parallel_machines(simulate, exponential, seed):
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
        return {
            "sources": {"src": {"interarrival": exponential(2.4)}},
            "buffers": {"queue": {"from": "src"}},
            "stations": {"rack": {**shared, **station}},
            "sinks": {"out": {"from": "rack"}},
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


def test_a_full_outlet_stops_the_intake(simulate, fixed):
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


def test_time_dependent_failures_are_refused(simulate, fixed, exponential):
    failure = {"time_to_failure": exponential(9.0), "time_to_repair": fixed(1.0), "clock": "time_dependent"}
    station = {"kind": "channels", "from": "src", "positions": 1, "occupied": fixed(10.0), "failures": {"f": failure}}
    with pytest.raises(ConfigError, match="only positions that are held can fail"):
        simulate({"sources": {"src": {}}, "stations": {"form": station}, "sinks": {"out": {"from": "form"}}}, 10.0)
