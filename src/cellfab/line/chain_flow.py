"""What happens to the lots inside a chain of machines with operation-dependent clocks, by recursion lot after lot.

Besides crews and lots that keep their place (`cellfab.line.ahead`) two things are assumed and put right: that the
outlet is free for the parts of a lot as soon as the lot before is complete, which shows only when a part wants to enter
the outlet; and that no further lot comes, but adding one changes nothing before its first part starts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from cellfab.kernels.laws import DETERMINISTIC, Law
from cellfab.kernels.lot_durations import durations
from cellfab.kernels.serial_line import AT_HAND, CONVERTING, FAILED, FOREVER, STARVED, Chain, Tally
from cellfab.kernels.serial_recursion import CALL_MODE, CALL_NUMBER, CALL_REPAIR, CALL_TICK, pass_parts, stand
from cellfab.kernels.serial_state import BIN, CALM, FREE, State, clear, new_state
from cellfab.line.ahead import NEVER, Ahead, Call, Ints, Passage

_NO_LOG = np.empty((0, 0, 0), np.int64)
_FINISH = 1
"""Column of a log."""
_NOT_ASKED = np.empty(0, np.int64)


@dataclass(slots=True, eq=False)
class ChainPassage(Passage):
    """One lot on its way through a chain.

    Attributes
    ----------
    exits : ndarray of int64, shape (n,)
        Machine after which each row leaves; M: it goes all the way; -1: it never enters.
    thrown_at : ndarray of int64, shape (n,)
        Machine at which a breakdown threw each row away, else -1; true once it is out.
    first_out : int
        Tick at which the outlet gets its first row.
    outlet_at : int
        Tick from which the outlet is free for it; `outlet_known`: not an assumption any more.
    """

    exits: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    thrown_at: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    first_out: int = 0
    outlet_at: int = 0
    outlet_known: bool = True
    cycles: Ints = field(default_factory=lambda: np.empty((0, 0), np.int64), repr=False)

    @property
    def is_one_part(self) -> bool:
        """It does not gather in the outlet, but stays in the last machine until it is taken."""
        return self.exits.size == 1

    @property
    def leaves_nothing(self) -> bool:
        """No row of it goes all the way, so it needs no outlet."""
        return self.first_out == FOREVER


class ChainFlow(Ahead[ChainPassage]):
    """A chain of machines and the lots in it.

    Parameters
    ----------
    chain : Chain
    cycles : sequence of Law
        Of each machine; their streams are in `chain.key`.
    tally : Tally
        Its bins end where statistics are read.
    failure_factor : float
        On the first times to failure.
    """

    def __init__(self, chain: Chain, cycles: Sequence[Law], tally: Tally, failure_factor: float) -> None:
        super().__init__()
        self.chain = chain
        self.tally = tally
        self.state = new_state(chain, tally, failure_factor)
        self._cycles = cycles
        self._all_fixed = all(law.law == DETERMINISTIC for law in cycles)
        self._occupied = False
        self._calls = np.empty((64, 4), np.int64)
        self._log = np.empty((1, len(cycles), 3), np.int64)

    def enter(self, passage: ChainPassage) -> None:
        """Take a lot in and compute what becomes of it."""
        rows, machines = passage.exits.size, len(self._cycles)
        if not self._all_fixed:
            # Drawn once, however often the lot has to be computed.
            passage.cycles = np.empty((rows, machines), np.int64)
            column = np.empty(rows, np.int64)
            for m, law in enumerate(self._cycles):
                durations(*law, passage.factors[0], self.chain.key[m], passage.entity, column)
                passage.cycles[:, m] = column
            self.drawn += rows * machines
        before = self.passages[-1] if self.passages else None
        if before is not None and not before.delivered:
            passage.outlet_at, passage.outlet_known = before.last_out, False
        elif self._occupied:
            passage.outlet_at, passage.outlet_known = passage.entered, False
        passage.thrown_at = np.full(rows, -1, np.int64)
        super().enter(passage)

    def compute(self, passage: ChainPassage) -> None:
        """One call of the recursion."""
        before = self._before(passage)
        if before is not None and not passage.outlet_known and not before.delivered:
            passage.outlet_at = before.last_out
        waits = self.listed_waits(3)
        log = self._log if passage.is_one_part else _NO_LOG
        outlet = max(passage.outlet_at, passage.leaves)
        while True:
            _, _, first_out, last_out, called = pass_parts(
                self.chain, self.state, self.tally, np.array([passage.entity], np.int64), True, passage.cycles,
                np.array([passage.entered], np.int64), passage.exits, AT_HAND, *passage.factors, outlet,
                FOREVER, waits, self._calls, _NOT_ASKED, passage.thrown_at, log,
            )  # fmt: skip
            if called <= len(self._calls):
                break
            self._calls = np.empty((2 * called, 4), np.int64)
            self.restore(passage.before)
        told = self._calls[:called, [CALL_MODE, CALL_NUMBER, CALL_TICK, CALL_REPAIR]].tolist()
        passage.calls = tuple(Call((mode, number), mode, tick, repair) for mode, number, tick, repair in told)
        passage.open_at = max(int(self.state.machine[0, FREE]), passage.entered)
        passage.first_out = FOREVER if first_out < 0 else first_out
        passage.last_out = max(last_out, passage.entered)
        if passage.leaves and not passage.leaves_nothing:
            passage.first_out = passage.last_out = max(int(log[0, -1, _FINISH]), passage.outlet_at)

    def keeps_place(self, passage: ChainPassage) -> bool:
        """One part stays in the last machine."""
        return passage.is_one_part and not passage.leaves_nothing

    def keep(self) -> tuple[State, Tally]:
        """Copies of the machines and of the counts."""
        return _copy(self.state, self.tally)

    def restore(self, kept: tuple[State, Tally]) -> None:
        """Machines and counts as they were."""
        self.state, self.tally = _copy(*kept)

    # The outlet.

    @property
    def held_up(self) -> bool:
        """Whether the last machine still has a finished part, or one that would go into the outlet and cannot."""
        first = self.first_inside
        outlet_shut = self._occupied and first is not None and not first.outlet_known and first.outlet_at >= NEVER
        return outlet_shut or super().held_up

    def out_at(self, passage: ChainPassage) -> int:
        """Lots leave in order, and one that leaves anything only into a free outlet."""
        if passage is not self.first_inside or (self._occupied and not passage.leaves_nothing):
            return NEVER
        return passage.last_out

    def corrections(self) -> list[int]:
        """When the first part wants to enter an outlet that was assumed to be free."""
        if not self._occupied:
            return []
        first = self.first_inside
        return [] if first is None or first.outlet_known else [first.first_out]

    def correct(self, now: int) -> bool:
        """The outlet is still occupied."""
        first = self.first_inside
        if not self._occupied or first is None or first.outlet_known or first.first_out > now:
            return False
        self._set_outlet(first, NEVER)
        return True

    def outlet_taken(self, now: int, occupied: bool) -> None:
        """The lot last told to be out is in the outlet (`occupied`), or the outlet is free for the next one."""
        self._occupied = occupied
        first = self.first_inside
        if first is not None and not occupied and not first.outlet_known:
            first.outlet_known = True
            self._set_outlet(first, now)

    def _set_outlet(self, passage: ChainPassage, tick: int) -> None:
        same = passage.outlet_at == tick or passage.outlet_at < tick <= passage.first_out
        passage.outlet_at = tick
        if not same:
            self.redo(passage)

    def _before(self, passage: ChainPassage) -> ChainPassage | None:
        index = self.passages.index(passage)
        return self.passages[index - 1] if index else None

    # Books.

    def idle_until(self, tick: int, converting_from: int | None = None) -> None:
        """Account for machines without parts up to `tick`: starved, or from `converting_from` on being converted."""
        for m in range(len(self.chain.stage)):
            if converting_from is not None:
                stand(self.chain, self.state, self.tally, m, min(tick, converting_from), STARVED)
                stand(self.chain, self.state, self.tally, m, tick, CONVERTING)
            else:
                stand(self.chain, self.state, self.tally, m, tick, STARVED)

    def booked(self, tick: int) -> tuple[Ints, int]:
        """Ticks per state of all machines together, shape (8,), and breakdowns, up to `tick`, an edge of a bin."""
        rows = int(np.searchsorted(self.tally.edges, tick))
        return self.tally.ticks[:rows].sum(axis=(0, 1)), int(self.tally.parts[:rows, :, FAILED].sum())

    def clear(self, now: int) -> None:
        """Throw out everything inside; the machines are empty and up from `now` on."""
        self._occupied = False
        if self.passages:
            self._cut_bins(now)
            self.redo(self.passages[0])
            clear(self.chain, self.state, self.tally, now)
            self.forget_all()

    def _cut_bins(self, now: int) -> None:
        """Make `now` an edge, so that what was computed beyond it can be taken back."""
        oldest = self.passages[0]
        assert oldest.before is not None
        state, tally = oldest.before
        row = int(np.searchsorted(tally.edges, now, side="right")) - 1
        if tally.edges[row] == now:
            return
        oldest.before = (
            state,
            tally._replace(
                edges=np.insert(tally.edges, row + 1, now),
                ticks=np.insert(tally.ticks, row + 1, 0, axis=0),
                parts=np.insert(tally.parts, row + 1, 0, axis=0),
            ),
        )
        state.machine[:, BIN] += state.machine[:, FREE] >= now
        state.machine[:, CALM] = np.minimum(state.machine[:, CALM], np.where(state.machine[:, FREE] < now, now, NEVER))


def copy_tally(tally: Tally) -> Tally:
    """Copy what changes; a chain keeps no quantiles."""
    return tally._replace(**{name: getattr(tally, name).copy() for name in ("ticks", "parts", "stays", "gate")})


def _copy(state: State, tally: Tally) -> tuple[State, Tally]:
    return State(*map(np.ndarray.copy, state)), copy_tally(tally)
