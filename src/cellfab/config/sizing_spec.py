"""How a plant got its size: whole machines, or a power law; never both in one scenario."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from cellfab.config.line_spec import Station, StationEconomics, station_units
from cellfab.config.spec import Spec
from cellfab.config.tree_path import TreePath

Positive = Annotated[float, Field(gt=0.0)]
NonNegative = Annotated[float, Field(ge=0.0)]
Method = Literal["machines", "power_law"]

AT: TreePath = ("economics", "sizing")
_ROUNDING = 0.005
"""Of capital: what `machines x price` and the station's total may differ by, both written to a few digits."""


class Sizing(Spec):
    """What `cellfab size` has done, so that nothing is scaled a second time by another law.

    machines: capital is a whole number of machines times the price of one, so scale comes from filling machines.
    power_law: capital, labour and floor follow BatPaC's exponents, which hold that effect on average already.
    """

    method: Method
    gwh_per_year: Positive
    """Good output that the plant was sized for."""
    reserve_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    """Room beyond that, at every station, for what stations lose by waiting for one another."""
    oee: str = ""
    """Where effectiveness came from: the name of a run's folder; empty: mature availability in closed form."""
    machine_price_ratio: Positive = 1.0
    """Price of a machine over what the plant had for it that was sized: the same machines bought elsewhere."""
    machine_price_musd: dict[str, NonNegative] = {}
    """machines: price of one machine (position, place in a store) by station."""
    scaled_from_gwh_per_year: Positive | None = None
    """power_law: output of the plant whose money was scaled."""


class SizingProblem(NamedTuple):
    """Where sizing contradicts itself, what is wrong, what to do."""

    path: TreePath
    message: str
    hint: str = ""


def sizing_problems(sizing: Sizing | None, stations: Mapping[str, Station]) -> Iterator[SizingProblem]:
    """Marks of one method in a scenario that was sized by the other, and totals that are not machines times price."""
    if sizing is None:
        return
    if sizing.method == "power_law":
        if sizing.machine_price_musd:
            message = (
                "a power law has its economies of scale in the exponents; with a price per machine they count twice"
            )
            yield SizingProblem((*AT, "machine_price_musd"), message, "remove it, or write method: machines")
        return
    if sizing.scaled_from_gwh_per_year is not None:
        message = "capital is machines times price here, so nothing was scaled by a power law"
        yield SizingProblem((*AT, "scaled_from_gwh_per_year"), message, "remove it, or write method: power_law")
    for name, price in sizing.machine_price_musd.items():
        station = stations.get(name)
        if station is None:
            yield SizingProblem((*AT, "machine_price_musd", name), f"the line has no station '{name}'")
        else:
            yield from _total(name, price, station_units(station), station.economics)


def _total(name: str, price_musd: float, count: float, economics: StationEconomics) -> Iterator[SizingProblem]:
    total = price_musd * count
    if abs(economics.capex_musd - total) > _ROUNDING * max(total, economics.capex_musd):
        message = (
            f"the plant is sized by machines, and {count:g} of {price_musd:.4g} M$ are {total:.4g} M$,"
            f" not {economics.capex_musd:.4g}"
        )
        hint = f"write {total:.4g}, or let `cellfab size` write the station anew"
        yield SizingProblem(("line", "stations", name, "economics", "capex_musd"), message, hint)
