"""The flow kernels on lines whose answer is known otherwise: by hand, from plain SimPy, from published-size runs."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from cellfab.kernels.laws import DETERMINISTIC, EXPONENTIAL, LOGNORMAL, Law, duration
from cellfab.kernels.random import stream_key
from cellfab.kernels.serial_events import advance
from cellfab.kernels.serial_floor import SILENT, feed, new_floor, snapshot
from cellfab.kernels.serial_line import (
    AT_HAND,
    BLOCKED,
    FOREVER,
    STARVED,
    WENT_ON,
    WORKING,
    Mode,
    Stage,
    build,
    new_tally,
)
from cellfab.kernels.serial_recursion import pass_parts
from cellfab.kernels.serial_state import new_state

NO_POOL = np.empty(0)
NO_CYCLES, NO_WAITS, NO_CALLS = (np.empty((0, columns), np.int64) for columns in (0, 3, 4))
NOT_ASKED = np.empty(0, np.int64)
BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "serial_line.py"


@pytest.fixture(scope="module")
def benchmark_file() -> ModuleType:
    """The benchmark as a module: its plain SimPy model is held against the kernels here."""
    spec = importlib.util.spec_from_file_location("benchmark_serial_line", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fixed(seconds: float) -> Law:
    return Law(DETERMINISTIC, seconds, 0.0, 0.0, NO_POOL)


def leaving(stages: list[Stage], parts: int, scan: bool) -> np.ndarray:
    """Ticks at which each part leaves each machine, shape (parts, M)."""
    chain = build(stages)
    tally = new_tally(chain, (10**15,), (0, 10**15))
    log = np.full((parts, len(stages), 3), -1)
    exits = np.full(parts, len(stages))
    if scan:
        floor = feed(chain, new_floor(chain, tally, parts), 1, np.arange(parts), exits, 0, AT_HAND, lot=False)
        advance(chain, floor, tally, AT_HAND, SILENT, 1.0, 1.0, 1.0, 10**15 - 1, log)
    else:
        pass_parts(
            chain, new_state(chain, tally), tally, np.array([1]), True, NO_CYCLES, np.zeros(1, np.int64), exits,
            AT_HAND, 1.0, 1.0, 1.0, 0, FOREVER, NO_WAITS, NO_CALLS, NOT_ASKED, NOT_ASKED, log,
        )  # fmt: skip
    return log[:, :, 2]


@pytest.mark.parametrize("scan", [False, True])
def test_a_deterministic_line_to_the_tick(scan: bool) -> None:
    # Cycles 2, 5 and 3 s, one place before the second machine and none before the third. The second machine sets the
    # pace: it starts at 2, 7, 12, ... The first is then always blocked: it lets part n go when part n - 1 starts at the
    # second machine, from the third part on.
    cycles = (2.0, 5.0, 3.0)
    stages = [Stage(fixed(c), np.uint64(m), capacity=(0, 1, 0)[m]) for m, c in enumerate(cycles)]
    out = leaving(stages, 50, scan) // 1_000_000
    n = np.arange(50)
    assert out[:, 1].tolist() == (2 + 5 * (n + 1)).tolist()
    assert out[:, 2].tolist() == (2 + 5 * (n + 1) + 3).tolist()
    assert out[0, 0] == 2
    assert out[1:, 0].tolist() == [max(2 * (k + 1), 2 + 5 * (k - 1)) for k in range(1, 50)]


@pytest.mark.parametrize("scan", [False, True])
def test_states_of_a_deterministic_line(scan: bool) -> None:
    # A fast machine before a slow one without a buffer, 100 parts: the fast one works 1 s of every 4, then is blocked.
    stages = [Stage(fixed(1.0), np.uint64(1)), Stage(fixed(4.0), np.uint64(2))]
    chain = build(stages)
    end = 401 * 10**6
    tally = new_tally(chain, (end,), (0, end))
    exits = np.full(101, 2)
    if scan:
        floor = feed(chain, new_floor(chain, tally, 101), 1, np.arange(101), exits, 0, AT_HAND, lot=False)
        advance(chain, floor, tally, AT_HAND, SILENT, 1.0, 1.0, 1.0, end, np.empty((0, 0, 0), np.int64))
    else:
        pass_parts(
            chain, new_state(chain, tally), tally, np.array([1]), True, NO_CYCLES, np.zeros(1, np.int64), exits,
            AT_HAND, 1.0, 1.0, 1.0, 0, FOREVER, NO_WAITS, NO_CALLS, NOT_ASKED, NOT_ASKED, np.empty((0, 0, 0), np.int64),
        )  # fmt: skip
    seconds = tally.ticks[:-1].sum(axis=0) // 10**6
    assert seconds[0, [WORKING, BLOCKED]].tolist() == [101, 300]
    assert seconds[1, [STARVED, WORKING]].tolist() == [1, 400]


@pytest.mark.parametrize("scan", [False, True])
@pytest.mark.parametrize("scrap", [False, True])
def test_part_for_part_as_plain_simpy(benchmark_file: ModuleType, scan: bool, scrap: bool) -> None:
    # Lognormal cycles, so that no two things happen at one tick and the plain model's tie-breaking does not matter.
    def key(m: int, what: str) -> np.uint64:
        return stream_key(3, 0, f"m{m}", what)

    stages = []
    for m in range(6):
        modes = [Mode(Law(EXPONENTIAL, 20.0, 0.0, 0.0, NO_POOL), Law(EXPONENTIAL, 5.0, 0.0, 0.0, NO_POOL),
                      key(m, "failure"), key(m, "repair"), scrap=scrap)]  # fmt: skip
        cycle = Law(LOGNORMAL, 0.0, 0.3, 0.0, NO_POOL)
        stages.append(Stage(cycle, key(m, "cycle"), capacity=3 if m else 0, modes=modes))
    end = 3_000 * 10**6
    told: dict[tuple[int, int], int] = {}
    made = benchmark_file.by_simpy(stages, end, told)
    parts = 3_000
    out = leaving(stages, parts, scan)
    mine = {(n, m): int(out[n, m]) for n, m in np.argwhere((out >= 0) & (out < end))}
    if scrap:  # the plain model does not say when a part was thrown away
        mine = {where: tick for where, tick in mine.items() if where in told}
    # What is blocked at the end has been finished, but has not left.
    assert {where: mine[where] for where in told} == told
    assert made == sum(tick < end for (_, m), tick in mine.items() if m == 5) > 1_000


def test_snapshots_do_not_share_what_changes() -> None:
    stages = [Stage(fixed(1.0), np.uint64(1)), Stage(fixed(2.0), np.uint64(2), capacity=2)]
    chain = build(stages)
    tally = new_tally(chain, (10**9,), (0, 10**9))
    floor = feed(chain, new_floor(chain, tally, 20), 1, np.arange(20), np.full(20, 2), 0, AT_HAND, lot=False)
    no_log = np.empty((0, 0, 0), np.int64)
    advance(chain, floor, tally, AT_HAND, SILENT, 1.0, 1.0, 1.0, 7_000_000, no_log)
    copy = snapshot(floor)
    before = [array.copy() for array in floor]
    advance(chain, copy, new_tally(chain, (10**9,), (0, 10**9)), AT_HAND, SILENT, 1.0, 1.0, 1.0, 30_000_000, no_log)
    for name, array, kept in zip(floor._fields, floor, before, strict=True):
        if name != "part":
            assert np.array_equal(array, kept), name
    assert not np.array_equal(copy.now, floor.now)


def test_throughput_of_ten_machines(benchmark_file: ModuleType) -> None:
    # 12 runs of 100 000 cycles each. References: mean and standard deviation of one run, over 200 runs of an
    # independent program; z-limit 3.5, which is 0.3 % of the throughput.
    end = 100_000 * 10**6
    runs = {
        "odf resume": (benchmark_file.by_recursion, {}),
        "tdf resume": (benchmark_file.by_events, {"time_dependent": True}),
        "tdf scrap": (benchmark_file.by_events, {"time_dependent": True, "scrap": True}),
    }
    for name, (run, kind) in runs.items():
        mean, deviation = benchmark_file.REFERENCES[name]
        through = [run(benchmark_file.stages(seed, **kind), end) * 1e6 / end for seed in range(12)]
        assert abs(np.mean(through) - mean) < 3.5 * deviation / np.sqrt(12), name


CHECK = """
import hashlib, sys
sys.path.insert(0, {folder!r})
import test_serial_line as t
digest = hashlib.sha256()
for seed in (3, 5, 8):
    for simple in (True, False):
        case = t.random_line(seed, simple)
        tally, log, _ = t.run_recursion(case) if simple else t.run_events(case, crew=1, pieces=2)
        for array in (log, tally.ticks, tally.parts, tally.stays, tally.sketch):
            digest.update(array.tobytes())
