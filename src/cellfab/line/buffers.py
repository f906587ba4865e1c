"""Queues between stations: capacity in their own unit, order of service, shortest and longest stay."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any

from cellfab.config.line_spec import COUNTED
from cellfab.config.line_spec import Buffer as BufferSpec
from cellfab.core.lot import Lot
from cellfab.errors import ConfigError
from cellfab.line.clock import hours_to_ticks
from cellfab.line.events import Alarm
from cellfab.line.nodes import Giver
from cellfab.line.statistics import Level, Tally

if TYPE_CHECKING:
    from cellfab.line.line_run import LineRun

_SLACK = 1e-9
"""Relative slack of a capacity: amounts are floats, and ten times 0.1 must fit into 1."""
NEVER = 1 << 62


class Place:
    """One lot in a store. `gone`: it may no longer be taken; `ripe`: it has stayed long enough."""

    __slots__ = ("amount", "entered", "expires", "gone", "lot", "rank", "ready_at", "ripe", "sequence")

    def __init__(self, lot: Lot, amount: float, entered: int, rank: int, sequence: int) -> None:
        self.lot = lot
        self.amount = amount
        self.entered = entered
        self.rank = rank
        self.sequence = sequence
        self.ready_at = entered
        self.expires = NEVER
        self.ripe = False
        self.gone = False


class Store(Giver):
    """Holds lots for a while: the mechanism behind buffers and dwell stations.

    A subclass says how long a lot must stay (`shortest`), how long it may (`longest`), and what becomes of one that
    could not leave in time (`expire`).

    Attributes
    ----------
    longest : int
        Ticks that a lot may stay; NEVER: any time.
    wait : Tally
        Ticks spent in it by lots that went on, since the warm-up.
    queue : Level
        Lots in it.
    level : float
        What they amount to in the unit of the capacity.
    expired : int
        Lots that overstayed, since the warm-up.
    available, ripening : int
        Lots that may leave now, and lots that must still stay.
    closed : bool
        Nothing is let in or out.
    """

    __slots__ = (
        "_deadlines", "_maturing", "_next_deadline", "_next_ready", "_ready", "_sequence", "available", "by_priority",
        "capacity", "closed", "expired", "expired_in_all", "level", "level_area", "level_largest", "level_since",
        "longest", "lot_unit", "queue", "ripening", "unit", "wait", "waited",
    )  # fmt: skip

    def __init__(
        self, line: LineRun, name: str, order: int, capacity: float | None, unit: str | None, longest_h: float | None
    ) -> None:  # fmt: skip
        super().__init__(line, name, order)
        self.capacity = capacity
        self.unit = unit
        self.longest = NEVER if longest_h is None else hours_to_ticks(longest_h)
        self.lot_unit: str | None = None
        self.wait = Tally()
        self.queue = Level()
        self.level = self.level_area = self.level_largest = 0.0
        self.level_since = 0
        self.waited = 0
        self.expired = self.expired_in_all = 0
        self.available = self.ripening = 0
        self.by_priority = self.closed = False
        self._sequence = 0
        self._ready: list[tuple[int, int, Place]] = []
        self._maturing: list[tuple[int, int, Place]] = []
        self._deadlines: deque[Place] = deque()
        self._next_ready = NEVER
        self._next_deadline = NEVER

    # What a subclass fills in.

    def shortest(self, lot: Lot) -> int:
        """Ticks that a lot must stay."""
        return 0

    def expire(self, place: Place) -> bool:
        """Deal with a lot whose time is up; False if that is not possible now."""
        raise NotImplementedError

    def ripened(self, place: Place) -> bool:
        """A lot has stayed long enough; False if it does not go on from here."""
        return True

    def changed(self) -> None:
        """A lot has come or gone, or has become ready to leave."""

    # Taking lots in.

    def amount_of(self, lot: Lot) -> float:
        """What a lot takes of the capacity."""
        unit = self.unit
        if unit is None or unit == lot.unit:
            return lot.amount
        if unit == "lots":
            return 1.0
        if unit in COUNTED:
            return float(lot.n_alive)
        raise ConfigError(f"'{self.name}' counts {unit}, but is fed a lot of {lot.amount:g} {lot.unit}")

    def fits(self, lot: Lot) -> bool:
        """Whether there is room for a lot now."""
        if self.capacity is None:
            return True
        amount = self.amount_of(lot)
        if amount > self.capacity * (1.0 + _SLACK):
            raise ConfigError(
                f"'{self.name}' can hold {self.capacity:g} {self.unit or lot.unit}, "
                f"but is fed lots of {amount:g}: they never fit"
            )
        return self.level + amount <= self.capacity * (1.0 + _SLACK)

    def pull(self) -> None:
        """Take from the feeds what fits: the lot that has waited longest first, and none may overtake it."""
        if self.closed:
            return
        took = False
        feeds = self.feeds
        while True:
            if len(feeds) == 1:
                giver = feeds[0]
                if not giver.ready():
                    break
            else:
                waiting = [giver for giver in feeds if giver.ready()]
                if not waiting:
                    break
                giver = min(waiting, key=lambda giver: (giver.waiting_since(), giver.order))
            if self.capacity is not None and not self.fits(giver.peek()):
                break
            self.accept(giver.give())
            took = True
        if took:
            self.changed()
            if self.available:
                self.offer()

    def accept(self, lot: Lot) -> None:
        """Put a lot in."""
        now = self.line.env.now
        lot.entered = now
        amount = self.amount_of(lot)
        if self.lot_unit is None:
            self.lot_unit = lot.unit
        self._sequence += 1
        place = Place(lot, amount, now, lot.priority if self.by_priority else 0, self._sequence)
        self.entered += 1
        self.amount_in += lot.amount
        self._change_level(1, amount, now)
        self._begin_stay(place)

    def _begin_stay(self, place: Place) -> None:
        """Start the shortest and the longest stay of a lot, now."""
        now = self.line.env.now
        stay = self.shortest(place.lot)
        place.ready_at = now + stay
        if stay:
            self.ripening += 1
            heappush(self._maturing, (place.ready_at, self._sequence, place))
            self._watch_ready()
        else:
            self._make_available(place)
        if self.longest < NEVER:
            place.expires = now + self.longest
            self._deadlines.append(place)
            self._watch_deadline()

    def _make_available(self, place: Place) -> None:
        place.ripe = True
        self.available += 1
        heappush(self._ready, (place.rank, place.sequence, place))

    # Time that passes inside.

    def _watch_ready(self) -> None:
        due = self._maturing[0][0]
        if due < self._next_ready:
            self._next_ready = due
            Alarm(self.line.env, due - self.line.env.now, self._ripen)

    def _ripen(self, _: Any) -> None:
        now = self.line.env.now
        if now < self._next_ready:
            return
        self._next_ready = NEVER
        while self._maturing and self._maturing[0][0] <= now:
            place = heappop(self._maturing)[2]
            if not place.gone and self.ripened(place):
                self.ripening -= 1
                self._make_available(place)
        if self._maturing:
            self._watch_ready()
        self.changed()
        if self.available:
            self.offer()

    def _watch_deadline(self) -> None:
        while self._deadlines and self._deadlines[0].gone:
            self._deadlines.popleft()
        if self._deadlines and self._next_deadline == NEVER:
            self._next_deadline = self._deadlines[0].expires
            Alarm(self.line.env, self._next_deadline - self.line.env.now, self._look_at_deadlines)

    def _look_at_deadlines(self, _: Any) -> None:
        self._next_deadline = NEVER
        self.line.let_expire(self)

    @property
    def has_deadlines(self) -> bool:
        """Whether a lot inside will expire if it stays."""
        return any(not place.gone for place in self._deadlines)

    def expire_due(self) -> bool:
        """Expire what is due, after all moves of the tick (leaving at the last tick is in time); tell if any was."""
        now = self.line.env.now
        any_gone = False
        while self._deadlines:
            place = self._deadlines[0]
            if place.gone:
                self._deadlines.popleft()
                continue
            if place.expires > now or not self.expire(place):
                break
            any_gone = True
        self._watch_deadline()
        if any_gone:
            self.changed()
            self.line.touch(self)
        return any_gone

    # Letting lots go.

    def withdraw(self, place: Place) -> None:
        """Make sure that nobody takes a lot any more."""
        place.gone = True
        if place.ripe:
            self.available -= 1
        else:
            self.ripening -= 1

    def write_off(self, place: Place) -> int:
        """Take a withdrawn lot out of the books; return the ticks that it stayed."""
        now = self.line.env.now
        stayed = now - place.entered
        self.waited += stayed
        self._change_level(-1, -place.amount, now)
        return stayed

    def _change_level(self, lots: int, by: float, now: int) -> None:
        self.queue.change(lots, now)
        if now != self.level_since:
            self.level_area += self.level * (now - self.level_since)
            self.level_since = now
            self.level_largest = max(self.level_largest, self.level)
        # An empty store holds exactly nothing, so that rounding cannot pile up over the years.
        self.level = self.level + by if self.queue.value else 0.0

    def ready(self) -> int:
        """Lots that may leave."""
        return 0 if self.closed else self.available

    def _first(self) -> Place:
        places = self._ready
        if len(places) > 2 * self.available + 64:
            self._ready = places = [entry for entry in places if not entry[2].gone]
            heapify(places)
        while places[0][2].gone:
            heappop(places)
        return places[0][2]

    def peek(self) -> Lot:
        """The next lot to leave."""
        return self._first().lot

    def waiting_since(self) -> int:
        """Tick at which the next lot's shortest stay was over."""
        return self._first().ready_at

    def products(self) -> list[str]:
        """What the lots that may leave now are for: each once, in the order in which they would."""
        return list(dict.fromkeys(place.lot.product for _, _, place in sorted(self._ready) if not place.gone))

    def give(self) -> Lot:
        """Let the next lot go."""
        place = self._first()
        heappop(self._ready)
        return self._let_go(place)

    def give_for(self, product: str) -> Lot:
        """Let the next lot for a product go, past those that wait for others."""
        entry = min(entry for entry in self._ready if not entry[2].gone and entry[2].lot.product == product)
        self._ready.remove(entry)
        heapify(self._ready)
        return self._let_go(entry[2])

    def _let_go(self, place: Place) -> Lot:
        lot = place.lot
        self.withdraw(place)
        stayed = self.write_off(place)
        self.wait.add(stayed)
        self.left += 1
        self.amount_out += lot.amount
        self.changed()
        self._make_room()
        return lot

    def _make_room(self) -> None:
        """A lot has gone: if another one waits for its room, it may come. One that comes to wait will say so itself."""
        for giver in self.feeds:
            if giver.ready():
                self.line.touch(self)
                return

    def places(self) -> Iterator[Place]:
        """The lots in it, in no particular order."""
        for _, _, place in (*self._ready, *self._maturing):
            if not place.gone:
                yield place

    def discard(self, place: Place) -> None:
        """Throw a lot away."""
        if not place.gone:
            self.withdraw(place)
        self.write_off(place)
        self.scrapped += 1
        self.amount_out += place.lot.amount
        self.line.throw_away(self.name, place.lot)

    def discard_all(self) -> int:
        """Throw everything away (what is left over after a line has run dry); return how many lots."""
        leftovers = sorted(self.places(), key=lambda place: place.sequence)
        for place in leftovers:
            self.discard(place)
        self._ready.clear()
        self._maturing.clear()
        self._deadlines.clear()
        self.changed()
        self.line.touch(self)
        return len(leftovers)

    def end_warmup(self, now: int) -> None:
        """Forget what was counted so far; the lots stay."""
        self.expired = 0
        self.wait.reset()
        self.queue.reset(now)
        self.level_area = 0.0
        self.level_since = now
        self.level_largest = 0.0


