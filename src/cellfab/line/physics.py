"""What the line asks of the ramp and of the cell physics: the one joint between how time passes and what happens to
cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy.typing as npt

from cellfab.core.lot import Lot
from cellfab.ramp.pace import Pace


@dataclass(slots=True)
class Processed:
    """The answer to `Physics.process`.

    Attributes
    ----------
    lot : Lot
        What leaves the station.
    seconds : float or None
        Time the step's recipe takes; None: the station's own rate decides. On a web the slower of the two counts.
    stops_s : float
        Further standstill in which the lot is in the station (web breaks and their rethreading).
    exit_machine : ndarray of int64, shape (lot.n,), or None
        Chains only: index of the machine after which each row leaves; the number of machines if it goes through;
        -1 if it was dead on arrival and never enters.
    """

    lot: Lot
    seconds: float | None = None
    stops_s: float = 0.0
    exit_machine: npt.NDArray[Any] | None = None


class Ramping(Protocol):
    """How fast and how reliable stations are, which learns from their work. Asked once per lot and station."""

    def begins(self, station: str, now: int) -> None:
        """A station that was not there at the start comes alive; it is asked for its pace afterwards."""

    def pace(self, station: str, now: int) -> Pace:
        """Ramp factors of a station at tick `now`."""

    def worked(self, station: str, lot: Lot, started: int, ended: int) -> None:
        """The station has finished the lot; `ended - started` ticks were spent on it, stops included."""


class Physics(Ramping, Protocol):
    """What happens to cells, asked once per lot and station. A bare line has none (`physics=None`)."""

    def process(self, station: str, lots: Sequence[Lot], now: int) -> Processed:
        """Let the station's step (or its machines' steps) act on one lot, or on the lots to be merged."""

    def finished(self, sink: str, lot: Lot, now: int) -> None:
        """The lot has reached a sink."""

    def expired(self, place: str, lot: Lot, now: int) -> None:
        """The lot is thrown away: overstayed, in a machine that failed (fate scrap), or without a living row."""
