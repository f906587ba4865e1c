"""Lines in a few words, and a recorder of what happens on them."""

from __future__ import annotations

import pytest

from cellfab.config.line_spec import Line
from cellfab.config.run_spec import Run
from cellfab.core.lot import Lot
from cellfab.line.flow import simulate_line
from cellfab.line.physics import Processed
from cellfab.ramp.pace import Pace
from cellfab.units import TICKS_PER_S


class Recorder:
    """Physics that changes nothing and remembers who was where when (in s)."""

    def __init__(self) -> None:
        self.work: list[tuple[str, int, float, float]] = []
        self.out: list[tuple[int, float]] = []
        self.thrown: list[tuple[str, int, float]] = []

    def pace(self, station: str, now: int) -> Pace:
        return Pace()

    def process(self, station: str, lots: list[Lot], now: int) -> Processed:
        if len(lots) == 1:
            return Processed(lots[0])
        first = lots[0]
        return Processed(first.child(station, n=first.n, unit=first.unit, amount=first.amount, others=tuple(lots[1:])))

    def worked(self, station: str, lot: Lot, started: int, ended: int) -> None:
        self.work.append((station, lot.ordinal, started / TICKS_PER_S, ended / TICKS_PER_S))

    def finished(self, sink: str, lot: Lot, now: int) -> None:
        self.out.append((lot.ordinal, now / TICKS_PER_S))

    def expired(self, place: str, lot: Lot, now: int) -> None:
        self.thrown.append((place, lot.ordinal, now / TICKS_PER_S))

    def of(self, station: str) -> list[tuple[int, float, float]]:
        """(ordinal, start, end) of all work at a station."""
        return [entry[1:] for entry in self.work if entry[0] == station]


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
def fixed():
    """A deterministic duration."""

    def make(seconds):
        return {"law": "deterministic", "value_s": seconds}

    return make


@pytest.fixture
def exponential():
    def make(mean_s):
        return {"law": "exponential", "mean_s": mean_s}

    return make


@pytest.fixture
def simulate():
    """Run a line given as mappings for some seconds."""

    def run(
        line, seconds, *, warmup=0.0, seed=1, replicate=0, physics=None, controllers=(), progress=None, engine="simpy",
    ):  # fmt: skip
        return simulate_line(
            Line.model_validate(line), Run(horizon_h=seconds / 3600.0, warmup_h=warmup / 3600.0), seed=seed,
            replicate=replicate, physics=physics, controllers=controllers, progress=progress, engine=engine,
        )  # fmt: skip

    return run


@pytest.fixture
def states():
    """Seconds per state of a station, those that are not zero."""
    from cellfab.line.states import STATES

    def of(result, station):
        ticks = result.stations[station].state_ticks
        return {name: float(t) / TICKS_PER_S for name, t in zip(STATES, ticks, strict=True) if t}

    return of
