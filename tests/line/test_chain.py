"""A chain of machines as one station does what its machines do as stations of their own, lot for lot."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cellfab.kernels.laws import EMPIRICAL, Law
from cellfab.kernels.random import stream_key
from cellfab.kernels.serial_line import AT_HAND, Mode, Stage, build, new_tally
from cellfab.line import compiled
from cellfab.line.ahead import Call, Entrance
from cellfab.line.chain_flow import ChainFlow, ChainPassage
from cellfab.line.chain_scan import ChainScan
from cellfab.line.line_run import LineRun
from cellfab.line.states import CONVERTING

LAWS = {
    "fixed": {"law": "deterministic", "value_s": 1.0},
    "uniform": {"law": "uniform", "low_s": 0.5, "high_s": 1.5},
    "lognormal": {"law": "lognormal", "mean_s": 1.0, "cv": 0.4},
}


def machines(rng, count, crew, timed):
    """Random machines; their buffers, cycles and breakdowns."""
    made = {}
    for m in range(count):
        failures = {}
        for k in range(int(rng.integers(0, 3))):
            failures[f"f{k}"] = {
                "time_to_failure": {"law": "weibull", "shape": 1.5, "mean_s": float(rng.uniform(10, 60))},
                "time_to_repair": {"law": "exponential", "mean_s": float(rng.uniform(2, 15))},
                "crew": "crew" if crew and rng.random() < 0.7 else None,
                "fate": "scrap" if rng.random() < 0.3 else "resume",
                "clock": "time_dependent" if timed and rng.random() < 0.5 else "operation_dependent",
            }
        made[f"m{m}"] = {
            "cycle": LAWS[list(LAWS)[rng.integers(3)]],
            "failures": failures,
            "buffer_after": int(rng.integers(0, 4)) if m < count - 1 else 0,
        }
    return made


def as_one(chain, calendar):
    return {"line": {"kind": "serial", "from": "infeed", "machines": chain, "calendar": calendar}}, {}, "line"


def one_by_one(chain, calendar):
    """The same machines as stations named as the chain names its draws."""
    stations, buffers = {}, {}
    feed = "infeed"
    for name, machine in chain.items():
        stations[f"line_{name}"] = {
            "kind": "serial", "from": feed, "cycle": machine["cycle"], "failures": machine["failures"],
            "calendar": calendar,
        }  # fmt: skip
        feed = f"line_{name}"
        if machine["buffer_after"]:
            buffers[f"after_{name}"] = {"from": feed, "capacity": machine["buffer_after"]}
            feed = f"after_{name}"
    return stations, buffers, feed


def around(stations, buffers, last, crew, slow):
    """A source before and, if `slow`, a bottleneck behind that keeps the outlet full."""
    return {
        "sources": {"src": {"interarrival": {"law": "exponential", "mean_s": 1.6}}},
        "buffers": {"infeed": {"from": "src"}, **buffers, "behind": {"from": last, "capacity": 2}},
        "stations": {
            **stations,
            "press": {"kind": "serial", "from": "behind", "cycle": LAWS["fixed"] | {"value_s": 3.0 if slow else 0.1}},
        },
        "sinks": {"out": {"from": "press"}},
        "crews": {"crew": {"size": crew}} if crew else {},
        "calendars": {"shifts": {"cycle_h": 0.05, "working": {"a": {"start_h": 0.01, "end_h": 0.043}}}},
    }


@pytest.fixture
def names_of_a_chain(monkeypatch):
    """Stations called line_x draw what machine x of a chain called line draws."""

    def key(self, *names):
        return stream_key(self.seed, self.replicate, names[0].replace("line_", "line."), *names[1:])

    def stream(seed, replicate, *names):
        return stream_key(seed, replicate, names[0].replace("line_", "line."), *names[1:])

    monkeypatch.setattr(LineRun, "key", key)
    monkeypatch.setattr(compiled, "stream_key", stream)


def crews_of(result):
    """Crews, with their hours of work at all machines together: a chain is one station."""
    hours = {
        name: sum(sum(weeks.values()) for weeks in crew.weekly_ticks.values()) for name, crew in result.crews.items()
    }
    return hours, {name: replace(crew, weekly_ticks={}) for name, crew in result.crews.items()}


@pytest.mark.usefixtures("names_of_a_chain")
@pytest.mark.parametrize("timed", [False, True])
@pytest.mark.parametrize("seed", range(28))
def test_a_chain_is_its_machines(simulate, seed, timed):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 5))
    crew, slow = int(rng.integers(0, 3)), bool(rng.random() < 0.4)
    chain = machines(rng, count, crew, timed)
    calendar = "shifts" if rng.random() < 0.5 else None
    whole = simulate(around(*as_one(chain, calendar), crew, slow), 1500.0, warmup=100.0, seed=seed)
    parts = simulate(around(*one_by_one(chain, calendar), crew, slow), 1500.0, warmup=100.0, seed=seed)
    assert whole.sinks["out"].lead_time == parts.sinks["out"].lead_time
    assert whole.queues["infeed"] == parts.queues["infeed"]  # a lot waits before the chain, not in it
    assert whole.queues["behind"] == parts.queues["behind"]
    assert whole.sinks["out"].parts == parts.sinks["out"].parts
    apart = [parts.stations[f"line_m{m}"] for m in range(count)]
    assert whole.stations["line"].state_ticks.tolist() == sum(station.state_ticks for station in apart).tolist()
    assert whole.stations["line"].failures == sum(station.failures for station in apart)
    assert crews_of(whole) == crews_of(parts)
    if not crew:
        calm = around(*one_by_one(chain, calendar), crew, slow)
        fast = simulate(calm, 1500.0, warmup=100.0, seed=seed, engine="compiled")
        assert whole.sinks["out"].lead_time == fast.sinks["out"].lead_time
        assert whole.queues["behind"] == fast.queues["behind"]
    # A lot of which nothing is left is reported when the lots before it are out.
    assert whole.lots_scrapped + whole.lots_inside == parts.lots_scrapped + parts.lots_inside


# Lots of many parts: what is computed ahead against a chain that is moved one tick at a time.


@pytest.fixture(scope="module")
def twin():
    """The twin of the kernels, from their tests."""
    path = Path(__file__).parents[1] / "kernels" / "conftest.py"
    spec = importlib.util.spec_from_file_location("twin_of_the_kernels", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def one_of(*ticks):
    return Law(EMPIRICAL, 0.0, 0.0, 0.0, np.sort(np.array(ticks) * 1e-6))


def random_stages(rng, seed, timed):
    stages = []
    for m in range(int(rng.integers(1, 5))):
        modes = [
            Mode(
                one_of(*rng.integers(5, 80, 4)), one_of(*rng.integers(1, 30, 4)), stream_key(seed, m, k, "failure"),
                stream_key(seed, m, k, "repair"), time_dependent=timed and rng.random() < 0.6,
                scrap=rng.random() < 0.3, crew=rng.random() < 0.6,
            )
            for k in range(int(rng.integers(0, 3)))
        ]  # fmt: skip
        stops = np.cumsum(rng.integers(1, 90, 14)).reshape(-1, 2) if rng.random() < 0.4 else np.empty((0, 2), np.int64)
        cycle = one_of(*rng.integers(1, 10, 3))
        stages.append(Stage(cycle, stream_key(seed, m), int(rng.integers(0, 4)) if m else 0, 1, modes, stops))
    return stages


class Plant:
    """The plant's side of a chain, in plain ticks: lots come, the outlet is emptied late, one crew mends."""

    def __init__(self, stages, lots, coming, delays, horizon, scan):
        chain = build(stages)
        tally = new_tally(chain, (horizon,), (0, horizon), quantiles=False, stays=scan)
        self.flow = ChainScan(chain, tally, 1.0) if scan else ChainFlow(chain, [s.cycle for s in stages], tally, 1.0)
        self.stages, self.lots, self.coming, self.delays = stages, lots, coming, delays
        self.next_lot, self.free, self.outlet_until, self.completed = 0, True, -1, []
        self.calls, self.mended_at = [], -1
        self.passages = []

    def tick(self, t):
        if self.mended_at == t:
            self.mended_at = -1
        busy = True
        while busy:
            busy = self.inside(t) or self.outside(t)

    def inside(self, t):
        any_step = False
        while self.flow.due() <= t and (what := self.flow.step(t)) is not None:
            any_step = True
            if isinstance(what, Call):
                self.calls.append(what)
            elif isinstance(what, Entrance):
                self.free = True
            else:
                lot = self.passages.index(what)
                self.completed.append((lot, t))
                if self.leaves_something(what):
                    self.outlet_until = t + self.delays[lot]
                self.flow.outlet_taken(t, occupied=self.outlet_until >= 0)
        return any_step

    def leaves_something(self, passage):
        return bool(np.any((passage.exits == len(self.stages)) & (passage.thrown_at < 0)))

    def outside(self, t):
        if 0 <= self.outlet_until <= t:
            self.outlet_until = -1
            self.flow.outlet_taken(t, occupied=False)
            return True
        if self.free and self.next_lot < len(self.lots) and self.coming[self.next_lot] <= t:
            self.free = False
            if self.flow.admits(t):
                self.take_in(t)
            return True
        if self.calls and self.mended_at < 0:
            call = self.calls.pop(0)
            self.flow.crew_came(call, t)
            self.mended_at = t + call.repair
            return True
        return False

    def take_in(self, t):
        exits = self.lots[self.next_lot]
        self.passages.append(ChainPassage(5 + self.next_lot, t, (1.0, 1.0, 1.0), exits=exits))
        self.flow.enter(self.passages[-1])
        self.next_lot += 1


