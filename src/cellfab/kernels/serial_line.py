"""A chain of machines with finite buffers between them, part by part: what it is made of and where its state lives.

Two kernels move parts through a chain; both work on the arrays defined here and give the same answer where both apply:

* `cellfab.kernels.serial_recursion`: when does each part leave each machine, by recursion over (part, machine). For
  one unit per stage and failures whose clocks run only while the machine works.
* `cellfab.kernels.serial_events`: a scan for the next event over all units. For anything else: time-dependent clocks,
  several units per stage.

What both mean by a chain
-------------------------
Parts pass the stages in order. A stage has one machine or several identical units; the buffer before it holds
`capacity` parts, not counting those in machines (0: parts are handed over directly; -1: unlimited). Blocking after
service: a finished part stays in its machine until there is room ahead. A part may be sorted out: `exit_stage` says
after which stage it leaves, finished and without waiting (quality is drawn before the part starts; -1: it never
enters; the number of stages: it goes all the way).

A breakdown stops a machine at work (operation-dependent clock) or whenever it is not down or planned off
(time-dependent). No clock runs while the machine is down or planned off, and the time to the next failure counts from
the end of the repair. The part in the machine either waits and is finished after the repair (resume) or is thrown
away when the breakdown strikes (scrap). Planned stops are half-open intervals of ticks known ahead: work waits, nothing
starts, a finished part may still leave. A repair goes on through a planned stop, which is what the time then counts as.

Random numbers are named: the cycle of a part by its entity and row, failures by unit and failure number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.laws import DETERMINISTIC, Law, duration
from cellfab.kernels.sketch import BUCKETS, bucket

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Keys = npt.NDArray[np.uint64]

FOREVER = 1 << 62
"""Later than anything, ticks."""
WORKING, SETUP, STARVED, BLOCKED, DOWN, WAITING_CREW, PLANNED, CONVERTING = range(8)
"""Columns of `Tally.ticks`: the states of a station."""


@dataclass(frozen=True, slots=True)
class Mode:
    """One way in which a machine breaks down."""

    time_to_failure: Law
    time_to_repair: Law
    failure_key: np.uint64
    repair_key: np.uint64
    time_dependent: bool = False
    scrap: bool = False
    crew: bool = False
    """The repair starts when somebody from outside says so."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One machine of the chain, or several identical units, with the buffer before it."""

    cycle: Law
    cycle_key: np.uint64
    capacity: int = 0
    """Places before the stage; 0: direct handover, -1: unlimited."""
    units: int = 1
    modes: Sequence[Mode] = ()
    stops: Ints = field(default_factory=lambda: np.empty((0, 2), np.int64))
    """Planned stops, shape (k, 2): first tick off, first tick on again; disjoint, ascending."""


class Chain(NamedTuple):
    """What does not change while parts move; made by `build`.

    Attributes
    ----------
    stage : shape (M, 8)
        Columns CAPACITY ... STOP below.
    fixed_s : shape (M,)
        Cycle of a stage that always takes the same time, s; negative where it is drawn.
    mode : shape (K, 3)
        Columns TIME_DEPENDENT, SCRAP, CREW; the modes of one stage stand together.
    law, parameters, pool, pool_start, key : shapes (L,), (L, 3), (P,), (L + 1,), (L,)
        Laws and streams: row m the cycle of stage m, rows M + 2 k and M + 2 k + 1 failure and repair of mode k.
    stops : shape (S, 2)
        Planned stops of all stages, each list closed by (FOREVER, FOREVER).
    """

    stage: Ints
    fixed_s: Floats
    mode: Ints
    law: Ints
    parameters: Floats
    pool: Floats
    pool_start: Ints
    key: Keys
    stops: Ints


CAPACITY, UNITS, FIRST_UNIT, RING, RING_SIZE, MODE, MODE_END, STOP = range(8)
"""Columns of `Chain.stage`: places before it, units, their first number, its stretch of a ring array, modes, stops."""
TIME_DEPENDENT, SCRAP, CREW = range(3)
"""Columns of `Chain.mode`."""


class Tally(NamedTuple):
    """What is counted; the size does not depend on the simulated time.

    Attributes
    ----------
    edges : shape (B + 2,)
        Bins of time, ticks: 0, ..., end, FOREVER; the window's bounds are among them.
    ticks : shape (B + 1, M, 8)
        Ticks per state, all units of a stage together.
    parts : shape (B + 1, M, 6)
        Columns STARTED, MADE (work finished), WENT_ON, EXITED (sorted out there), THROWN (away by a breakdown);
        and FAILED, breakdowns.
    window : shape (2,)
        First tick, and first tick beyond, of what follows.
    stays : shape (M + 2, 6), or (0, 6) where they are not counted
        Rows: the buffer before each stage; outside, waiting to be let in; the whole chain, from coming to going.
        Columns COUNT ... OPEN: parts counted on leaving (of the whole chain: those that went all the way), ticks
        stayed, longest stay, integral of the number there (part-ticks), largest number there and number when the
        window opened (buffers; the event scan also has the largest number outside).
    gate : shape (3,)
        Parts that came within the window, those of them turned away, and those turned away since the very start.
    sketch : shape (M + 2, BUCKETS) or (0, 0)
        Stays by bucket of `cellfab.kernels.sketch`.
    """

    edges: Ints
    ticks: Ints
    parts: Ints
    window: Ints
    stays: Ints
    gate: Ints
    sketch: Ints


