"""Both flow kernels against a twin that moves the same chain one tick at a time, part for part and tick for tick."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from cellfab.kernels import serial_floor as floors
from cellfab.kernels.laws import DETERMINISTIC, EMPIRICAL, UNIFORM, Law
from cellfab.kernels.random import stream_key
from cellfab.kernels.serial_events import advance
from cellfab.kernels.serial_floor import CALL, INPUT, ROOM, RUN_OUT, SILENT, UNTIL
from cellfab.kernels.serial_line import (
    AREA,
    AT_HAND,
    COUNT,
    LONGEST,
    LOSE,
    MADE,
    MOST,
    OPEN,
    STARTED,
    THROWN,
    TOTAL,
    TURNED_AWAY,
    TURNED_AWAY_EVER,
    WAIT,
    Mode,
    Stage,
    build,
    new_tally,
)  # fmt: skip
from cellfab.kernels.serial_recursion import close, pass_parts
from cellfab.kernels.serial_state import new_state, with_more_room
from cellfab.kernels.serial_units import start_repair

NOTHING = np.empty(0)
HORIZON = 500
NO_CYCLES, NO_WAITS, NO_CALLS = (np.empty((0, columns), np.int64) for columns in (0, 3, 4))
EXACT = {WAIT: "wait", LOSE: "lose", AT_HAND: "at hand"}


def fixed(ticks: int) -> Law:
    return Law(DETERMINISTIC, ticks * 1e-6, 0.0, 0.0, NOTHING)


def one_of(*ticks: int) -> Law:
    return Law(EMPIRICAL, 0.0, 0.0, 0.0, np.sort(np.array(ticks) * 1e-6))


def between(low: int, high: int) -> Law:
    return Law(UNIFORM, low * 1e-6, high * 1e-6, 0.0, NOTHING)


class Case(NamedTuple):
    stages: list[Stage]
    exits: np.ndarray
    ready: np.ndarray
    manner: int


def random_line(seed: int, simple: bool) -> Case:
    """A line of one to four stages; `simple`: what the recursion takes."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 5))
    stages = []
    for m in range(count):
        modes = []
        for k in range(int(rng.integers(0, 3))):
            modes.append(
                Mode(
                    one_of(*rng.integers(3, 60, 4)) if rng.random() < 0.7 else fixed(int(rng.integers(5, 40))),
                    between(1, 20),
                    stream_key(seed, m, k, "time_to_failure"),
                    stream_key(seed, m, k, "time_to_repair"),
                    time_dependent=not simple and rng.random() < 0.5,
                    scrap=rng.random() < 0.4,
                    crew=not simple and rng.random() < 0.4,
                )
            )
        stops = np.empty((0, 2), np.int64)
        if rng.random() < 0.5:
            stops = np.cumsum(rng.integers(1, 60, 20)).reshape(-1, 2)
        cycle = [fixed(int(rng.integers(0, 9))), one_of(*rng.integers(0, 12, 3)), between(1, 9)][rng.integers(3)]
        units = 1 if simple else int(rng.integers(1, 4))
        capacity = int(rng.integers(-1, 5))
        stages.append(Stage(cycle, stream_key(seed, m, "cycle"), capacity, units, modes, stops))
    n = int(rng.integers(20, 90))
    exits = np.where(rng.random(n) < 0.8, count, rng.integers(-1, count, n))
    manner = int(rng.integers(0, 3))
    if manner != AT_HAND:  # only the rows of a lot are known to be dead before they come
        exits = np.maximum(exits, 0)
    ready = np.zeros(n, np.int64) if manner == AT_HAND else np.cumsum(rng.integers(0, 9, n))
    return Case(stages, exits, ready, manner)


