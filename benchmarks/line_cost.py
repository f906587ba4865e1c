"""What the line engine on SimPy costs per lot and station: `python benchmarks/line_cost.py`.

A lot and station is one pass of one lot through a buffer and a station. The budget is 60 us with everything on.
"""

from __future__ import annotations

import resource
import time
from typing import Any

from cellfab.config.line_spec import Line
from cellfab.config.run_spec import Run
from cellfab.line.flow import simulate_line

BUDGET_US = 60.0


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


def cost_us(stations: int, hours: float, *, everything: bool) -> float:
    """Microseconds per lot and station."""
    line = Line.model_validate(row(stations, everything=everything))
    simulate_line(line, Run(horizon_h=0.05), seed=1, engine="simpy")
    started = time.perf_counter()
    result = simulate_line(line, Run(horizon_h=hours), seed=1, engine="simpy")
    spent = time.perf_counter() - started
    return spent * 1e6 / sum(station.lots_out for station in result.stations.values())


def main() -> None:
    """Print the table."""
    for stations, everything in ((1, False), (10, False), (1, True), (10, True)):
        best = min(cost_us(stations, 20.0 / stations, everything=everything) for _ in range(3))
        what = "everything on" if everything else "plain"
        print(f"{stations:3d} stations, {what:13s}: {best:6.1f} us per lot and station (budget {BUDGET_US:g})")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