STARTED, MADE, WENT_ON, EXITED, THROWN, FAILED = range(6)
"""Columns of `Tally.parts`."""
COUNT, TOTAL, LONGEST, AREA, MOST, OPEN = range(6)
"""Columns of `Tally.stays`."""
CAME, TURNED_AWAY, TURNED_AWAY_EVER = range(3)
"""Entries of `Tally.gate`."""

WAIT, LOSE, AT_HAND = range(3)
"""What a part does that finds no room: wait outside; go away; or it does not exist before there is room."""


def build(stages: Sequence[Stage], queue: int = 1024) -> Chain:
    """Lay out a chain for the kernels.

    Parameters
    ----------
    stages : sequence of Stage
    queue : int
        Parts that a queue without limit can hold before a kernel asks for more room.
    """
    table = np.zeros((len(stages), 8), np.int64)
    modes: list[Mode] = []
    stops = []
    unit = ring = stop = 0
    for m, stage in enumerate(stages):
        size = stage.capacity if stage.capacity >= 0 else queue
        table[m] = (
            stage.capacity, stage.units, unit, ring, size, len(modes), len(modes) + len(stage.modes), stop,
        )  # fmt: skip
        modes.extend(stage.modes)
        stops.append(np.vstack([np.asarray(stage.stops, np.int64).reshape(-1, 2), [[FOREVER, FOREVER]]]))
        unit += stage.units
        ring += size
        stop += len(stops[-1])
    laws = [stage.cycle for stage in stages]
    keys = [stage.cycle_key for stage in stages]
    for mode in modes:
        laws += [mode.time_to_failure, mode.time_to_repair]
        keys += [mode.failure_key, mode.repair_key]
    return Chain(
        stage=table,
        fixed_s=np.array([law.p0 if law.law == DETERMINISTIC else -1.0 for law in laws[: len(stages)]]),
        mode=np.array([[mode.time_dependent, mode.scrap, mode.crew] for mode in modes], np.int64).reshape(-1, 3),
        law=np.array([law.law for law in laws], np.int64),
        parameters=np.array([(law.p0, law.p1, law.p2) for law in laws]),
        pool=np.concatenate([law.pool for law in laws]),
        pool_start=np.cumsum([0] + [law.pool.size for law in laws]),
        key=np.array(keys, np.uint64),
        stops=np.vstack(stops),
    )


def with_longer_rings(chain: Chain) -> Chain:
    """Twice the room for queues without limit."""
    table = chain.stage.copy()
    table[:, RING_SIZE] *= 1 + (table[:, CAPACITY] < 0)
    table[:, RING] = np.cumsum(table[:, RING_SIZE]) - table[:, RING_SIZE]
    return chain._replace(stage=table)


def new_tally(
    chain: Chain, edges: Sequence[int], window: tuple[int, int], quantiles: bool = True, stays: bool = True
) -> Tally:
    """Empty counts.

    Parameters
    ----------
    chain : Chain
    edges : sequence of int
        Ticks that bound the bins of state times; 0 and the window's two are added.
    window : (int, int)
        First tick, and first tick beyond, of the time in which stays are counted.
    quantiles : bool
        Keep the sketches of stays (115 kB per stage).
    stays : bool
        Count stays and what is in the buffers; without them the recursion takes a third less time.
    """
    stages = len(chain.stage)
    all_edges = sorted({0, *edges, *window})
    bins = len(all_edges)
    return Tally(
        edges=np.array([*all_edges, FOREVER], np.int64),
        ticks=np.zeros((bins, stages, 8), np.int64),
        parts=np.zeros((bins, stages, 6), np.int64),
        window=np.array(window, np.int64),
        stays=np.zeros((stages + 2 if stays else 0, 6), np.int64),
        gate=np.zeros(3, np.int64),
        sketch=np.zeros((stages + 2, BUCKETS) if quantiles else (0, 0), np.int64),
    )


@kernel
def draw(chain: Chain, row: int, factor: float, entity: int, number: int) -> int:
    """Ticks of the law in `row` of the chain's table, times `factor`, for the draw named (entity, number)."""
    law = chain.law[row]
    pool = chain.pool[chain.pool_start[row] : chain.pool_start[row + 1]]
    p = chain.parameters[row]
    return int(duration(law, p[0], p[1], p[2], pool, factor, chain.key[row], entity, number))


@kernel
def note_stay(window: Ints, stays: Ints, sketch: Ints, row: int, came: int, gone: int, counted: bool) -> None:
    """Note in row `row` of `Tally.stays` a stay from tick `came` to tick `gone`; count it if `counted`."""
    first, end = window[0], window[1]
    if came >= first and gone < end:
        stays[row, AREA] += gone - came
    elif came < end and gone > first:
        stays[row, AREA] += min(gone, end) - max(came, first)
    if counted and first <= gone < end:
        stay = gone - came
        stays[row, COUNT] += 1
        stays[row, TOTAL] += stay
        stays[row, LONGEST] = max(stays[row, LONGEST], stay)
        if sketch.shape[0] > 0:
            sketch[row, bucket(stay)] += 1
