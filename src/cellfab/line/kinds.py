"""Kinds of station: how long a lot takes. To add one, write the class and enter it in `KINDS`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from cellfab.core.lot import Lot
from cellfab.errors import ConfigError
from cellfab.line.ahead import MACHINE_FAILURE
from cellfab.line.chain import ChainStation
from cellfab.line.channels import ChannelsStation
from cellfab.line.dwell import DwellStation
from cellfab.line.physics import Processed
from cellfab.line.stations import Station
from cellfab.line.units import Unit
from cellfab.units import to_ticks

if TYPE_CHECKING:
    from cellfab.line.line_run import LineRun
    from cellfab.line.nodes import Giver


class SerialStation(Station):
    """One machine, one part after the other: a lot takes one cycle per living row."""

    __slots__ = ("_cycle", "_ends", "_rows_of", "_scraps")

    def __init__(self, line: LineRun, name: str, order: int, spec: Any) -> None:
        super().__init__(line, name, order, spec)
        if spec.cycle is None:
            raise ConfigError(f"serial station '{name}' needs a cycle or machines")
        self._cycle = self.duration(spec.cycle, "cycle")
        self._scraps = any(mode.fate == "scrap" for mode in spec.failures.values())
        self._ends: dict[int, np.ndarray[Any, np.dtype[np.int64]]] = {}

    def work_ticks(self, unit: Unit, lots: list[Lot], alive: list[int], processed: list[Processed] | None) -> int:
        """One cycle per living row of the (first) lot; row k of the draw is the k-th part worked on."""
        rows, entity, factor = alive[0], lots[0].identity, 1.0 / self.pace.rate
        if rows == 1:
            return self._cycle.ticks(entity, 0, factor)
        if not self._scraps and self._cycle.fixed is not None:
            return self._cycle.ticks(entity, 0, factor) * rows
        ends = np.cumsum(self._cycle.each(entity, rows, factor))
        if self._scraps:
            self._ends[unit.index] = ends
        return int(ends[-1]) if rows else 0

    def lose_part(self, unit: Unit, elapsed: int) -> int | None:
        """Only the part in the machine is thrown away; the rest of the lot goes on."""
        ends = self._ends.get(unit.index)
        lot = unit.lots[0]
        if ends is None or lot.n_alive <= 1 or len(unit.lots) > 1:
            return None
        part = int(np.searchsorted(ends, elapsed, side="right"))
        lost = np.zeros(lot.n, dtype=np.bool_)
        lost[np.flatnonzero(lot.alive())[: part + 1][-1]] = True
        self.rows_scrapped += lot.scrap(lost, MACHINE_FAILURE)
        self._ends[unit.index] = np.delete(ends, part)
        return int(ends[-1] - ends[part])


class BatchStation(Station):
    """Holds all lots that are together for one cycle, or for as many as their rows need."""

    __slots__ = ("_cycle",)

    def __init__(self, line: LineRun, name: str, order: int, spec: Any) -> None:
        super().__init__(line, name, order, spec)
        self._cycle = self.duration(spec.cycle, "cycle")
        self.lots_wanted = spec.batch_lots

    def work_ticks(self, unit: Unit, lots: list[Lot], alive: list[int], processed: list[Processed] | None) -> int:
        """Cycle times of one charge after the other, drawn for the first lot."""
        charges = self.spec.charges_per_cycle
        cycles = 1 if charges is None else math.ceil(sum(alive) / charges)
        entity, factor = lots[0].identity, 1.0 / self.pace.rate
        return sum(self._cycle.ticks(entity, row, factor) for row in range(cycles))


class WebStation(Station):
    """Roll to roll: a lot takes its length over the speed, or longer if its recipe wants so, and a splice before it."""

    own_rate_limits = True
    __slots__ = ("_speed", "_splice")

    def __init__(self, line: LineRun, name: str, order: int, spec: Any) -> None:
        super().__init__(line, name, order, spec)
        self._speed = spec.speed_m_per_min / 60.0
        self._splice = None if spec.splice is None else self.duration(spec.splice, "splice")

    def setup_ticks(self, unit: Unit, lots: list[Lot]) -> int:
        """The stop at the roll change."""
        return 0 if self._splice is None else self._splice.ticks(lots[0].identity)

    def work_ticks(self, unit: Unit, lots: list[Lot], alive: list[int], processed: list[Processed] | None) -> int:
        """Length over speed."""
        length = self._length_m(lots[0])
        return to_ticks(length / (self._speed * self.pace.rate))

    def _length_m(self, lot: Lot) -> float:
        length = lot.attributes.get("length_m")
        if length is not None:
            return length
        if lot.unit != "m":
            raise ConfigError(f"web station '{self.name}' takes metres, and is fed a lot of {lot.amount:g} {lot.unit}")
        return lot.amount


KINDS: dict[str, type[Giver]] = {
    "serial": SerialStation,
    "batch": BatchStation,
    "web": WebStation,
    "channels": ChannelsStation,
    "dwell": DwellStation,
}
"""The station class behind each `kind` of a config."""


def station_class(spec: Any) -> type[Giver]:
    """The class that runs a station as configured."""
    if spec.kind == "serial" and spec.machines:
        return ChainStation
    return KINDS[spec.kind]