@pytest.mark.parametrize("scan", [False, True])
@pytest.mark.parametrize("seed", range(60))
def test_lots_of_many_parts_equal_the_twin(twin, seed, scan):
    horizon = 700
    rng = np.random.default_rng(seed)
    stages = random_stages(rng, seed, scan)
    lots = []
    for _ in range(8):
        n = int(rng.integers(2, 25))
        lots.append(np.where(rng.random(n) < 0.8, len(stages), rng.integers(-1, len(stages), n)))
    coming = np.cumsum(rng.integers(0, 120, len(lots))) if rng.random() < 0.5 else np.zeros(len(lots), np.int64)
    delays = rng.integers(0, 90, len(lots)) if rng.random() < 0.6 else np.zeros(len(lots), np.int64)

    plant = Plant(stages, lots, coming, delays.tolist(), horizon, scan)
    slow = twin.Twin(stages, AT_HAND, 1, tuple(delays.tolist()))
    fed = 0
    for t in range(horizon):
        plant.tick(t)
        arriving = []
        while fed < plant.next_lot:
            start = sum(lot.size for lot in lots[:fed])
            arriving += [
                twin.Part(start + row, 5 + fed, row, int(exit_stage), t, fed)
                for row, exit_stage in enumerate(lots[fed])
            ]
            fed += 1
        slow.step(arriving)
    assert plant.completed == slow.completed
    plant.flow.idle_until(horizon)
    booked, _ = plant.flow.booked(horizon)
    assert booked.tolist() == slow.ticks.sum(axis=0).tolist()
    delivered = {lot for lot, _ in slow.completed}
    starts = np.cumsum([0, *(lot.size for lot in lots)])
    thrown = dict(slow.thrown)
    for lot in delivered:
        told = plant.passages[lot].thrown_at
        assert told.tolist() == [thrown.get(number, -1) for number in range(starts[lot], starts[lot + 1])]


