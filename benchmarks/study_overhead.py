"""What a study costs beyond its runs, and what a second worker is worth.

    python benchmarks/study_overhead.py [HORIZON_H]

A study of 40 replicates of the shipped M/M/1 line is run in this process alone, with one worker and with two, each in
an empty store. Printed: wall time, the time spent in replicates, the overhead per replicate (start of the workers
included), and the speed-up from one worker to two. The start of a process with its imports takes a second or two, so
that the speed-up is that of the study only where the runs take much longer: give a longer horizon (hours; default
20 000), and a machine that has nothing else to do.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from cellfab.study.conduct import run_study

REPLICATES = 40
STUDY = """\
name: overhead
base: mm1
variants: {{line: {{set: {{run.horizon_h: {horizon}}}}}}}
replicates: {replicates}
"""


def main() -> None:
    horizon = float(sys.argv[1]) if len(sys.argv) > 1 else 20_000.0
    walls: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "study.yaml"
        file.write_text(STUDY.format(horizon=horizon, replicates=REPLICATES), encoding="utf-8")
        for workers in (0, 1, 2):
            began = time.perf_counter()
            result = run_study(file, store=Path(folder) / str(workers), workers=workers)
            walls[workers] = time.perf_counter() - began
            inside = sum(outcome.seconds for outcome in result.outcomes.values())
            overhead_ms = 1e3 * (walls[workers] * max(workers, 1) - inside) / REPLICATES
            print(
                f"{workers} workers: {walls[workers]:6.2f} s, of these {inside:6.2f} s in replicates,"
                f" overhead {overhead_ms:5.1f} ms each"
            )
    print(f"two workers: {walls[1] / walls[2]:.2f} times as fast as one")


if __name__ == "__main__":
    main()
