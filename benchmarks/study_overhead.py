"""What a study costs beyond its runs, what a second worker is worth, and whether workers grow.

    python benchmarks/study_overhead.py [HORIZON_H [ROUNDS]]

1. Overhead. A study of 40 replicates of the shipped M/M/1 line (HORIZON_H hours, default 20 000: about a third of a
   second each) in this process alone, with one worker and with two, in turn, ROUNDS times (default 3), each in an
   empty store. Overhead per replicate is the time that workers are there, less what they spend in replicates, over 40:
   with their start (told apart) and with what one waits for the other at the end. The best round counts, because what
   else runs on the machine only adds. What does not depend on that is the processor time of the study's own process:
   handing out, keeping, deciding.
2. Speed-up. The smallest wall time with one worker over the smallest with two. That needs two cores that have nothing
   else to do; so the share of the workers' time that goes into replicates is printed as well, and the speed-up that
   this share alone allows.
3. Memory. 500 short replicates with one worker: its resident memory after 100, 200, ... 500.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from multiprocessing import forkserver
from pathlib import Path
from typing import NamedTuple

from cellfab.study.code import code_digest
from cellfab.study.conduct import Conduct, Progress
from cellfab.study.executors import LocalPool, Pool, SerialPool
from cellfab.study.plan import load_study
from cellfab.study.store import Store

REPLICATES = 40
LONG_STUDY = 500
STUDY = """\
name: overhead
base: mm1
variants: {{line: {{set: {{run.horizon_h: {horizon}, run.warmup_h: 0}}}}}}
replicates: {replicates}
"""


class Timed(NamedTuple):
    """A study that was run: wall time, until the first replicate began, and what each replicate took beyond its run.

    `own_ms` is processor time of the process that runs the study, for each replicate; with workers, none of it is in
    the replicates.
    """

    wall_s: float
    start_s: float
    overhead_ms: float
    started_ms: float
    busy_share: float
    own_ms: float


def study_file(folder: Path, horizon: float, replicates: int) -> Path:
    """A study of one line."""
    file = folder / f"study_{horizon:g}_{replicates}.yaml"
    file.write_text(STUDY.format(horizon=horizon, replicates=replicates), encoding="utf-8")
    return file


def timed(file: Path, store: Path, workers: int) -> Timed:
    """Run a study once, with workers that are started for it."""
    forkserver._forkserver._stop()  # type: ignore[attr-defined]  # each study starts its own, as a command does
    study = load_study(file)
    pool: Pool = LocalPool(workers) if workers else SerialPool()
    first: list[float] = []
    began, own = time.perf_counter(), time.process_time()

    def look(progress: Progress) -> None:
        if progress.done and not first:
            first.append(time.perf_counter() - began)

    with Store(store, code_digest()) as kept:
        try:
            result = Conduct(study, kept, pool, look).run()
        finally:
            pool.close()
    wall, own = time.perf_counter() - began, time.process_time() - own
    spent = [result.outcomes[study.task(study.cases[0], number)].seconds for number in range(REPLICATES)]
    start = max(0.0, first[0] - min(spent[: max(workers, 1)]))  # the first chunks have one replicate each
    there = wall * max(workers, 1)
    overhead = 1e3 * (there - sum(spent)) / len(spent)
    started = overhead - 1e3 * start * max(workers, 1) / len(spent)
    return Timed(wall, start, overhead, started, sum(spent) / there, 1e3 * own / len(spent))


def memory(file: Path, store: Path) -> list[tuple[int, float]]:
    """Replicates done by one worker, and its resident memory then, MB."""
    pool = LocalPool(1)
    seen: dict[int, float] = {}

    def look(progress: Progress) -> None:
        step = progress.done // 100 * 100
        if step and step not in seen and pool._executor is not None:
            (pid,) = pool._executor._processes
            pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            seen[step] = pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    with Store(store, code_digest()) as kept:
        try:
            Conduct(load_study(file), kept, pool, look).run()
        finally:
            pool.close()
    return sorted(seen.items())


def main() -> None:
    """Print all three."""
    horizon = float(sys.argv[1]) if len(sys.argv) > 1 else 20_000.0
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    found: dict[int, list[Timed]] = {0: [], 1: [], 2: []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = study_file(folder, horizon, REPLICATES)
        for number in range(rounds):
            for workers, times in found.items():
                times.append(timed(file, folder / f"{number}_{workers}", workers))
        for workers, times in found.items():
            best = min(times, key=lambda one: one.overhead_ms)
            own = min(one.own_ms for one in times)
            start = (
                f", {best.started_ms:.1f} ms once they have started ({best.start_s:.2f} s),"
                f" {own:.1f} ms of processor time of the study's own process"
                if workers
                else ""
            )
            print(
                f"{workers} workers: {best.wall_s:6.2f} s; overhead {best.overhead_ms:5.1f} ms per replicate{start};"
                f" {best.busy_share:.1%} of the time in replicates"
            )
        walls = {workers: min(one.wall_s for one in times) for workers, times in found.items()}
        busy = {workers: max(one.busy_share for one in times) for workers, times in found.items()}
        print(
            f"two workers: {walls[1] / walls[2]:.2f} times as fast as one by the clock,"
            f" {2.0 * busy[2] / busy[1]:.2f} times by the time in replicates"
        )
        grown = memory(study_file(folder, 1000.0, LONG_STUDY), folder / "memory")
        print("memory of a worker: " + ", ".join(f"{mb:.1f} MB after {done}" for done, mb in grown))


if __name__ == "__main__":
    main()
