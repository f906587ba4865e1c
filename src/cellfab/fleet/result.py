"""What a fleet's run gives back: tables by plant and week and by quarter, and key figures."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from cellfab.fleet.file import LoadedFleet
from cellfab.fleet.replicate import PLANT_COLUMNS, FleetReplicate, FleetTerms, LineLife
from cellfab.fleet.terms import market_terms
from cellfab.outcome.curves import WeeklyCurve
from cellfab.result import Kpi

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Money = TypeVar("Money", float, Floats)

TABLES: dict[str, dict[str, str]] = {
    "plants": {
        "replicate": "", "plant": "", "week": "from the first day of the run",
        "capacity_mwh": "good cells that could be sold in the week, MWh",
        "sold_mwh": "of them sold, MWh", "contract_mwh": "of them under contracts, MWh",
        "short_mwh": "promised in contracts and not delivered, MWh",
        "unsold_mwh": "good cells made before the release, which nobody may buy, MWh",
        "variable_usd": "materials with duties, energy, consumables of what was made, USD",
        "fixed_usd": "people, equipment, building, maintenance, overhead: whether anything is made or not, USD",
        "capital_usd": "the part of fixed_usd that is a charge for equipment and building, USD",
        "sales_usd": "at the prices of contracts and of the market, USD",
        "credits_usd": "tax credits on what was sold, USD",
        "maturity": "mean of the lines that make cells, 0-1", "lines": "lines that make cells",
    },
    "market": {
        "replicate": "", "quarter": "such as 2028Q2: that of the first day of each week",
        "wanted_gwh": "what buyers would take at their reference prices, GWh", "bought_gwh": "what they took, GWh",
        "fleet_gwh": "of that from the plants of the fleet, GWh",
        "unused_gwh": "what released lines could have made and did not, GWh",
        "price_usd_per_kwh": "market's price, mean over what was bought, USD/kWh",
        "parity_usd_per_kwh": "landed price of the supplier named as parity, mean of the weeks, USD/kWh",
        "credits_usd": "tax credits paid to the fleet, USD",
    },
    "sellers": {
        "replicate": "", "quarter": "", "seller": "plant or supplier", "kind": "plant or supplier", "gwh": "sold, GWh",
    },
    "buyers": {
        "replicate": "", "quarter": "", "buyer": "", "wanted_gwh": "at the reference price, GWh",
        "bought_gwh": "at the price of each week, GWh",
    },
    "lines": {
        "replicate": "", "plant": "", "line": "number in the plant, from 1",
        "stop_week": "from here on the line's cost counts; weeks from the first day, negative before it",
        "restart_week": "first lot of the product", "release_week": "what is begun from here on may be sold",
        "first_sale_week": "the first of them have passed the last test",
    },
}  # fmt: skip
"""Columns of each table in order, and what they hold."""

FLEET_CURVES = {
    "price_usd_per_kwh": "USD/kWh",
    "capacity_mwh": "MWh",
    "sold_mwh": "MWh",
    "margin_musd": "MUSD",
}
"""Figures of the whole fleet by week, and their units."""


@dataclass(frozen=True)
class FleetResult:
    """All replicates of one fleet.

    Attributes
    ----------
    name, digest, description : str
    seed, replicates : int
    start : date
    kpi : mapping of str to Kpi
    tables : mapping of str to DataFrame
        As `TABLES` has them.
    ev_gwh_per_year : mapping of plant to array, shape (weeks,)
        What its other lines make for cars, as written; in no table and no market.
    texts : mapping of plant to str
    responses : tuple of mapping
        What was measured of each scenario: scenario, digest, product, gwh_per_year, effectiveness, and kwh_per_lot and
        good cells of those begun by maturity.
    manifest, timing : mapping
    """

    name: str
    digest: str
    description: str
    seed: int
    replicates: int
    start: datetime.date
    kpi: Mapping[str, Kpi]
    tables: Mapping[str, pd.DataFrame]
    ev_gwh_per_year: Mapping[str, Floats]
    texts: Mapping[str, str]
    responses: tuple[Mapping[str, Any], ...]
    manifest: Mapping[str, Any]
    timing: Mapping[str, float]


def quarter_of(day: datetime.date) -> str:
    """The calendar quarter of a day: "2028Q2"."""
    return f"{day.year}Q{(day.month + 2) // 3}"


def days_of(start: datetime.date, weeks: int) -> list[datetime.date]:
    """First day of each week."""
    return [start + datetime.timedelta(weeks=week) for week in range(weeks)]


class _Span:
    """Weeks put together to quarters or years."""

    def __init__(self, start: datetime.date, weeks: int, name: Callable[[datetime.date], str]) -> None:
        named = [name(day) for day in days_of(start, weeks)]
        self.names = list(dict.fromkeys(named))
        self._first = [named.index(one) for one in self.names]

    def sums(self, values: Floats) -> Floats:
        return np.add.reduceat(values, self._first)

    def means(self, values: Floats) -> Floats:
        return self.sums(values) / self.sums(np.ones_like(values))


def table_rows(terms: FleetTerms, found: Sequence[FleetReplicate]) -> dict[str, pd.DataFrame]:
    """The tables of all replicates."""
    import pandas as pd

    weeks, start = terms.fleet.weeks, terms.fleet.start
    quarters = _Span(start, weeks, quarter_of)
    rows: dict[str, list[pd.DataFrame]] = {name: [] for name in TABLES}
    for number, one in enumerate(found):
        for plant, columns in one.plants.items():
            rows["plants"].append(pd.DataFrame({"plant": plant, "week": np.arange(weeks), **columns}))
        rows["market"].append(pd.DataFrame(_market(terms, one, quarters)))
        for seller, mwh in one.sellers.items():
            kind = "plant" if seller in one.plants else "supplier"
            gwh = quarters.sums(mwh) / 1e3
            rows["sellers"].append(
                pd.DataFrame({"quarter": quarters.names, "seller": seller, "kind": kind, "gwh": gwh})
            )
        for buyer, mwh in one.buyers.items():
            wanted, bought = quarters.sums(terms.market.wanted[buyer]) / 1e6, quarters.sums(mwh) / 1e3
            rows["buyers"].append(
                pd.DataFrame({"quarter": quarters.names, "buyer": buyer, "wanted_gwh": wanted, "bought_gwh": bought})
            )
        rows["lines"].append(pd.DataFrame(one.lives, columns=list(LineLife._fields)))
        for frames in rows.values():
            for frame in frames:
                if "replicate" not in frame:
                    frame.insert(0, "replicate", number)
    return {name: pd.concat(frames, ignore_index=True)[list(TABLES[name])] for name, frames in rows.items()}


def _market(terms: FleetTerms, one: FleetReplicate, span: _Span) -> dict[str, Any]:
    bought = np.sum(list(one.buyers.values()), axis=0)
    wanted = np.sum(list(terms.market.wanted.values()), axis=0)
    sums = {column: np.sum([of[column] for of in one.plants.values()], axis=0) for column in PLANT_COLUMNS}
    parity = terms.market.parity
    with np.errstate(invalid="ignore", divide="ignore"):
        price = span.sums(one.price * bought) / span.sums(bought)
    return {
        "quarter": span.names,
        "wanted_gwh": span.sums(wanted) / 1e6,
        "bought_gwh": span.sums(bought) / 1e3,
        "fleet_gwh": span.sums(sums["sold_mwh"]) / 1e3,
        "unused_gwh": span.sums(sums["capacity_mwh"] - sums["sold_mwh"]) / 1e3,
        "price_usd_per_kwh": price,
        "parity_usd_per_kwh": np.full(len(span.names), math.nan) if parity is None else span.means(parity),
        "credits_usd": span.sums(sums["credits_usd"]),
    }


def replicate_kpis(terms: FleetTerms, one: FleetReplicate) -> dict[str, Kpi]:
    """Key figures of one replicate: of all years together, of each year, and of each plant."""
    years = _Span(terms.fleet.start, terms.fleet.weeks, lambda day: str(day.year))
    whole = _Span(terms.fleet.start, terms.fleet.weeks, lambda _: "")
    kpis = {name.removesuffix("."): kpi for name, kpi in _figures(terms, one, whole)}
    kpis |= dict(_figures(terms, one, years))
    for plant, columns in one.plants.items():
        total = {name: math.fsum(columns[name]) for name in PLANT_COLUMNS}
        kpis[f"sold_gwh.plant.{plant}"] = Kpi(total["sold_mwh"] / 1e3, "GWh")
        kpis[f"contract_gwh.plant.{plant}"] = Kpi(total["contract_mwh"] / 1e3, "GWh")
        kpis[f"short_gwh.plant.{plant}"] = Kpi(total["short_mwh"] / 1e3, "GWh")
        kpis[f"cost_usd_per_kwh.plant.{plant}"] = _per_kwh(
            total["variable_usd"] + total["fixed_usd"], total["sold_mwh"]
        )
        kpis[f"margin_musd.plant.{plant}"] = Kpi(_margin(total) / 1e6, "MUSD")
        released = [life.first_sale_week for life in one.lives if life.plant == plant]
        kpis[f"first_sale_week.plant.{plant}"] = Kpi(min(released), "weeks")
    return kpis


def figure_names(fleet: LoadedFleet) -> list[str]:
    """Names of the key figures of a fleet, known before it is run."""
    weeks = np.zeros(fleet.weeks)
    names = fleet.spec.fleet.plants
    still = FleetReplicate(
        plants={name: dict.fromkeys(PLANT_COLUMNS, weeks) for name in names},
        sellers={},
        buyers=dict.fromkeys(fleet.spec.fleet.buyers, weeks),
        price=weeks,
        lives=tuple(LineLife(name, 1, 0.0, 0.0, 0.0, 0.0) for name in names),
    )
    return list(replicate_kpis(FleetTerms(fleet, {}, {}, market_terms(fleet)), still))


def fleet_curves(one: FleetReplicate) -> dict[str, WeeklyCurve]:
    """What the whole fleet was week by week in one replicate: `FLEET_CURVES`."""
    sums = {column: np.sum([of[column] for of in one.plants.values()], axis=0) for column in PLANT_COLUMNS}
    found = {
        "price_usd_per_kwh": one.price,
        "capacity_mwh": sums["capacity_mwh"],
        "sold_mwh": sums["sold_mwh"],
        "margin_musd": _margin(sums) / 1e6,
    }
    return {name: WeeklyCurve(unit, tuple(found[name].tolist())) for name, unit in FLEET_CURVES.items()}


def _figures(terms: FleetTerms, one: FleetReplicate, span: _Span) -> Iterator[tuple[str, Kpi]]:
    sums = {column: span.sums(np.sum([of[column] for of in one.plants.values()], axis=0)) for column in PLANT_COLUMNS}
    weekly = np.sum(list(one.buyers.values()), axis=0)
    bought, paid = span.sums(weekly), span.sums(weekly * one.price)
    wanted = span.sums(np.sum(list(terms.market.wanted.values()), axis=0)) / 1e3
    parity = terms.market.parity
    for index, name in enumerate(span.names):
        of = {column: float(values[index]) for column, values in sums.items()}
        yield f"sold_gwh.{name}", Kpi(of["sold_mwh"] / 1e3, "GWh")
        yield f"contract_gwh.{name}", Kpi(of["contract_mwh"] / 1e3, "GWh")
        yield f"short_gwh.{name}", Kpi(of["short_mwh"] / 1e3, "GWh")
        yield f"unused_gwh.{name}", Kpi((of["capacity_mwh"] - of["sold_mwh"]) / 1e3, "GWh")
        yield f"wanted_gwh.{name}", Kpi(float(wanted[index]) / 1e3, "GWh")
        yield f"bought_gwh.{name}", Kpi(float(bought[index]) / 1e3, "GWh")
        share = of["sold_mwh"] / bought[index] if bought[index] else None
        yield f"served_share.{name}", Kpi(share, "1", reason="" if bought[index] else "nothing was bought")
        yield f"price_usd_per_kwh.{name}", _per_kwh(float(paid[index]) * 1e3, float(bought[index]))
        if parity is not None:
            yield f"parity_usd_per_kwh.{name}", Kpi(float(span.means(parity)[index]), "USD/kWh")
        yield f"credits_musd.{name}", Kpi(of["credits_usd"] / 1e6, "MUSD")
        yield f"cost_usd_per_kwh.{name}", _per_kwh(of["variable_usd"] + of["fixed_usd"], of["sold_mwh"])
        yield f"margin_musd.{name}", Kpi(_margin(of) / 1e6, "MUSD")


def _margin(of: Mapping[str, Money]) -> Money:
    """Sales and credits less all that it costs, the charge for capital included."""
    return of["sales_usd"] + of["credits_usd"] - of["variable_usd"] - of["fixed_usd"]


def _per_kwh(usd: float, mwh: float) -> Kpi:
    return Kpi(usd / (1e3 * mwh), "USD/kWh") if mwh else Kpi(None, "USD/kWh", reason="nothing was sold")
