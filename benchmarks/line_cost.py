"""What a lot costs at each step, Python and compiled kernels apart: `python benchmarks/line_cost.py`.

First the line engine on SimPy alone, on bare lines: one lot through a buffer and a station. Then a plant with
everything on (physics of every cell, ledger, ramp, failures and crews): one lot at one step, each machine of a chain
counting as one. A kernel's time is that of calls from Python, the passing of its arguments included; the rest is
Python, with numpy. The budget is 60 us of Python. Times are process time, the least of several rounds.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from numba.core.dispatcher import Dispatcher

from cellfab import kernels
from cellfab.config.line_spec import Line
from cellfab.config.run_spec import Run
from cellfab.line.flow import simulate_line
from cellfab.replicate import simulate
from cellfab.scenario import load_scenario, places

BUDGET_US = 60.0
PLANT = "ess_from_4680"
PLANT_WEEKS = 40
STOP_WEEK = 4
"""The line is converted early, so that both products are made."""


class KernelClock:
    """Time spent in kernels that Python calls."""

    def __init__(self) -> None:
        self.seconds = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Put a clock around every kernel, wherever it has been imported; all of them must have been compiled."""
        for found in pkgutil.iter_modules(kernels.__path__):
            importlib.import_module(f"cellfab.kernels.{found.name}")
        clocked: dict[int, Callable[..., Any]] = {}
        replaced = []
        homes: list[Any] = [module for name, module in sys.modules.items() if name.startswith("cellfab.")]
        homes += [value for home in homes for value in vars(home).values() if isinstance(value, kernels.AtFirstUse)]
        for home in homes:
            for name, value in list(vars(home).items()):
                if isinstance(value, Dispatcher):
                    replaced.append((home, name, value))
                    setattr(home, name, clocked.setdefault(id(value), self._clocked(value)))
        try:
            yield
        finally:
            for home, name, value in replaced:
                setattr(home, name, value)

    def _clocked(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*given: Any) -> Any:
            started = time.process_time()
            answer = function(*given)
            self.seconds += time.process_time() - started
            return answer

        return call


class Cost(NamedTuple):
    """Microseconds per lot and step."""

    python: float
    kernels: float


def cost_of(run: Callable[[], int]) -> Cost:
    """Cost of a run that tells how many lots passed how many steps; Python from runs without clocks around kernels."""
    run()  # compiles
    whole = []
    for _ in range(3):
        started = time.process_time()
        visits = run()
        whole.append(time.process_time() - started)
    clock = KernelClock()
    with clock.running():
        run()
    return Cost((min(whole) - clock.seconds) * 1e6 / visits, clock.seconds * 1e6 / visits)


def row(stations: int, *, everything: bool) -> dict[str, Any]:
    """A row of stations with buffers of 10; with failures, crews, shifts, changeovers and limits if `everything`."""
    line: dict[str, Any] = {
        "sources": {"source": {"products": {"a": 50, "b": 50}}},
        "buffers": {}, "stations": {}, "sinks": {},
        "crews": {"crew": {"size": 2}},
        "calendars": {"shift": {"cycle_h": 24.0, "working": {"day": {"start_h": 0.0, "end_h": 22.0}}}},
    }  # fmt: skip
    giver = "source"
    for index in range(stations):
        name = f"m{index}"
        station: dict[str, Any] = {"kind": "serial", "from": giver, "cycle": {"law": "exponential", "mean_s": 1.0}}
        if everything:
            station["calendar"] = "shift"
            station["changeover"] = {"duration": {"law": "deterministic", "value_s": 5.0}}
            station["failures"] = {
                "jam": {
                    "time_to_failure": {"law": "exponential", "mean_s": 100.0},
                    "time_to_repair": {"law": "lognormal", "mean_s": 5.0, "cv": 1.0},
                    "crew": "crew",
                },
                "wear": {
                    "time_to_failure": {"law": "weibull", "shape": 2.0, "mean_s": 300.0},
                    "time_to_repair": {"law": "exponential", "mean_s": 5.0},
                    "clock": "time_dependent",
                },
            }
        line["stations"][name] = station
        giver = name
        if index < stations - 1:
            giver = f"b{index}"
            line["buffers"][giver] = {"from": name, "capacity": 10.0}
            if everything:
                line["buffers"][giver] |= {"order": "priority", "maximum_wait_h": 1.0}
    line["sinks"]["out"] = {"from": giver}
    return line


def bare_line(stations: int, hours: float, *, everything: bool) -> Cost:
    """Of a row of stations."""
    line = Line.model_validate(row(stations, everything=everything))

    def run() -> int:
        result = simulate_line(line, Run(horizon_h=hours), seed=1, engine="simpy")
        return sum(station.lots_out for station in result.stations.values())

    return cost_of(run)


def plant() -> Cost:
    """Of the shipped conversion, made short."""
    scenario = load_scenario(PLANT, [f"run.horizon_h={168 * PLANT_WEEKS}", f"conversion.stop_week={STOP_WEEK}"])
    steps = [place.station for place in places(scenario.spec.line)]

    def run() -> int:
        done = simulate(scenario, 1).flow.stations
        return sum(done[station].lots_out for station in steps)

    return cost_of(run)


def show(what: str, cost: Cost) -> None:
    print(f"{what:27s} {cost.python:7.1f} us Python {cost.kernels:7.1f} us kernels (budget {BUDGET_US:g} us of Python)")


def main() -> None:
    """Print the table."""
    for stations, everything in ((1, False), (10, False), (1, True), (10, True)):
        what = "everything on" if everything else "plain"
        show(f"{stations:3d} stations, {what}", bare_line(stations, 20.0 / stations, everything=everything))
    show(f"{PLANT}, {PLANT_WEEKS} weeks", plant())
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
