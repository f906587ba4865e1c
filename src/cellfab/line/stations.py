"""The station: units that take lots, work on them through failures and planned stops, and hand them on.

A kind of station is a subclass in `cellfab.line.kinds` (or a file beside it): it says how long a lot takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any, ClassVar

from cellfab.config.line_spec import FailureMode
from cellfab.core.lot import Lot
from cellfab.errors import ConfigError
from cellfab.line.convert import changes_lots, leaving
from cellfab.line.durations import Duration
from cellfab.line.failures import Clock, Clocks
from cellfab.line.nodes import Giver
from cellfab.line.physics import Processed
from cellfab.line.states import DOWN, SETUP, WORKING, StateBook
from cellfab.line.stops import Stopped
from cellfab.line.units import Flow, Unit
from cellfab.ramp.pace import Pace
from cellfab.units import to_ticks

if TYPE_CHECKING:
    from cellfab.line.line_run import LineRun


class Station(Stopped):
    """Base of all station kinds.

    Attributes
    ----------
    units : list of Unit
        `parallel` identical units, each of which lives by itself.
    needs : list of (Giver, int), or None
        Merge: how many lots from each feed; None: one lot from any of the feeds.
    pairs : bool
        Merge by a step, on a line that makes several products: only lots for the same one may become one.
    places_ahead : int
        Places between it and the sinks, by the longest way; the fewer, the sooner it is fed.
    book : StateBook
        Ticks per state of all units.
    pace : Pace
        Ramp factors as of the last lot.
    worked, nominal : float
        Ticks of finished work, and what it would have been at a rate factor of 1, since the warm-up.
    """

    own_rate_limits: ClassVar[bool] = False
    """Whether a recipe's time is the least, and the station's own rate counts where that is slower."""

    __slots__ = (
        "_outbox", "_sequence", "book", "changeover", "changeover_pairs", "failures", "hungry", "kind", "lots_wanted",
        "needs", "nominal", "pace", "pairs", "places_ahead", "rows_in", "rows_out", "rows_scrapped", "spec", "splits",
        "taken_first", "units", "worked",
    )  # fmt: skip

    def __init__(self, line: LineRun, name: str, order: int, spec: Any) -> None:
        super().__init__(line, name, order)
        self.spec = spec
        self.kind: str = spec.kind
        self.needs: list[tuple[Giver, int]] | None = None
        self.pairs = False
        self.taken_first = 1
        self.places_ahead = 0
        self.lots_wanted = 1
        self.splits = changes_lots(spec.output)
        if line.physics is not None and spec.output.lots != 1:
            raise ConfigError(f"'{name}': a step makes one lot of what it is given; output.lots is for bare lines")
        self.book = StateBook()
        self.pace = Pace()
        self.worked = self.nominal = 0.0
        self.failures = self.rows_in = self.rows_out = self.rows_scrapped = 0
        self.hungry: list[tuple[int, int]] = []
        self._outbox: list[tuple[int, int, int, int, Lot, Unit]] = []
        self._sequence = 0
        self.plan_stops(spec)
        self.changeover: Duration | None = None
        self.changeover_pairs: dict[tuple[str, str], Duration] = {}
        if spec.changeover is not None:
            self.changeover = self.duration(spec.changeover.duration, "changeover")
            for pair, distribution in spec.changeover.pairs.items():
                before, _, after = pair.partition("->")
                self.changeover_pairs[before.strip(), after.strip()] = self.duration(distribution, "changeover")
        self.units = [Unit(self, index) for index in range(self.parallel())]
        for unit in self.units:
            unit.clocks = self.clocks_of(unit, spec.failures)

    @property
    def unit_count(self) -> int:
        """Number of units."""
        return len(self.units)

    @property
    def watched(self) -> int:
        """How many of its units tell by themselves whether they wait."""
        return len(self.units)

    # What a kind fills in.

    def parallel(self) -> int:
        """Number of units."""
        return int(self.spec.parallel)

    def setup_ticks(self, unit: Unit, lots: list[Lot]) -> int:
        """Time lost before each lot besides a changeover of product."""
        return 0

    def work_ticks(self, unit: Unit, lots: list[Lot], alive: list[int], processed: list[Processed] | None) -> int:
        """Time that the station's own rate gives for what is in the unit.

        Parameters
        ----------
        unit : Unit
            Where.
        lots : list of Lot
            What it works on (after the step has acted, in a plant).
        alive : list of int
            Living rows that each of them has to be given time for.
        processed : list of Processed, or None
            The physics' answers; None on a bare line.
        """
        raise NotImplementedError

    def lose_part(self, unit: Unit, elapsed: int) -> int | None:
        """A failure that scraps has struck after `elapsed` ticks of the present stretch of work.

        Returns
        -------
        int or None
            Ticks of work left for what is kept in the unit; None if all of it is lost (the default).
        """
        return None

    # Setting up.

    def duration(self, distribution: Any, *decision: str) -> Duration:
        """A law of this station's, drawn under the name of a decision."""
        made = Duration(distribution, self.line.key(self.name, *decision))
        self.line.durations.append(made)
        return made

    def clocks_of(self, unit: Unit, modes: Mapping[str, FailureMode]) -> Clocks | None:
        """The failure clocks of a unit."""
        if not modes:
            return None
        clocks = []
        for name, mode in modes.items():
            crew = None if mode.crew is None else self.line.crews[mode.crew]
            run = self.duration(mode.time_to_failure, name, "time_to_failure")
            repair = self.duration(mode.time_to_repair, name, "time_to_repair")
            clocks.append(Clock(name, mode, crew, run, repair, unit.index))
        return Clocks(unit, clocks)

    def start(self) -> None:
        """Wind the clocks, look at the timetable and let the units live."""
        self.ask_pace()
        for unit in self.units:
            if unit.clocks is not None:
                for clock in unit.clocks.modes:
                    clock.wind(self.line.env.now, self.pace.time_to_failure)
        self.follow_timetable()
        for unit in self.units:
            unit.live(self.live(unit))

    def ask_pace(self) -> None:
        """Ask the ramp where the station stands now."""
        ramp = self.line.ramp
        if ramp is not None:
            self.pace = ramp.pace(self.name, self.line.env.now)

    # Planned stops, and being held by a conversion (`cellfab.line.stops`).

    def stops_changed(self) -> None:
        """Units stop, or go on."""
        for unit in self.units:
            unit.enter(unit.state)
            if self.off or (self.held and not unit.lots):
                unit.stop_clocks()
            else:
                unit.let_clocks_run()
        self.line.touch(self)

    # Living.

    def live(self, unit: Unit) -> Flow:
        """Take, work, hand on, for ever."""
        while True:
            yield from unit.next_lots()
            yield from self.serve(unit)

    def serve(self, unit: Unit) -> Flow:
        """Deal with the lots in the unit, up to the moment at which they are ready to leave."""
        env = self.line.env
        lots = unit.lots
        setup = self._set_up_ticks(unit, lots)
        if setup and not (yield from self.work(unit, setup, SETUP)):
            return
        unit.product = lots[0].product
        ramp = self.line.ramp
        if ramp is not None:
            self.pace = ramp.pace(self.name, env.now)
        if self.line.physics is None:
            ticks, stops = self.work_ticks(unit, lots, [lot.n_alive for lot in lots], None), 0
        else:
            ticks, stops = self._process(unit)
        started = env.now
        if unit.clocks is None and self.timetable is None:
            unit.enter(WORKING)
            yield ticks
        elif not (yield from self.work(unit, ticks)):
            return
        self.worked += ticks
        self.nominal += ticks * self.pace.rate
        if stops:
            unit.stop_clocks()
            unit.enter(DOWN)
            yield stops
            unit.let_clocks_run()
        if ramp is not None:
            for lot in unit.lots:
                ramp.worked(self.name, lot, started, env.now)
        self.release(unit)

    def _process(self, unit: Unit) -> tuple[int, int]:
        """Let the step act; the unit then holds what it made. Ticks of work, and of the step's own standstill."""
        physics = self.line.physics
        assert physics is not None
        now = self.line.env.now
        lots = unit.lots
        if self.needs is not None:
            # What is merged is made row by row, whatever becomes of the rows.
            sizes = sum(count for _, count in self.needs)
            answers = [physics.process(self.name, lots[i : i + sizes], now) for i in range(0, len(lots), sizes)]
            self.merged += len(lots)
            self.made += len(answers)
            self.line.change_wip(len(answers) - len(lots))
            alive = [answer.lot.n for answer in answers]
        else:
            answers, alive = [], []
            for lot in lots:
                came = lot.n_alive
                answer = physics.process(self.name, [lot], now)
                answers.append(answer)
                alive.append(came if answer.lot is lot else answer.lot.n)
        unit.lots = made = [answer.lot for answer in answers]
        recipe, stops_s = None, 0.0
        for answer, came, lot in zip(answers, alive, made, strict=True):
            self.rows_scrapped += came - lot.n_alive
            seconds = answer.seconds
            if seconds is not None and (recipe is None or seconds > recipe):
                recipe = seconds
            stops_s += answer.stops_s
        ticks = 0 if recipe is None else to_ticks(recipe)
        if recipe is None or self.own_rate_limits:
            ticks = max(ticks, self.work_ticks(unit, made, alive, answers))
        return ticks, to_ticks(stops_s) if stops_s else 0

    def _set_up_ticks(self, unit: Unit, lots: list[Lot]) -> int:
        """Time that it takes to get ready for the lots, a changeover to their product included."""
        ticks = self.setup_ticks(unit, lots)
        if self.changeover is not None:
            before, product = unit.product, lots[0].product
            if before is not None and before != product:
                law = self.changeover_pairs.get((before, product), self.changeover)
                ticks += law.ticks(lots[0].identity)
        return ticks

    def work(self, unit: Unit, ticks: int, state: int = WORKING) -> Flow:
        """Spend `ticks` on what is in the unit, through planned stops and failures; False if all of it was scrapped.

        At equal ticks the end of the work comes before a failure, and a failure before a planned stop.
        """
        env = self.line.env
        clocks = unit.clocks
        working = state == WORKING
        elapsed = 0
        while True:
            if self.off:
                unit.enter(self.off_state)
                yield self.on_at - env.now
            unit.enter(state)
            now = env.now
            mended = 0
            if clocks is not None and clocks.mends_itself and working and self.timetable is None:
                until, left_over = clocks.mend_ahead(now, ticks, self.pace.time_to_failure, self.pace.time_to_repair)
                mended = until - now
                elapsed += ticks - left_over
                ticks = left_over
            stretch, struck = ticks, None
            if clocks is not None:
                soonest, clock = clocks.next_in(now, working)
                if soonest < stretch:
                    stretch, struck = soonest, clock
            if self.off_at - now < stretch:
                stretch, struck = self.off_at - now, None
            if mended + stretch:
                yield mended + stretch
            if working and clocks is not None:
                clocks.worked(stretch)
            ticks -= stretch
            elapsed += stretch
            if struck is not None:
                left: int | None = ticks
                if struck.scrap:
                    left = self.lose_part(unit, elapsed) if working else None
                    if left is None:
                        self.throw_out(unit)
                yield from unit.fail(struck)
                if left is None:
                    return False
                elapsed += ticks - left
                ticks = left
            elif not ticks:
                return True

    # Handing on.

    def release(self, unit: Unit) -> None:
        """The lots in the unit are finished: they stay in it until they are taken."""
        lots = unit.lots
        if self.line.physics is None:
            if self.splits or self.needs is not None:
                lots = self._converted(lots)
        else:
            lots = self._relabelled(unit)
        unit.lots = lots
        now = self.line.env.now
        for lot in lots:
            self.rows_out += lot.n_alive
            self._sequence += 1
            heappush(self._outbox, (now, lot.ordinal, lot.identity, self._sequence, lot, unit))
        unit.outgoing = len(lots)
        if lots:
            self.offer()

    def _converted(self, lots: list[Lot]) -> list[Lot]:
        output = self.spec.output
        size = 1 if self.needs is None else sum(count for _, count in self.needs)
        made: list[Lot] = []
        for index in range(0, len(lots), size):
            inputs = lots[index : index + size]
            outputs = leaving(self.name, output, inputs, self.taken_first)
            if outputs is not inputs:
                self.merged += len(inputs)
                self.made += len(outputs)
                self.line.change_wip(len(outputs) - len(inputs))
            made += outputs
        return made

    def _relabelled(self, unit: Unit) -> list[Lot]:
        """Give the lots of a plant the unit and amount of `output`; drop those of which no row is left."""
        output = self.spec.output
        staying = []
        for lot in unit.lots:
            if not lot.n_alive:
                self.scrapped += 1
                self.line.throw_away(self.name, lot)
                continue
            if output.unit is not None:
                lot.unit = output.unit
            if output.amount is not None:
                lot.amount = output.amount
            staying.append(lot)
        return staying

    def throw_out(self, unit: Unit) -> None:
        """Throw away everything in the unit."""
        if unit.outgoing:
            self._outbox = [entry for entry in self._outbox if entry[5] is not unit]
            heapify(self._outbox)
            unit.outgoing = 0
        lots, unit.lots = unit.lots, []
        unit.collected = 0
        for lot in lots:
            self.scrapped += 1
            self.rows_scrapped += lot.n_alive
            self.line.throw_away(self.name, lot)

    def ready(self) -> int:
        """Finished lots."""
        return len(self._outbox)

    def peek(self) -> Lot:
        """The finished lot that has waited longest; among equals the lowest ordinal, then the lowest identity."""
        return self._outbox[0][4]

    def waiting_since(self) -> int:
        """Tick at which it was finished."""
        return self._outbox[0][0]

    def give(self) -> Lot:
        """Let the next finished lot go; a unit that has become empty is free again."""
        _, _, _, _, lot, unit = heappop(self._outbox)
        unit.lots.remove(lot)
        unit.outgoing -= 1
        self.left += 1
        self.amount_out += lot.amount
        if not unit.outgoing:
            unit.freed()
        return lot

    # Taking.

    def first_hungry(self) -> Unit | None:
        """The free unit that has waited longest; the lowest index among equals."""
        if self.off or self.held:
            return None
        hungry = self.hungry
        while hungry:
            since, index = hungry[0]
            unit = self.units[index]
            if unit.hungry and unit.hungry_since == since:
                return unit
            heappop(hungry)
        return None

    def feed(self, unit: Unit) -> bool:
        """Let a free unit take what it needs; False if it cannot."""
        product = None
        if self.needs is not None:
            for giver, count in self.needs:
                if giver.ready() < count:
                    return False
            if self.pairs:
                product = self._common_product()
                if product is None:
                    return False
            givers = [giver for giver, count in self.needs for _ in range(count)]
        else:
            for giver in self.feeds:
                if giver.ready():
                    givers = [giver]
                    break
            else:
                return False
            if unit.lots and giver.peek().product != unit.lots[0].product:
                unit.begin()
                return True
        now = self.line.env.now
        for giver in givers:
            lot = giver.give() if product is None else giver.give_for(product)
            lot.entered = now
            self.entered += 1
            self.amount_in += lot.amount
            self.rows_in += lot.n_alive
            unit.lots.append(lot)
        unit.collected += 1
        if unit.collected >= self.lots_wanted:
            unit.begin()
        return True

    def _common_product(self) -> str | None:
        """What every feed has a lot for: of several, that of the lot which the first feed would give first."""
        assert self.needs is not None
        first, *others = (giver.products() for giver, _ in self.needs)
        return next((product for product in first if all(product in other for other in others)), None)

    @property
    def collects(self) -> bool:
        """Whether a batch has been begun to be put together."""
        return any(unit.collected for unit in self.units)

    def flush_collected(self) -> bool:
        """Nothing more will come: work on batches that are not full; tell if there were any."""
        any_begun = False
        for unit in self.units:
            if unit.hungry and unit.collected and not self.off and not self.held:
                unit.begin()
                any_begun = True
        return any_begun

    # Bookkeeping.

    def flush(self) -> None:
        """Book the units' time up to now."""
        for unit in self.units:
            unit.flush()
        self.book.flush()

    def end_warmup(self, now: int) -> None:
        """Forget what was counted so far."""
        self.book.end_warmup()
        self.worked = self.nominal = 0.0
        self.failures = self.rows_in = self.rows_out = self.rows_scrapped = 0
