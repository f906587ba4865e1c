"""How long the main job takes: `ess_from_4680`, one replicate, and the same number of bare random draws beside it.

    python benchmarks/main_job.py [weeks]

Prints wall and CPU seconds, peak memory, cells and lots per second, Python time per lot and step, and how the time
divides between the physics of the steps, the books and the line.
"""

from __future__ import annotations

import resource
import sys
import time
from collections import defaultdict
from typing import Any

import numpy as np

from cellfab.kernels.random import fill_normal, stream_key
from cellfab.plant import Plant
from cellfab.replicate import simulate
from cellfab.scenario import Scenario, load_scenario

BARE_DRAWS = 20_000_000


class Clock:
    """Sums the time spent in methods of `Plant`, by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.calls: dict[str, int] = defaultdict(int)

    def watch(self, owner: type, method: str, label: str) -> None:
        original = getattr(owner, method)

        def timed(*args: Any, **kwargs: Any) -> Any:
            begun = time.perf_counter()
            answer = original(*args, **kwargs)
            self.seconds[label] += time.perf_counter() - begun
            self.calls[label] += 1
            return answer

        setattr(owner, method, timed)


def bare_draws_per_second() -> float:
    """Normal numbers per second of the generator alone."""
    out = np.empty(12_000, np.float32)
    key = stream_key(1, 0, "benchmark")
    fill_normal(key, 0, out)
    begun = time.perf_counter()
    for entity in range(BARE_DRAWS // out.size):
        fill_normal(key, entity, out)
    return BARE_DRAWS / (time.perf_counter() - begun)


def shortened(scenario_name: str, weeks: float) -> Scenario:
    """The scenario with a horizon of so many weeks."""
    return load_scenario(scenario_name, [f"run.horizon_h={168.0 * weeks}"])


def main() -> None:
    weeks = float(sys.argv[1]) if len(sys.argv) > 1 else 104.0
    begun = time.perf_counter()
    simulate(load_scenario("ess_from_4680", ["run.horizon_h=504", "conversion.stop_week=1"]), 1)
    print(f"compile and warm up    {time.perf_counter() - begun:8.1f} s (from the cache if there is one)")

    scenario = shortened("ess_from_4680", weeks)
    clock = Clock()
    for method in ("process", "worked", "finished", "pace"):
        clock.watch(Plant, method, method)
    begun, cpu = time.perf_counter(), time.process_time()
    done = simulate(scenario, 1)
    wall, cpu = time.perf_counter() - begun, time.process_time() - cpu
    plant = done.plant
    assert plant is not None
    cells = sum(plant.cells_started.values())
    visits = clock.calls["process"]
    line = wall - sum(clock.seconds.values())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    print(f"simulated              {weeks:8.0f} weeks, {cells:,} cells, {visits:,} lots through a station")
    print(f"wall, CPU              {wall:8.1f} s, {cpu:.1f} s")
    print(f"peak memory            {peak:8.0f} MiB")
    print(f"cells per second       {cells / wall:12,.0f}")
    print(f"physics and accounts   {clock.seconds['process']:8.1f} s")
    print(f"posting what was done  {clock.seconds['worked'] + clock.seconds['finished']:8.1f} s")
    print(f"line (kernels, SimPy)  {line:8.1f} s = {line / visits * 1e6:.0f} us per lot and station")
    rate = bare_draws_per_second()
    print(f"bare normal draws      {rate / 1e6:8.0f} M/s; a cell costs as much as {wall / cells * rate:.0f} of them")


if __name__ == "__main__":
    main()
