"""The plan of a conversion: from the stop and the moment the line is empty to every later date."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from cellfab.config.conversion_spec import Conversion
from cellfab.units import TICKS_PER_WEEK


class PlannedPhase(NamedTuple):
    """One phase of the plan; `end` is None where it depends on lots still to be made."""

    name: str
    start: int
    end: int | None
    text: str


class CapitalSpend(NamedTuple):
    """Money spent on a station (or "plant") at a tick, in million dollars."""

    station: str
    tick: int
    musd: float


class ConversionPlan(NamedTuple):
    """Dates of a conversion in ticks.

    Attributes
    ----------
    stop, drained : int
        No new lots; nothing left inside.
    ready : mapping of station to int
        End of the station's rebuilding; a reused station is ready when the line is empty.
    restart : int
        First lot of the new product, after commissioning.
    release : int or None
        From here on what is finished may be sold; None: decided by the number of requalification lots.
    phases : tuple of PlannedPhase
    capital : tuple of CapitalSpend
        Spent when the work on the station begins.
    """

    stop: int
    drained: int
    ready: Mapping[str, int]
    restart: int
    release: int | None
    phases: tuple[PlannedPhase, ...]
    capital: tuple[CapitalSpend, ...]

    @property
    def capex_musd(self) -> float:
        """Money of all stations and of the plant."""
        return sum(spend.musd for spend in self.capital)


def plan(conversion: Conversion, stations: Iterable[str], stop: int, drained: int) -> ConversionPlan:
    """Every date of a conversion, once it is known when the line was empty.

    Parameters
    ----------
    conversion : Conversion
    stations : iterable of str
        All stations of the line.
    stop, drained : int
        Ticks at which the sources were stopped and the last lot left.

    Returns
    -------
    ConversionPlan
        With drained <= ready[station] <= restart <= release.
    """
    names = list(stations)
    stripped = drained + _ticks(conversion.strip_out_weeks)
    ready: dict[str, int] = {}
    capital = [CapitalSpend("plant", drained, conversion.shared_capex_musd)] if conversion.shared_capex_musd else []
    for name in names:
        task = conversion.task(name)
        ready[name] = drained if task.action == "reuse" else stripped + _ticks(task.duration_weeks)
        if task.capex_musd:
            capital.append(CapitalSpend(name, stripped, task.capex_musd))
    rebuilt = max([stripped, *ready.values()])
    restart = rebuilt + _ticks(conversion.commissioning_weeks)
    requalification = conversion.requalification
    release = None if requalification.duration_weeks is None else restart + _ticks(requalification.duration_weeks)
    longest = [name for name in names if ready[name] == rebuilt and conversion.task(name).action != "reuse"]
    phases = [
        PlannedPhase("drain", stop, drained, f"no new {conversion.product_from}; what is inside is finished"),
        PlannedPhase("strip out", drained, stripped, ""),
        PlannedPhase("rebuild", stripped, rebuilt, f"longest: {', '.join(longest)}" if longest else ""),
        PlannedPhase("commissioning", rebuilt, restart, ""),
        PlannedPhase("requalification", restart, release, f"{conversion.product_to} is made, not sold"),
    ]
    return ConversionPlan(
        stop, drained, ready, restart, release,
        tuple(phase for phase in phases if phase.end is None or phase.end > phase.start), tuple(capital),
    )  # fmt: skip


def _ticks(weeks: float) -> int:
    return round(weeks * TICKS_PER_WEEK)