@pytest.mark.parametrize("clock", ["operation_dependent", "time_dependent"])
@pytest.mark.parametrize("parts", [1, 7])
def test_a_jammed_chain_can_be_emptied(simulate, fixed, exponential, clock, parts):
    failures = {"f": {"time_to_failure": exponential(15.0), "time_to_repair": exponential(2.0), "clock": clock}}
    chain = {
        name: {"cycle": fixed(1.0), "failures": failures, "buffer_after": places}
        for name, places in (("a", 2), ("b", 0), ("c", 0))
    }
    line = {
        "sources": {"src": {"parts_per_lot": parts, "amount": parts}},
        "stations": {
            "line": {"kind": "serial", "from": "src", "machines": chain},
            "rack": {"kind": "channels", "from": "line", "positions": 2, "occupied": fixed(3.0)},
            "press": {"kind": "serial", "from": "rack", "cycle": fixed(0.5)},
        },
        "sinks": {"out": {"from": "press"}},
    }
    seen = {}

    def clear_up(run):
        yield run.env.timeout(60_000_000)
        run.stations["press"].hold(400_000_000)
        run.stop_sources()
        yield run.env.timeout(100_000_000)
        seen["jammed"] = run.now, {name: node.inside for name, node in run.stations.items()}
        for name in ("line", "rack"):
            run.stations[name].hold(300_000_000)
        seen["thrown"] = run.discard_leftovers()
        seen["left"] = run.wip.value
        seen["out"] = run.sinks["out"].entered
        yield run.env.timeout(400_000_000 - run.now)
        run.restart_sources("part")

    result = simulate(line, 900.0, controllers=(clear_up,))
    assert seen["jammed"][1]["line"] >= 1
    assert seen["jammed"][1]["rack"] >= 1
    assert seen["thrown"] == sum(seen["jammed"][1].values())
    assert seen["left"] == 0
    assert result.lots_scrapped == seen["thrown"]
    assert result.sinks["out"].lots["part"] > seen["out"] + 20
    converting = result.stations["line"].state_ticks[CONVERTING]
    began = seen["jammed"][0]
    # All three machines, from the moment the chain was empty to the end of the hold.
    assert converting == 3 * (300_000_000 - began)
