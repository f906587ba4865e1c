"""A line that runs on what pilot lots showed, instead of drawing every cell.

A pilot passes every station once. What each station answered about it (time, stops, which rows were lost and where) is
kept, and `Replay` gives the same answers to the lots of a line, pilot after pilot. The flow stays what it was:
buffers, crews, breakdowns and blocking see lots of the pilots' sizes and yields. Only what the physics would draw anew
for each lot is shared by all lots that follow the same pilot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.config.copying import Layout
from cellfab.config.line_spec import Line
from cellfab.core.lot import ALIVE, Lot
from cellfab.line.physics import Physics, Processed
from cellfab.pilot import route, send, source_lots
from cellfab.ramp.pace import Pace

_PILOT = "pilot"
"""Attribute of a replayed lot: the pilot that it follows."""


class Visit(NamedTuple):
    """What one station made of one pilot."""

    new: bool
    """It became another lot (a web, cells), or several became one."""
    unit: str | None
    """Of the lot if the station changed it, else None; the same for the amount."""
    amount: float | None
    material: str
    rows: int
    dead: int
    exit_code: npt.NDArray[np.int16] | None
    attributes: Mapping[str, float]
    seconds: float | None
    stops_s: float
    exit_machine: npt.NDArray[np.int64] | None


class Replay:
    """Implements `cellfab.line.physics.Physics` by what pilots showed: every station at full maturity and pace.

    A lot follows the pilot of its ordinal, in turn; where lots merge, the lot made follows any pilot that came so far.
    Rows of the inputs that failing machines threw away before a merge are not missed in what is made of them.

    Parameters
    ----------
    physics : Physics
        Asked about the pilots only.
    line : Line
    product : str
    ordinals : sequence of int
        Lots of each source that serve as pilots; choose them over the whole run, since tools wear from lot to lot.
    layout : Layout, optional
        Of the plant that is to follow the pilots, if `line` is one of its lines.
    """

    def __init__(
        self, physics: Physics, line: Line, product: str, ordinals: Sequence[int], layout: Layout | None = None
    ) -> None:
        self._written = {} if layout is None else layout.written
        self._visits: dict[str, dict[int, Visit]] = {name: {} for name in line.stations}
        self._pilots = len(ordinals)
        stops = route(line)
        for number, ordinal in enumerate(ordinals):

            def act(station: str, lots: Sequence[Lot], number: int = number) -> Lot:
                before = lots[0].unit, lots[0].amount
                done = physics.process(station, lots, 0)
                self._visits[station][number] = _visit(lots[0], *before, done)
                return done.lot

            for _ in send(stops, source_lots(line, product, ordinal), act):
                pass

    def begins(self, station: str, now: int) -> None:
        """It is mature at once."""

    def pace(self, station: str, now: int) -> Pace:
        """Nominal."""
        return Pace()

    def process(self, station: str, lots: Sequence[Lot], now: int) -> Processed:
        """What the station answered about the pilot that the lot follows."""
        lot, visits = lots[0], self._visits[self._written.get(station, station)]
        if len(lots) == 1:
            number = int(lot.attributes.get(_PILOT, lot.ordinal % self._pilots))
        else:
            number = list(visits)[lot.ordinal % len(visits)] if visits else -1
        visit = visits.get(number)
        if visit is None:  # no pilot got as far as this merge
            lot.n_dead = lot.n
            return Processed(lot)
        if visit.new:
            lot = lot.child(station, n=visit.rows, unit=lot.unit, amount=lot.amount, others=tuple(lots[1:]))
        return _follow(lot, visit, number)

    def worked(self, station: str, lot: Lot, started: int, ended: int) -> None:
        """Nothing is posted."""

    def finished(self, sink: str, lot: Lot, now: int) -> None:
        """The line counts what arrives."""

    def expired(self, place: str, lot: Lot, now: int) -> None:
        """The line counts what is thrown away."""


def _visit(came: Lot, unit: str, amount: float, done: Processed) -> Visit:
    made = done.lot
    return Visit(
        new=made is not came,
        unit=made.unit if made.unit != unit else None,
        amount=made.amount if made.amount != amount else None,
        material=made.material,
        rows=made.n,
        dead=made.n_dead,
        exit_code=None if made.exit_code is None else made.exit_code.copy(),
        attributes=dict(made.attributes),
        seconds=done.seconds,
        stops_s=done.stops_s,
        exit_machine=done.exit_machine,
    )


def _follow(lot: Lot, visit: Visit, number: int) -> Processed:
    """Do to the lot what the station did to the pilot; rows that a breakdown has thrown away stay so."""
    codes, dead, exits = visit.exit_code, visit.dead, visit.exit_machine
    if codes is not None:
        codes = codes.copy()
    if lot.losses and lot.exit_code is not None:
        thrown = lot.exit_code != ALIVE
        codes = np.where(thrown, lot.exit_code, 0 if codes is None else codes).astype(np.int16)
        dead = int(np.count_nonzero(codes))
        exits = None if exits is None else np.where(thrown, -1, exits)
    lot.n, lot.n_dead, lot.exit_code, lot.material = visit.rows, dead, codes, visit.material
    if visit.unit is not None:
        lot.unit = visit.unit
    if visit.amount is not None:
        lot.amount = visit.amount
    lot.attributes = {**visit.attributes, _PILOT: number}
    return Processed(lot, visit.seconds, visit.stops_s, exits)