def run_twin(twin: Any, case: Case, horizon: int = HORIZON) -> Any:
    slow = twin.Twin(case.stages, case.manner)
    parts = [
        twin.Part(i, 5 + i, 0, int(e), int(r), 0) for i, (e, r) in enumerate(zip(case.exits, case.ready, strict=True))
    ]
    for t in range(horizon):
        slow.step([part for part in parts if part.ready == t] if case.manner != AT_HAND else parts if t == 0 else [])
    return slow


def compare(slow: Any, tally: Any, log: np.ndarray, horizon: int = HORIZON) -> None:
    stages = len(slow.stages)
    known = {(i, m): list(log[i, m]) for i, m in np.argwhere((log[:, :, 0] >= 0) & (log[:, :, 0] < horizon))}
    for moments in known.values():
        for column in (1, 2):  # what happens later is not known to the twin, nor to the event scan
            if moments[column] >= horizon:
                moments[column:] = [-1] * (3 - column)
    told = {where: [m if m < horizon else -1 for m in moments] for where, moments in slow.log.items()}
    for moments in told.values():
        for column in (1, 2):
            if moments[column] < 0:
                moments[column:] = [-1] * (3 - column)
    for where in known:
        # While a finished part waits for room the log repeats the tick at which it was finished.
        blocked = told[where][1] >= 0 and any(
            u.done and u.part.number == where[0] for u in slow.units[where[1]] if u.part is not None
        )
        if blocked:
            known[where][2] = told[where][2]
    assert known == told
    assert np.array_equal(tally.ticks[:-1].sum(axis=0), slow.ticks)
    assert np.array_equal(tally.stays[:stages, AREA], slow.area[:stages])
    assert np.array_equal(np.maximum(tally.stays[:stages, MOST], tally.stays[:stages, OPEN]), slow.most)
    for row, stays in slow.stays.items():
        buffered = row >= stages or slow.stages[row].capacity != 0
        expected = [len(stays), sum(stays), max(stays, default=0)] if buffered else [0, 0, 0]
        assert tally.stays[row, [COUNT, TOTAL, LONGEST]].tolist() == expected
        assert tally.sketch[row].sum() == expected[0]
    assert tally.parts[:-1, :, THROWN].sum() == len(slow.thrown)
    assert tally.gate[TURNED_AWAY] == tally.gate[TURNED_AWAY_EVER] == len(slow.lost)
    for column, moment in ((STARTED, 0), (MADE, 1)):
        expected = np.zeros((tally.parts.shape[0] - 1, stages), np.int64)
        for (number, m), moments in slow.log.items():
            if moments[moment] >= 0 and not (moment == 1 and (number, m, moments[1]) in slow.struck):
                expected[np.searchsorted(tally.edges, moments[moment], side="right") - 1, m] += 1
        assert np.array_equal(tally.parts[:-1, :, column], expected)


def run_recursion(
    case: Case, pieces: int = 1, edges: tuple[int, ...] = (0, 130, 131, 333, HORIZON), stays: bool = True
) -> Any:
    chain = build(case.stages, queue=4)
    tally = new_tally(chain, edges, (0, HORIZON), quantiles=stays, stays=stays)
    state = new_state(chain, tally)
    n, done = case.exits.size, 0
    log = np.full((n, len(case.stages), 3), -1)
    thrown, let_in = np.full(n, -1), np.full(n, -1)
    bounds = np.linspace(0, n, pieces + 1).astype(int)
    for piece_end in bounds[1:]:
        while done < piece_end:
            took, *_ = pass_parts(
                chain, state, tally, np.arange(5 + done, 5 + piece_end), False, NO_CYCLES,
                case.ready[done:piece_end], case.exits[done:piece_end], case.manner, 1.0, 1.0, 1.0, 0, HORIZON,
                NO_WAITS, NO_CALLS, let_in[done:piece_end], thrown[done:piece_end], log[done:piece_end],
            )  # fmt: skip
            done += took
            if done == piece_end or case.ready[done] >= HORIZON:
                break
            chain, state = with_more_room(chain, state)
    close(chain, state, tally, HORIZON)
    return tally, log, thrown


