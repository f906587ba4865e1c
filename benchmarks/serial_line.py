"""Ten machines in series with breakdowns: compiled kernels against a plain SimPy model, same draws, same run.

    python benchmarks/serial_line.py [--time 100000] [--repeats 5]

Workload: 10 machines, cycle 1.0, buffers of 10 between them (parts in machines not counted), exponential time to
failure (mean 100) and to repair (mean 5), the first machine never starved, the last never blocked, empty at time 0, no
warm-up cut. Statistics are on in the kernels: state times, stays with quantiles, levels, throughput per machine.

* odf: failure clocks run while the machine works; tdf: also while it is starved or blocked.
* resume: the part in the machine is finished after the repair; scrap: it is thrown away.

A part-step is one part through one machine. The references are means and standard deviations over 200 runs of an
independent program.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Generator
from typing import Any

import numpy as np
import simpy

from cellfab.kernels.laws import DETERMINISTIC, EXPONENTIAL, Law, duration
from cellfab.kernels.random import stream_key
from cellfab.kernels.serial_events import advance
from cellfab.kernels.serial_floor import feed, new_floor
from cellfab.kernels.serial_line import AT_HAND, FOREVER, WENT_ON, Mode, Stage, build, new_tally
from cellfab.kernels.serial_recursion import pass_parts
from cellfab.kernels.serial_state import new_state

MACHINES, PLACES = 10, 10
LOT = 1
NO_POOL = np.empty(0)
CYCLE = Law(DETERMINISTIC, 1.0, 0.0, 0.0, NO_POOL)
TO_FAILURE = Law(EXPONENTIAL, 100.0, 0.0, 0.0, NO_POOL)
TO_REPAIR = Law(EXPONENTIAL, 5.0, 0.0, 0.0, NO_POOL)
NO_LOG = np.empty((0, 0, 0), np.int64)
NOT_ASKED = np.empty(0, np.int64)
NO_CYCLES, NO_WAITS, NO_CALLS = (np.empty((0, columns), np.int64) for columns in (0, 3, 4))
REFERENCES = {
    "odf resume": (0.87778, 0.0026),
    "tdf resume": (0.87433, 0.0027),
    "tdf scrap": (0.82155, 0.0028),
}


def stages(seed: int, time_dependent: bool = False, scrap: bool = False) -> list[Stage]:
    """The line as the kernels take it."""

    def key(machine: int, *names: str) -> np.uint64:
        return stream_key(seed, 0, f"line.m{machine}", *names)

    made = []
    for m in range(MACHINES):
        failure, repair = key(m, "jam", "time_to_failure"), key(m, "jam", "time_to_repair")
        modes = [Mode(TO_FAILURE, TO_REPAIR, failure, repair, time_dependent, scrap)]
        made.append(Stage(CYCLE, key(m, "cycle"), capacity=PLACES if m else 0, modes=modes))
    return made


def by_recursion(line: list[Stage], end: int, log: Any = NO_LOG) -> int:
    """Parts made by tick `end`; every machine's clock must be operation-dependent."""
    chain = build(line)
    tally = new_tally(chain, (end,), (0, end))
    state = new_state(chain, tally)
    parts = int(1.02 * end / 1e6) + 100
    pass_parts(
        chain, state, tally, np.array([LOT]), True, NO_CYCLES, np.zeros(1, np.int64), np.full(parts, MACHINES), AT_HAND,
        1.0, 1.0, 1.0, 0, FOREVER, NO_WAITS, NO_CALLS, NOT_ASKED, NOT_ASKED, log,
    )  # fmt: skip
    return int(tally.parts[:-1, -1, WENT_ON].sum())


def by_events(line: list[Stage], end: int, log: Any = NO_LOG) -> int:
    """Parts made by tick `end`, any clock."""
    chain = build(line)
    tally = new_tally(chain, (end,), (0, end))
    parts = int(1.02 * end / 1e6) + 100
    floor = new_floor(chain, tally, parts)
    floor = feed(chain, floor, LOT, np.arange(parts), np.full(parts, MACHINES), 0, AT_HAND, False)
    advance(chain, floor, tally, AT_HAND, False, 1.0, 1.0, 1.0, end - 1, log)
    return int(tally.parts[:-1, -1, WENT_ON].sum())


def by_simpy(line: list[Stage], end: int, log: dict[tuple[int, int], int] | None = None) -> int:
    """The same line as anyone would write it in SimPy: a process per machine, a Store per buffer.

    Operation-dependent failures happen within the work, as their clocks run only then. `log` takes the tick at which
    each part leaves each machine.
    """
    env = simpy.Environment()
    buffers = [simpy.Store(env, capacity=stage.capacity) for stage in line[1:]]
    made = 0

    def draw(law: Law, key: np.uint64, number: int) -> int:
        return int(duration(*law, 1.0, key, 0, number))

    def machine(m: int) -> Generator[Any, Any, None]:
        nonlocal made
        mode = line[m].modes[0]
        failures, part = 0, -1
        left = draw(mode.time_to_failure, mode.failure_key, 0)
        law, key = line[m].cycle, line[m].cycle_key
        always = draw(law, key, 0) if law.law == DETERMINISTIC else None
        while True:
            part = part + 1 if m == 0 else (yield buffers[m - 1].get())
            work, kept = int(duration(*law, 1.0, key, LOT, part)) if always is None else always, True
            while left < work:
                yield env.timeout(left)
                work -= left
                yield env.timeout(draw(mode.time_to_repair, mode.repair_key, failures))
                failures += 1
                left = draw(mode.time_to_failure, mode.failure_key, failures)
                if mode.scrap:
                    kept = False
                    break
            if not kept:
                continue
            left -= work
            yield env.timeout(work)
            if m < len(line) - 1:
                yield buffers[m].put(part)
            else:
                made += 1
            if log is not None:
                log[part, m] = env.now

    for m in range(len(line)):
        env.process(machine(m))
    env.run(until=end)
    return made