class Buffer(Store):
    """A queue as configured."""

    __slots__ = ("_shortest", "returns", "spec")

    def __init__(self, line: LineRun, name: str, order: int, spec: BufferSpec) -> None:
        super().__init__(line, name, order, spec.capacity, spec.unit, spec.maximum_wait_h)
        self.spec = spec
        self.by_priority = spec.order == "priority"
        self._shortest = hours_to_ticks(spec.minimum_wait_h)
        self.returns: Returns | None = None

    def places(self) -> Iterator[Place]:
        """The lots in it, those on their way back to an earlier buffer included."""
        yield from super().places()
        if self.returns is not None:
            yield from self.returns.places

    def discard_all(self) -> int:
        """Throw everything away, expired lots on their way back included."""
        thrown = super().discard_all()
        if self.returns is not None:
            self.returns.places.clear()
        return thrown

    def shortest(self, lot: Lot) -> int:
        """The same for every lot."""
        return self._shortest

    def expire(self, place: Place) -> bool:
        """Scrap the lot, let it wait anew at the end of this queue, or send it back to another one."""
        self._deadlines.popleft()
        self.expired += 1
        self.expired_in_all += 1
        if self.spec.on_expiry == "scrap":
            self.discard(place)
        elif self.returns is None:  # back to this very queue: it keeps its room
            self.withdraw(place)
            self.write_off(place)
            self.left += 1
            self.amount_out += place.lot.amount
            self.accept(place.lot)
        else:
            self.withdraw(place)
            self.returns.add(place)
        return True


class Returns(Giver):
    """Expired lots on their way back to an earlier buffer; they keep their place until there is room for them."""

    __slots__ = ("_buffer", "places")

    def __init__(self, line: LineRun, buffer: Buffer) -> None:
        super().__init__(line, f"{buffer.name} (expired)", buffer.order)
        self.feeds = [buffer]
        self._buffer = buffer
        self.places: deque[Place] = deque()

    def add(self, place: Place) -> None:
        """An expired lot, already withdrawn from what the buffer can give."""
        self.places.append(place)
        self.offer()

    def ready(self) -> int:
        """Lots that are to go back."""
        return len(self.places)

    def peek(self) -> Lot:
        """The one that expired first."""
        return self.places[0].lot

    def waiting_since(self) -> int:
        """Tick at which it entered the buffer that it could not leave in time."""
        return self.places[0].entered

    def give(self) -> Lot:
        """Let it go back."""
        place = self.places.popleft()
        buffer = self._buffer
        buffer.write_off(place)
        buffer.left += 1
        buffer.amount_out += place.lot.amount
        self.line.touch(buffer)
        return place.lot
