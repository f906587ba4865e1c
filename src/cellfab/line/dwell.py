"""Storage as a station: each lot stays its own time, many at once (wetting, ageing)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cellfab.core.lot import Lot
from cellfab.errors import ConfigError
from cellfab.line.buffers import Place, Store
from cellfab.line.convert import changes_lots, leaving
from cellfab.line.durations import Duration
from cellfab.line.states import BLOCKED, CONVERTING, STARVED, WORKING, StateBook
from cellfab.line.stops import Stopped
from cellfab.units import to_ticks

if TYPE_CHECKING:
    from cellfab.line.line_run import LineRun


class DwellStation(Store, Stopped):
    """A store whose lots must stay for a drawn time (bare line) or for their recipe's time (plant).

    It counts as one unit: working while a lot still has to stay, blocked while lots that could leave are kept,
    starved when empty. In a planned stop lots neither come nor go, but those inside keep ageing.
    """

    __slots__ = (
        "_full", "_minimum", "_recipes", "_shown", "_since", "_waits", "book", "failures", "kind",
        "nominal", "rows_in", "rows_out", "rows_scrapped", "spec", "unit_count", "worked",
    )  # fmt: skip

    def __init__(self, line: LineRun, name: str, order: int, spec: Any) -> None:
        super().__init__(line, name, order, spec.capacity, None, spec.maximum_h)
        for key in ("failures", "changeover"):
            if getattr(spec, key):
                raise ConfigError(f"dwell station '{name}' cannot have {key}: nothing in it moves")
        if spec.parallel != 1:
            raise ConfigError(f"dwell station '{name}' cannot have parallel units; give it more capacity")
        if isinstance(spec.feed, dict):
            raise ConfigError(f"dwell station '{name}' cannot merge lots")
        self.spec = spec
        self.kind = "dwell"
        self.unit_count = 1
        self._minimum: Duration | None = None
        if spec.minimum is not None:
            self._minimum = Duration(spec.minimum, line.key(name, "minimum"))
            line.durations.append(self._minimum)
        elif line.physics is None:
            raise ConfigError(f"dwell station '{name}' has no step: give it a `minimum`")
        self._recipes: dict[int, int] = {}
        self.plan_stops(spec)
        self.book = StateBook()
        self._shown = STARVED
        self._since = self.begins
        self._full, self._waits = False, True
        self.worked = self.nominal = 0.0
        self.failures = self.rows_in = self.rows_out = self.rows_scrapped = 0

    @property
    def watched(self) -> int:
        """It tells as a whole whether it waits."""
        return 1

    def start(self) -> None:
        """Look at the timetable."""
        self.follow_timetable()

    def stops_changed(self) -> None:
        """Let nothing in or out, or open again."""
        self.closed = self.off or self.held
        self.changed()
        self.line.touch(self)
        if not self.closed and self.available:
            self.offer()

    # The store's questions.

    def pull(self) -> None:
        """Take what fits, and note whether there was more than that."""
        super().pull()
        waiting = () if self.capacity is None or self.closed else [giver for giver in self.feeds if giver.ready()]
        self._full = any(not self.fits(giver.peek()) for giver in waiting)
        self._tell_whether_it_waits()

    def _make_room(self) -> None:
        """Whether it is still full shows when it looks at its feeds."""
        self.line.touch(self)

    def _tell_whether_it_waits(self) -> None:
        """Storage waits, unless it is full of what must still stay and more wants to come in."""
        waits = not self._full or self.available > 0
        if waits is not self._waits:
            self._waits = waits
            self.line.turn(self.order, waits=waits)

    def accept(self, lot: Lot) -> None:
        """Let the step act, then store what it made."""
        self.rows_in += lot.n_alive
        physics = self.line.physics
        if physics is not None:
            alive = lot.n_alive
            done = physics.process(self.name, [lot], self.line.env.now)
            lot = done.lot
            self.rows_scrapped += alive - lot.n_alive
            if done.seconds is not None:
                self._recipes[lot.identity] = to_ticks(done.seconds + done.stops_s)
        super().accept(lot)

    def shortest(self, lot: Lot) -> int:
        """The recipe's time, or the drawn one."""
        recipe = self._recipes.get(lot.identity)
        if recipe is not None:
            return recipe
        return 0 if self._minimum is None else self._minimum.ticks(lot.identity)

    def ripened(self, place: Place) -> bool:
        """The stay is over: report it, and let the lot go on if a row of it is alive."""
        lot = place.lot
        self._recipes.pop(lot.identity, None)
        if self.line.ramp is not None:
            self.line.ramp.worked(self.name, lot, place.entered, self.line.env.now)
        if self.line.physics is not None and not lot.n_alive:
            self.discard(place)
            return False
        return True

    def discard(self, place: Place) -> None:
        """Throw a lot away."""
        self._recipes.pop(place.lot.identity, None)
        super().discard(place)

    def expire(self, place: Place) -> bool:
        """Scrap the lot, or let its stay start anew."""
        self._deadlines.popleft()
        self.expired += 1
        self.expired_in_all += 1
        if self.spec.on_expiry == "scrap":
            self.discard(place)
        else:
            self.withdraw(place)
            self._sequence += 1
            again = Place(place.lot, place.amount, place.entered, place.rank, self._sequence)
            self._begin_stay(again)
        return True

    def give(self) -> Lot:
        """Let the next lot go, in the unit and amount of `output`."""
        lot = super().give()
        output = self.spec.output
        if changes_lots(output):
            if output.lots != 1:
                raise ConfigError(f"dwell station '{self.name}' cannot split lots")
            if self.line.physics is None:
                leaving(self.name, output, [lot], 1)
            else:
                lot.unit = output.unit or lot.unit
                lot.amount = output.amount or lot.amount
        self.rows_out += lot.n_alive
        return lot

    # States.

    def changed(self) -> None:
        """Note what the station is doing now."""
        self._tell_whether_it_waits()
        if self.held and not self.queue.value:
            state = CONVERTING
        elif self.off:
            state = self.off_state
        elif self.ripening:
            state = WORKING
        else:
            state = BLOCKED if self.available else STARVED
        if state != self._shown:
            self._book()
            self._shown = state

    def _book(self) -> None:
        now = self.line.env.now
        if now > self._since:
            self.book.ticks[self._shown] += now - self._since
            self._since = now

    def flush(self) -> None:
        """Book the time up to now."""
        self._book()
        self.book.flush()

    def end_warmup(self, now: int) -> None:
        """Forget what was counted so far."""
        super().end_warmup(now)
        self.book.end_warmup()
        self.worked = self.nominal = 0.0
        self.failures = self.rows_in = self.rows_out = self.rows_scrapped = 0