def by_simpy_interrupted(line: list[Stage], end: int) -> int:
    """Time-dependent failures in plain SimPy: a second process per machine interrupts the first."""
    env = simpy.Environment()
    buffers = [simpy.Store(env, capacity=stage.capacity) for stage in line[1:]]
    made = 0

    def draw(law: Law, key: np.uint64, number: int) -> int:
        return int(duration(*law, 1.0, key, 0, number))

    class Machine:
        def __init__(self, m: int) -> None:
            self.m, self.up, self.working = m, env.event().succeed(), False
            self.process = env.process(self.work())
            env.process(self.fail())

        def fail(self) -> Generator[Any, Any, None]:
            mode, failures = line[self.m].modes[0], 0
            while True:
                yield env.timeout(draw(mode.time_to_failure, mode.failure_key, failures))
                self.up = env.event()
                if self.working:
                    self.process.interrupt()
                yield env.timeout(draw(mode.time_to_repair, mode.repair_key, failures))
                failures += 1
                self.up.succeed()

        def work(self) -> Generator[Any, Any, None]:
            nonlocal made
            cycle = draw(line[self.m].cycle, line[self.m].cycle_key, 0)
            while True:
                if not self.up.triggered:
                    yield self.up
                if self.m > 0:
                    yield buffers[self.m - 1].get()
                    if not self.up.triggered:
                        yield self.up
                left = cycle
                while left:
                    since = env.now
                    self.working = True
                    try:
                        yield env.timeout(left)
                        left = 0
                    except simpy.Interrupt:
                        left -= env.now - since
                        self.working = False
                        yield self.up
                    self.working = False
                if self.m < len(line) - 1:
                    yield buffers[self.m].put(None)
                else:
                    made += 1

    for m in range(len(line)):
        Machine(m)
    env.run(until=end)
    return made


def timed(run: Callable[[list[Stage], int], int], end: int, repeats: int, **kind: bool) -> tuple[float, float]:
    """Median part-steps per second (parts made times machines, over wall time), and mean throughput per cycle time."""
    rates, through = [], []
    for seed in range(repeats):
        line = stages(seed, **kind)
        began = time.perf_counter()
        made = run(line, end)
        rates.append(made * MACHINES / (time.perf_counter() - began))
        through.append(made * 1e6 / end)
    return statistics.median(rates), statistics.fmean(through)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--time", type=int, default=100_000, help="simulated time, in cycles")
    options.add_argument("--repeats", type=int, default=9, help="runs of each kernel, of different seeds")
    chosen = options.parse_args()
    end = chosen.time * 1_000_000
    began = time.perf_counter()
    by_recursion(stages(0), 10_000_000)
    recursion_s = time.perf_counter() - began
    began = time.perf_counter()
    by_events(stages(0), 10_000_000)
    compiled = f"{recursion_s:.1f} s (recursion) and {time.perf_counter() - began:.1f} s (scan)"
    print(f"compiled, or loaded from the cache, in {compiled}")
    print(f"{MACHINES} machines, T = {chosen.time} cycles, {chosen.repeats} seeds; SimPy: T / 20, 3 seeds\n")
    print(
        f"{'engine':25} {'semantics':11} {'M part-steps/s':>14} {'x SimPy':>8}"
        f" {'throughput':>11} {'reference':>10} {'z':>5}"
    )
    base = {
        "odf resume": timed(by_simpy, end // 20, 3),
        "tdf resume": timed(by_simpy_interrupted, end // 20, 3, time_dependent=True),
    }
    runs = [
        ("departure-time recursion", by_recursion, "odf resume", {}),
        ("departure-time recursion", by_recursion, "odf scrap", {"scrap": True}),
        ("event scan", by_events, "odf resume", {}),
        ("event scan", by_events, "tdf resume", {"time_dependent": True}),
        ("event scan", by_events, "tdf scrap", {"time_dependent": True, "scrap": True}),
    ]
    for name, (rate, through) in base.items():
        print(f"{'plain SimPy':25} {name:11} {rate / 1e6:14.3f} {1:8.0f} {through:11.5f}")
    for engine, run, name, kind in runs:
        rate, through = timed(run, end, chosen.repeats, **kind)
        simpy_rate = base["odf resume" if name.startswith("odf") else "tdf resume"][0]
        line = f"{engine:25} {name:11} {rate / 1e6:14.1f} {rate / simpy_rate:8.0f} {through:11.5f}"
        if name in REFERENCES and chosen.time == 100_000:
            mean, deviation = REFERENCES[name]
            line += f" {mean:10.5f} {(through - mean) / (deviation / chosen.repeats**0.5):5.1f}"
        print(line)


if __name__ == "__main__":
    main()