@pytest.mark.parametrize("seed", range(100))
def test_recursion_equals_the_twin(twin: Any, seed: int) -> None:
    case = random_line(seed, simple=True)
    slow = run_twin(twin, case)
    tally, log, thrown = run_recursion(case)
    compare(slow, tally, log)
    for number, m in slow.thrown:
        assert thrown[number] == m


@pytest.mark.parametrize("seed", range(40))
def test_nothing_else_depends_on_whether_stays_are_counted(seed: int) -> None:
    case = random_line(seed, simple=True)
    counted, log, thrown = run_recursion(case)
    tally, same_log, same_thrown = run_recursion(case, stays=False)
    assert tally.stays.size == tally.sketch.size == 0
    for name in ("ticks", "parts", "gate"):
        assert np.array_equal(getattr(tally, name), getattr(counted, name))
    assert np.array_equal(same_log, log)
    assert np.array_equal(same_thrown, thrown)


def run_events(case: Case, crew: int, pieces: int = 1, table: int = 128, queue: int = 4) -> Any:
    """The plant's side of `advance`: feeds, lends the crew, gives room."""
    chain = build(case.stages, queue=queue)
    tally = new_tally(chain, (0, 130, 131, 333, HORIZON), (0, HORIZON))
    floor = floors.new_floor(chain, tally, table)
    n = case.exits.size
    log = np.full((n, len(case.stages), 3), -1)
    bounds = iter(np.linspace(0, n, pieces + 1).astype(int)[1:])
    fed, calling, mended = 0, [], []
    while True:
        settling = bool(calling) and len(mended) < crew  # others may still call at the same tick
        until = int(floor.now[floors.NOW]) if settling else min([HORIZON - 1, *mended])
        expecting = RUN_OUT if fed < n else SILENT
        reason, which = advance(chain, floor, tally, case.manner, expecting, 1.0, 1.0, 1.0, until, log)
        now = floor.now[floors.NOW]
        if reason == INPUT:
            upto = int(next(bounds))
            piece = slice(fed, upto)
            floor = floors.feed(
                chain, floor, np.arange(5 + fed, 5 + upto), 0, case.exits[piece], case.ready[piece], case.manner, False
            )
            fed = upto
        elif reason == ROOM:
            chain, floor = floors.with_more_room(chain, floor)
        elif reason == CALL:
            calling.append(which)
        mended = [tick for tick in mended if tick > now]
        if reason == UNTIL and now == HORIZON - 1 and not (calling and len(mended) < crew):
            break
        while reason == UNTIL and calling and len(mended) < crew:
            u = calling.pop(0)
            start_repair(chain, floor, tally, u, 1.0)
            mended.append(int(floor.unit[u, floors.REPAIRED]))
            mended = [tick for tick in mended if tick > now]
    floors.close(chain, floor, tally, case.manner, HORIZON)
    return tally, log, floor


@pytest.mark.parametrize("seed", range(200))
def test_event_scan_equals_the_twin(twin: Any, seed: int) -> None:
    case = random_line(seed, simple=False)
    slow = run_twin(twin, case)
    table = 128 if seed % 2 else 16  # 16 parts are too few: the table has to grow
    tally, log, floor = run_events(case, crew=1, pieces=1 + seed % 4, table=table)
    compare(slow, tally, log)
    if table == 128:
        assert sorted(floors.thrown_away(floor).tolist()) == sorted(map(list, slow.thrown))


@pytest.mark.parametrize("seed", range(40))
def test_a_lot_may_be_split(seed: int) -> None:
    case = random_line(seed, simple=True)
    whole, log, _ = run_recursion(case)
    for pieces in (2, 7):
        tally, other_log, _ = run_recursion(case, pieces)
        assert np.array_equal(log, other_log)
        for name in ("ticks", "parts", "stays", "sketch"):
            assert np.array_equal(getattr(whole, name), getattr(tally, name)), name