print(digest.hexdigest())
"""


def test_the_same_without_compilation(both_ways) -> None:
    code = CHECK.format(folder=str(Path(__file__).parent))
    told = both_ways(lambda _: ["-c", code])
    assert told[0] == told[1]
    assert len(told[0].strip()) == 64


def test_drawn_ahead_or_inside_is_the_same() -> None:
    key = stream_key(1, 0, "m", "cycle")
    law = Law(LOGNORMAL, 0.0, 0.4, 0.0, NO_POOL)
    chain = build([Stage(law, key), Stage(law, key, capacity=1)])
    parts = 400
    ahead = np.array([[duration(*law, 0.8, key, 9, row)] * 2 for row in range(parts)])
    told = []
    for cycles in (NO_CYCLES, ahead):
        tally = new_tally(chain, (10**12,), (0, 10**12))
        told.append(
            pass_parts(
                chain, new_state(chain, tally), tally, np.array([9]), True, cycles, np.zeros(1, np.int64),
                np.full(parts, 2), AT_HAND, 0.8, 1.0, 1.0, 0, FOREVER, NO_WAITS, NO_CALLS, NOT_ASKED, NOT_ASKED,
                np.empty((0, 0, 0), np.int64),
            )
        )  # fmt: skip
        assert tally.parts[:, 1, WENT_ON].sum() == parts
    assert told[0] == told[1]


@pytest.mark.parametrize("seed", range(60))
def test_lots_in_blocks_are_the_same_as_part_by_part(seed: int) -> None:
    # Three lots of 700 parts through up to five machines with breakdowns (some call a crew, some throw the part away),
    # planned stops and bins of time; whoever asks for a log is told part by part, and nobody else need be.
    rng = np.random.default_rng(seed)
    machines, parts = int(rng.integers(1, 6)), 700
    stages = []
    for m in range(machines):
        off = np.sort(rng.choice(900, 4, replace=False)).reshape(2, 2) * 10**6 * (seed % 3 > 0)
        modes = [
            Mode(Law(EXPONENTIAL, float(rng.choice([40.0, 4e3])), 0.0, 0.0, NO_POOL),
                 Law(EXPONENTIAL, 3.0, 0.0, 0.0, NO_POOL), np.uint64(2 * k + 1), np.uint64(2 * k + 2),
                 scrap=bool(rng.random() < 0.3), crew=bool(rng.random() < 0.3))
            for k in range(10 * m, 10 * m + int(rng.integers(0, 3)))
        ]  # fmt: skip
        stops = off[off[:, 0] < off[:, 1]]
        capacity = int(rng.choice([8, 9, 40, 64, 65, 200])) if m else 0
        stages.append(Stage(fixed(float(rng.choice([0.5, 1.0, 1.3]))), np.uint64(m), capacity, 1, modes, stops))
    chain = build(stages)
    told = []
    for logged in (True, False):
        tally = new_tally(chain, (0, 300 * 10**6, 900 * 10**6), (150 * 10**6, 10**15), quantiles=False, stays=False)
        state = new_state(chain, tally)
        chance = np.random.default_rng(seed)
        found = []
        for lot in range(3):
            exits = chance.choice(np.arange(-1, machines + 1), parts, p=[0.05, *[0.1 / machines] * machines, 0.85])
            calls, thrown = np.full((2 * parts, 4), -1), np.zeros(parts, np.int64)
            answer = pass_parts(
                chain, state, tally, np.array([lot]), True, NO_CYCLES, np.array([lot * 10**8]), exits, AT_HAND,
                1.0, 1.0, 1.0, int(lot * 9e8), FOREVER, np.array([[0, 1, 7 * 10**6]]), calls, NOT_ASKED, thrown,
                np.full((parts, machines, 3) if logged else (0, 0, 0), -1),
            )  # fmt: skip
            found += [np.array(answer), calls, thrown]
        told.append([*found, *state, tally.ticks, tally.parts, tally.gate])
    assert told[0][0][0] == parts
    for mine, other in zip(*told, strict=True):
        assert np.array_equal(mine, other)
