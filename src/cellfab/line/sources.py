"""Where lots enter: on a clock of their own, or always at hand."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from cellfab.config.line_spec import Source as SourceSpec
from cellfab.core.lot import Lot, lineage
from cellfab.line.durations import Duration
from cellfab.line.events import Alarm
from cellfab.line.nodes import Giver
from cellfab.line.statistics import Level, Tally

if TYPE_CHECKING:
    from cellfab.line.line_run import LineRun

ENDLESS = 1 << 62
"""Lots that a source without an end can still give."""


class Source(Giver):
    """Makes lots: campaigns of products, each lot numbered.

    Attributes
    ----------
    arrivals, lost : int
        Lots that came, and those of them turned away because there was no room; since the warm-up.
    lost_in_all : int
        The same since the start.
    wait : Tally
        Ticks spent waiting outside, since the warm-up (`when_full: wait`).
    queue : Level
        Lots waiting outside.
    """

    __slots__ = (
        "_campaigns", "_clock", "_following", "_round", "arrivals", "lost", "lost_in_all", "ordinal", "pending",
        "queue", "sellable", "spec", "stopped", "wait",
    )  # fmt: skip

    def __init__(self, line: LineRun, name: str, order: int, spec: SourceSpec) -> None:
        super().__init__(line, name, order)
        self.spec = spec
        self._clock: Duration | None = None
        if spec.interarrival is not None:
            self._clock = Duration(spec.interarrival, line.key(name, "interarrival"))
            line.durations.append(self._clock)
        self._campaigns = list(spec.products.items())
        self._round = sum(spec.products.values())
        self.ordinal = 0
        self.pending: deque[Lot] = deque()
        self.stopped = False
        self._following = False
        self.sellable = True
        self.arrivals = self.lost = self.lost_in_all = 0
        self.wait = Tally()
        self.queue = Level()

    @property
    def saturated(self) -> bool:
        """Whether there is always a lot at hand."""
        return self._clock is None

    @property
    def exhausted(self) -> bool:
        """Whether no further lot will ever come by itself."""
        return self.spec.lots is not None and self.ordinal >= self.spec.lots

    @property
    def dry(self) -> bool:
        """Whether no lot waits and none will come unless the source is started again."""
        if self._clock is None:
            return self.ready() == 0
        return not self.pending and (self.stopped or self.exhausted)

    def start(self) -> None:
        """Start the clock of arrivals, or offer the first lot."""
        if self._clock is None:
            self.offer()
        elif not self._following:
            self._schedule_next()

    def stop(self) -> None:
        """No lot enters any more (those waiting outside still do); a lot already announced by the clock is dropped."""
        self.stopped = True
        self._drop_draft()
        self.line.request_settle()

    def restart(self, product: str | None = None, sellable: bool = True) -> None:
        """Let lots enter again: of one product only if given, sellable or not."""
        self._drop_draft()
        if product is not None:
            self._campaigns = [(product, 1)]
            self._round = 1
        self.sellable = sellable
        self.stopped = False
        if self.line.env.now < self.begins:
            return
        if self._clock is None:
            self.offer()
        elif not self._following:
            self._schedule_next()

    def _drop_draft(self) -> None:
        """Forget the lot that a saturated source has shown but not let in: it may now have to be another one."""
        if self._clock is None:
            self.ordinal -= len(self.pending)
            self.pending.clear()

    def _schedule_next(self) -> None:
        if self.exhausted or self.stopped or self._clock is None:
            self._following = False
            return
        self._following = True
        Alarm(self.line.env, self._clock.ticks(0, self.ordinal), self._arrive)

    def _arrive(self, _: Any) -> None:
        if self.stopped:
            self._following = False
            return
        line = self.line
        lot = self._make()
        self.pending.append(lot)
        self.queue.change(1, line.env.now)
        self._count(lot)
        if self.spec.when_full == "lost":
            line.turn_away(self)
        self.offer()
        self._schedule_next()

    def _make(self) -> Lot:
        spec = self.spec
        ordinal = self.ordinal
        self.ordinal += 1
        product = self._product(ordinal)
        lot = Lot(
            lineage(self.name, ordinal), ordinal=ordinal, product=product, material=spec.material, n=spec.parts_per_lot,
            unit=spec.unit, amount=spec.amount, created=self.line.env.now, priority=spec.priority.get(product, 0),
        )  # fmt: skip
        lot.sellable = self.sellable
        return lot

    def _count(self, lot: Lot) -> None:
        self.arrivals += 1
        self.entered += 1
        self.amount_in += lot.amount
        self.line.change_wip(1)

    def _product(self, ordinal: int) -> str:
        place = ordinal % self._round
        for product, lots in self._campaigns:
            place -= lots
            if place < 0:
                return product
        raise AssertionError("campaigns do not add up")

    def ready(self) -> int:
        """Lots waiting outside, or all that can still be made."""
        if self._clock is not None:
            return len(self.pending)
        if self.stopped or self.line.env.now < self.begins:
            return 0
        return ENDLESS if self.spec.lots is None else self.spec.lots - self.ordinal + len(self.pending)

    def peek(self) -> Lot:
        """The next lot; a saturated source makes it now, but it counts only when it is let in."""
        if not self.pending:
            self.pending.append(self._make())
        return self.pending[0]

    def waiting_since(self) -> int:
        """Tick of arrival; a saturated source has always been waiting."""
        return self.pending[0].created if self._clock is not None else 0

    def give(self) -> Lot:
        """Let the next lot in."""
        lot = self.peek()
        self.pending.popleft()
        now = self.line.env.now
        if self._clock is None:
            lot.created = lot.entered = now
            self._count(lot)
        else:
            self.queue.change(-1, now)
            self.wait.add(now - lot.created)
        self.left += 1
        self.amount_out += lot.amount
        return lot

    def turn_away(self) -> bool:
        """Drop what found no room; return whether there was anything."""
        if not self.pending:
            return False
        now = self.line.env.now
        while self.pending:
            lot = self.pending.popleft()
            self.queue.change(-1, now)
            self.line.change_wip(-1)
            self.lost += 1
            self.lost_in_all += 1
            self.scrapped += 1
            self.amount_out += lot.amount
        return True

    def discard_all(self) -> int:
        """Throw away the lots that wait outside; return how many there were."""
        if self.saturated:
            return 0
        thrown = len(self.pending)
        while self.pending:
            lot = self.pending.popleft()
            self.queue.change(-1, self.line.env.now)
            self.scrapped += 1
            self.amount_out += lot.amount
            self.line.throw_away(self.name, lot)
        return thrown

    def end_warmup(self, now: int) -> None:
        """Forget what was counted so far."""
        self.arrivals = self.lost = 0
        self.wait.reset()
        self.queue.reset(now)
