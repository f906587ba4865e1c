"""One replicate of a plant: what the line asks of physics, ramp and money, answered from the scenario."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from cellfab.buyer_counts import BuyerCounts
from cellfab.core import notes
from cellfab.core.causes import cause
from cellfab.core.draws import Draws
from cellfab.core.ledger import Posting
from cellfab.core.lot import Lot
from cellfab.core.racks import Racks
from cellfab.core.tally import Tally
from cellfab.economics.credits import Shortfall
from cellfab.economics.shocks import Window, closed_ticks
from cellfab.errors import ConfigError
from cellfab.kernels import AtFirstUse
from cellfab.line.physics import Processed
from cellfab.line_counts import LineCounts
from cellfab.line_ramp import UnitTime, ramp_book
from cellfab.plant_costs import PlantCosts
from cellfab.plant_modes import PlantModes
from cellfab.ramp.pace import Pace
from cellfab.records.recording import SCRAPPED, SOLD, UNSOLD, Recorder
from cellfab.scenario import Scenario, places
from cellfab.steps.base import Merge, Step, Work
from cellfab.units import TICKS_PER_WEEK

exits = AtFirstUse("exits")

EXPIRED = cause("line", "expired", "stayed too long in a buffer or store, or was inside when the line was cleared")
REMNANT = cause("line", "remnant", "good electrode left over because the other one of the pair was scrapped")
FULL_PACE = Pace()
NEVER = 1 << 62
_GRAIN = 1.0 / 512.0


class _Stop(NamedTuple):
    """One place of a station, ready to act: the step of each product (and whether it merges lots), and the random
    numbers of the place."""

    key: str
    machine: int | None
    steps: Mapping[str, tuple[Step, bool]]
    draws: Draws


_Visit = tuple[str, Work, int, list[tuple[int, int]], Mapping[str, int]]
"""What one place did to one lot, to be paid for once the station has finished it: place, what it used, rows alive
before, (cause, rows) of those scrapped, and how many of these were sound, by cause, where the step tells."""
_NO_VISITS: tuple[int, None, list[_Visit]] = (0, None, [])


class Plant:
    """Implements `cellfab.line.physics.Physics` for one replicate.

    Attributes
    ----------
    costs : PlantCosts
    ledger, energy, prices, occupied
        Of `costs`.
    closures : mapping of str to windows
        Set before the run: when stations are not supplied, which no lot in them pays for.
    tally : Tally
    book : RampBook or None
        None where the scenario does not ramp: every station stands at full maturity and pace.
    modes : PlantModes or None
        Where the line learns by causes.
    cells_started, cells_good, cells_unsold, cells_scrapped : dict of (week, product) to int
    good_kwh : dict of (week, product) to float
        Stored energy of the cells sold.
    escapes : dict of str to int
        Cells that passed every test with a defect, by mechanism; a cell with two defects counts for both.
    escaped_cells : int
        Cells that passed every test with a defect, each once.
    racks : dict of str to Racks
        Strings of cells matched from what was sold, by product.
    false_rejects : dict of (product, place, cause) to (rows, usd)
        Sound rows that were rejected and the value they had, for the causes of which a step tells.
    row_units : dict of str to str
        What a row is at each place: charges, segments or cells.
    materials : dict of str to str
        What is worked on at each place: "cathode", "anode" or "cell".
    reworked : dict of (product, place) to int
        Rows that were worked on a second time and passed (`Lot.attributes["reworked"]`).
    by_buyer : BuyerCounts
        What each buyer took, of products that are sold by specifications.
    by_line : LineCounts
        The same counts of cells by line, where there are several.
    opening_maturity : dict of str to float
        What a station of a later line started with.
    shortfalls : list of Shortfall
        Tax credits that were not earned because of where materials came from; known once the books are closed.
    """

    def __init__(
        self, scenario: Scenario, seed: int, replicate: int, recorder: Recorder | None = None,
        on_posting: Callable[[Posting], None] | None = None,
    ) -> None:  # fmt: skip
        spec = scenario.spec
        if spec.economics is None:
            raise ConfigError(f"scenario '{scenario.name}' makes cells but has no `economics`")
        self.scenario = scenario
        self.recorder = recorder
        self.economics = spec.economics
        self.costs = costs = PlantCosts(scenario, spec.economics, on_posting)
        self.ledger, self.energy, self.prices, self.occupied = costs.ledger, costs.energy, costs.prices, costs.occupied
        self.tally = Tally()
        self.closures: Mapping[str, Sequence[Window]] = {}
        self.book = ramp_book(scenario)
        self.modes: PlantModes | None = None
        if self.book is not None and spec.ramp is not None and spec.ramp.failure_modes is not None:
            self.modes = PlantModes(scenario, seed, replicate, self.book)
        self._scrap_due = TICKS_PER_WEEK if self.book is not None and self.book.waits_for_scrap else NEVER
        self.cells_started: dict[tuple[int, str], int] = {}
        self.cells_good: dict[tuple[int, str], int] = {}
        self.cells_unsold: dict[tuple[int, str], int] = {}
        self.cells_scrapped: dict[tuple[int, str], int] = {}
        self.good_kwh: dict[tuple[int, str], float] = {}
        self.escapes: dict[str, int] = {}
        self.escaped_cells = 0
        self.racks: dict[str, Racks] = {}
        self.false_rejects: dict[tuple[str, str, str], tuple[int, float]] = {}
        self.lots_processed = 0
        self.row_units: dict[str, str] = {}
        self.materials: dict[str, str] = {}
        self.reworked: dict[tuple[str, str], int] = {}
        self.shortfalls: list[Shortfall] = []
        self.by_line = LineCounts(scenario.layout)
        self.by_buyer = BuyerCounts(scenario)
        self.opening_maturity: dict[str, float] = {}
        self._inside: dict[int, int] = {}
        self._visits: dict[tuple[str, int], tuple[int, float | None, list[_Visit]]] = {}
        self._stops = self._bind(scenario, seed, replicate)
        self._unit_times = {name: UnitTime.of(station) for name, station in spec.line.stations.items()}

    @staticmethod
    def _bind(scenario: Scenario, seed: int, replicate: int) -> dict[str, tuple[_Stop, ...]]:
        stops: dict[str, list[_Stop]] = {name: [] for name in scenario.spec.line.stations}
        for place in places(scenario.spec.line):
            acting = {product: scenario.steps[place.key, product] for product in scenario.spec.products}
            steps = {product: (step, isinstance(step, Merge)) for product, step in acting.items()}
            stops[place.station].append(_Stop(place.key, place.machine, steps, Draws(seed, replicate, place.key)))
        return {name: tuple(found) for name, found in stops.items()}

    # ---- what the line asks ---------------------------------------------------------------------------------

    def begins(self, station: str, now: int) -> None:
        """A station of a later line: it starts with what is known by then on the line that it copies."""
        model, lines = self.scenario.layout.twin(station), self.scenario.spec.lines
        if self.book is not None and model is not None and lines is not None:
            kept = 1.0 - lines.transfer_loss_share
            self.book.begin_like(station, model, now, kept)
            if self.modes is not None:
                self.modes.begin_like(station, model, kept, now)
            self.opening_maturity[station] = self.book.maturity(station, now)

    def pace(self, station: str, now: int) -> Pace:
        """Ramp factors of the station."""
        if now >= self._scrap_due:
            self._tell_scrap(now)
        return FULL_PACE if self.book is None else self.book.pace(station, now)

    def maturity(self, station: str, now: int) -> float:
        """Maturity of the station's process capabilities, 0-1, in steps of `_GRAIN`.

        Lots in a row then find all parameters of a step evaluated; a step changes none of them by more than 1 %. Where
        capabilities follow failure modes, the steps stand where they are, and no maturity is asked for.
        """
        if self.modes is not None:
            return 1.0
        return 1.0 if self.book is None else round(self.book.maturity(station, now) / _GRAIN) * _GRAIN

    def process(self, station: str, lots: Sequence[Lot], now: int) -> Processed:
        """Let the station's steps act on the lot, or on the lots that merge here."""
        self.lots_processed += 1
        stops = self._stops[station]
        lot = lots[0]
        if not stops:
            return Processed(lot)
        if self.recorder is not None:
            self.recorder.came(lots)
        if self.modes is not None:
            self.modes.before(station, now)
        week, maturity = now // TICKS_PER_WEEK, self.maturity(station, now)
        row_exits = None
        if stops[0].machine is not None:
            row_exits = np.full(lot.n, len(stops), dtype=np.int64)
            if lot.exit_code is not None:
                exits.mark_exits(lot.exit_code, row_exits, len(stops), -1)
        seconds, stops_s = None, 0.0
        visits: list[_Visit] = []
        for parent in lots:
            if parent.losses:
                self._count_machine_losses(week, station, parent)
        parents = lots
        for index, (key, _, steps, draws) in enumerate(stops):
            step, merges = steps[lot.product]
            if self.modes is not None:
                step = self.modes.steps.get((key, lot.product), step)
            alive, known = lot.n - lot.n_dead, len(lot.attributes)
            if merges:
                known = 0  # what is made may have the facts of any of them
                came = [parent.n_alive for parent in parents]
                made = step.merge({parent.material: parent for parent in parents}, draws, maturity)  # type: ignore[attr-defined]
            else:
                came = [alive]
                made = step.apply(lot, draws, maturity)
            work = step.work(made, maturity)
            if made is not lot:
                self._become(key, parents, came, made, week)
                alive = made.n
                if self.modes is not None:
                    self.modes.begun(made, now)
            scrapped, made.losses = made.losses, []
            if self.recorder is not None:
                self.recorder.passed(key, made, step.writes)
            if row_exits is not None and scrapped:
                exits.mark_exits(made.exit_code, row_exits, len(stops), index)
            self._count(week, key, made, alive, scrapped)
            seconds = work.seconds if seconds is None else seconds
            noted = notes.take(made, known)
            stops_s += noted.stops_s
            if noted.reworked:
                again = (made.product, key)
                self.reworked[again] = self.reworked.get(again, 0) + noted.reworked
            visits.append((key, work, alive, scrapped, noted.false_rejects))
            lot = made
            parents = (lot,)
        self._visits[station, lot.identity] = (week, seconds, visits)
        return Processed(lot, seconds, stops_s, row_exits)

    def worked(self, station: str, lot: Lot, started: int, ended: int) -> None:
        """Post what the lot cost here, move the share of what was scrapped, and let the station learn."""
        week, costs = ended // TICKS_PER_WEEK, self.costs
        priced, seconds, visits = self._visits.pop((station, lot.identity), _NO_VISITS)
        spent = ended - started
        if station in self.closures:
            spent -= closed_ticks(self.closures[station], started, ended)
        ticks = self._unit_times[station].ticks(lot, spent, seconds)
        costs.at_station(station, lot, visits[0][2] if visits else lot.n_alive, started, ended, ticks)
        for place, work, alive, scrapped, false_rejects in visits:
            if work.materials or work.energy_kwh or work.heat_kwh:
                costs.at_place(place, lot, work, week, priced)
            if scrapped:
                if false_rejects:
                    self._note_false_rejects(lot, place, false_rejects, alive)
                if self.modes is not None:
                    rows = sum(number for _, number in scrapped)
                    self.modes.scrapped(place, lot, rows, alive, cells_per_row(lot), ended)
                costs.scrapped(lot, scrapped, alive, week, place)
        if self.book is not None:
            self.book.advance(station, ended, ticks, started)

    def finished(self, sink: str, lot: Lot, now: int) -> None:
        """Book the good cells of a lot, sold or (while the line is requalified) not."""
        week, good = now // TICKS_PER_WEEK, lot.n_alive
        self._count_machine_losses(week, sink, lot)
        key = (week, lot.product)
        energy = lot.attributes.get("good_energy_kwh", 0.0)
        self.costs.finished(lot, good, energy, week, sink)
        self._inside.pop(lot.identity, None)
        self.by_line.finished(sink, lot, good, energy, week)
        if self.recorder is not None:
            self.recorder.left(lot, SOLD if lot.sellable else UNSOLD)
        if lot.sellable:
            self.cells_good[key] = self.cells_good.get(key, 0) + good
            self.good_kwh[key] = self.good_kwh.get(key, 0.0) + energy
            self.racks.setdefault(lot.product, Racks()).add(lot)
            self.by_buyer.finished(lot, week)
            self.escaped_cells += int(lot.attributes.get("escapes", 0.0))
            for name, value in lot.attributes.items():
                if name.startswith("escapes_"):
                    mechanism = name.removeprefix("escapes_")
                    self.escapes[mechanism] = self.escapes.get(mechanism, 0) + int(value)
        else:
            self.cells_unsold[key] = self.cells_unsold.get(key, 0) + good

    def expired(self, place: str, lot: Lot, now: int) -> None:
        """Scrap what is left of a lot that overstayed or was cleared out."""
        week, alive = now // TICKS_PER_WEEK, lot.n_alive
        self._count_machine_losses(week, place, lot)
        lot.scrap(np.ones(lot.n, dtype=np.bool_), EXPIRED)
        self._count(week, place, lot, alive, _losses(lot))
        self.costs.scrapped(lot, [(EXPIRED, alive)], alive, week, place)
        if self.recorder is not None:
            self.recorder.passed(place, lot)
            self.recorder.left(lot, SCRAPPED)

    # ---- inside ---------------------------------------------------------------------------------------------

    def _tell_scrap(self, now: int) -> None:
        """Tell the ramp of the weeks that are over: worth of cells begun and lost, electrodes included."""
        assert self.book is not None
        while self._scrap_due <= now:
            week = self._scrap_due // TICKS_PER_WEEK - 1
            lost = self.tally.lost(week)
            electrodes = math.fsum(cells for place, cells in lost.items() if self.materials.get(place) != "cell")
            started = sum(number for (when, _), number in self.cells_started.items() if when == week)
            self.book.scrap_of_week(started + electrodes, math.fsum(lost.values()))
            self._scrap_due += TICKS_PER_WEEK

    @property
    def cells_inside(self) -> int:
        """Living cells still in the line."""
        return sum(self._inside.values())

    def cells_now(self) -> dict[str, int]:
        """Cells inside, and those sold, not sold and scrapped so far."""
        return {
            "inside": self.cells_inside,
            "good": sum(self.cells_good.values()),
            "unsold": sum(self.cells_unsold.values()),
            "scrapped": sum(self.cells_scrapped.values()),
        }

    def _become(self, place: str, parents: Sequence[Lot], alive_before: Sequence[int], made: Lot, week: int) -> None:
        """Parents turn into another lot: what they leave behind is scrapped, what they are worth goes on."""
        for parent, alive in zip(parents, alive_before, strict=True):
            lost = _losses(parent)
            remnant = int(made.attributes.get(f"{parent.material}_remnant_cells", 0.0))
            if remnant:
                lost.append((REMNANT, remnant))
            for code, rows in lost:
                # A remnant has no partner because the partner was scrapped: the lost cell has been counted there.
                cells = 0.0 if code == REMNANT else rows * cells_per_row(parent)
                self.tally.scrap(week, parent.product, place, code, rows, cells)
            if lost:
                self.costs.scrapped(parent, lost, alive, week, place)
        self.costs.became(parents, made)
        if self.recorder is not None:
            self.recorder.made(place, parents, made)
        returned = made.attributes.get("kg_returned", 0.0) - sum(p.attributes.get("kg_returned", 0.0) for p in parents)
        if returned > 0.0 and made.material != "cell":
            self.costs.give_back_powder(made, returned, week, place)
        if made.material == "cell":
            key = (week, made.product)
            self.cells_started[key] = self.cells_started.get(key, 0) + made.n
            self._inside[made.identity] = made.n
            self.by_line.made(place, made, week)

    def _count(self, week: int, place: str, lot: Lot, alive: int, scrapped: Sequence[tuple[int, int]]) -> None:
        if place not in self.row_units:
            self.materials[place] = lot.material
            self.row_units[place] = "cells" if lot.material == "cell" else "charges" if lot.unit == "kg" else "segments"
        lost = 0
        if scrapped:
            per_row = cells_per_row(lot)
            for code, rows in scrapped:
                lost += rows
                self.tally.scrap(week, lot.product, place, code, rows, rows * per_row)
        self.tally.step(week, lot.product, place, alive, lost)
        if lost and lot.identity in self._inside:
            key = (week, lot.product)
            self.cells_scrapped[key] = self.cells_scrapped.get(key, 0) + lost
            self._inside[lot.identity] -= lost
            self.by_line.lost(lot, lost, week)

    def _count_machine_losses(self, week: int, place: str, lot: Lot) -> None:
        """Book rows that failing machines threw away since the last step (fate: scrap)."""
        if not lot.losses:
            return
        losses = _losses(lot)
        if losses and self.recorder is not None:
            self.recorder.passed(place, lot)
        alive = lot.n_alive + sum(rows for _, rows in losses)
        self.costs.scrapped(lot, losses, alive, week, place)
        for code, rows in losses:
            self._count(week, place, lot, alive, [(code, rows)])
            alive -= rows

    def _note_false_rejects(self, lot: Lot, place: str, found: Mapping[str, int], alive: int) -> None:
        for reason, rows in found.items():
            key = (lot.product, place, reason)
            before, usd = self.false_rejects.get(key, (0, 0.0))
            self.false_rejects[key] = (before + rows, usd + lot.value_usd * rows / alive)


def cells_per_row(lot: Lot) -> float:
    """Cells that are lost with one row: a segment is one of the pieces of a cell, a charge its share of the roll."""
    if lot.material == "cell":
        return 1.0
    facts = lot.attributes
    pieces = facts.get("pieces_per_cell", 1.0)
    if lot.unit != "kg":
        return 1.0 / pieces
    return facts.get("lanes", 0.0) * facts.get("planned_positions", 0.0) / pieces / lot.n


def _losses(lot: Lot) -> list[tuple[int, int]]:
    """(cause, rows) of what has been scrapped since the last look."""
    losses, lot.losses = lot.losses, []
    return losses
