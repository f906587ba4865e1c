"""One replicate of a fleet: dates drawn, then week by week what each line could make, what the market takes, and money.

What a plant has promised in contracts its lines deliver first. The rest a line offers at its marginal cost: materials,
energy and consumables less the tax credit, for what is fixed goes on whether it runs or not. It offers at what that
will be once it is mature: what a young line loses by its scrap is the price of learning, and a line that waits for
better yields never has them. It makes what it sells; before its release it makes cells that nobody may buy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.errors import InvariantError
from cellfab.fleet.course import LineCourse, Potential, line_dates
from cellfab.fleet.file import LoadedFleet
from cellfab.fleet.market import Cleared, Offer, clear
from cellfab.fleet.response import Response
from cellfab.fleet.terms import MarketTerms, PlantTerms, market_terms, plant_terms
from cellfab.ramp.slips import slip_weeks, stream
from cellfab.units import TICKS_PER_WEEK

Floats = npt.NDArray[np.float64]
_TICKS_PER_DAY = TICKS_PER_WEEK // 7
_ROUNDING = 1e-9

PLANT_COLUMNS = (
    "capacity_mwh", "sold_mwh", "contract_mwh", "short_mwh", "unsold_mwh", "variable_usd", "fixed_usd", "capital_usd",
    "sales_usd", "credits_usd", "maturity", "lines",
)  # fmt: skip
"""Of `FleetReplicate.plants`: by plant and week."""


class LineLife(NamedTuple):
    """Dates of one line in weeks of the run, negative before it."""

    plant: str
    line: int
    stop_week: float
    restart_week: float
    release_week: float
    first_sale_week: float


class FleetReplicate(NamedTuple):
    """What one replicate left behind; energies in MWh, a week's.

    Attributes
    ----------
    plants : mapping of plant to mapping of column to array, shape (weeks,)
    sellers : mapping of seller to array, shape (weeks,)
        MWh sold, plants and suppliers.
    buyers : mapping of buyer to array, shape (weeks,)
        MWh bought.
    price : array, shape (weeks,)
        $/kWh.
    lives : tuple of LineLife
    """

    plants: Mapping[str, Mapping[str, Floats]]
    sellers: Mapping[str, Floats]
    buyers: Mapping[str, Floats]
    price: Floats
    lives: tuple[LineLife, ...]


class FleetTerms(NamedTuple):
    """What all replicates of a fleet have in common."""

    fleet: LoadedFleet
    responses: Mapping[str, Response]
    """By plant."""
    plants: Mapping[str, PlantTerms]
    market: MarketTerms


class _Line(NamedTuple):
    plant: str
    course: LineCourse
    capex_musd: float
    terms: PlantTerms
    columns: Mapping[str, Floats]


def fleet_terms(fleet: LoadedFleet, responses: Mapping[str, Response]) -> FleetTerms:
    """Prices, duties, credits, demand: all that has a date and no luck."""
    terms = {name: plant_terms(fleet, name, responses[name]) for name in fleet.spec.fleet.plants}
    return FleetTerms(fleet, responses, terms, market_terms(fleet))


def plant_seed(seed: int, plant: str) -> int:
    """Seed of the slips of one plant: plants that are converted by the same plan are not late together."""
    return int.from_bytes(blake2b(f"{seed}\x1ffleet\x1f{plant}".encode(), digest_size=7).digest(), "little")


def simulate_fleet(terms: FleetTerms, seed: int, replicate: int) -> FleetReplicate:
    """Run one replicate.

    Parameters
    ----------
    terms : FleetTerms
    seed, replicate : int
        Name every random number, together with the plant.

    Raises
    ------
    InvariantError
        If energy or credits do not add up.
    """
    fleet, market = terms.fleet, terms.market
    weeks = fleet.weeks
    plants: dict[str, dict[str, Floats]] = {
        name: {column: np.zeros(weeks) for column in PLANT_COLUMNS} for name in fleet.spec.fleet.plants
    }
    lines, lives = _lines(terms, seed, replicate, plants)
    sellers = {name: np.zeros(weeks) for name in (*plants, *(one.name for one in market.suppliers))}
    buyers = {name: np.zeros(weeks) for name in market.wanted}
    price = np.zeros(weeks)
    first = min(0, *(line.course.first_cell // TICKS_PER_WEEK for line in lines))
    for week in range(first, weeks):
        able = [line.course.potential(week) for line in lines]
        if week < 0:  # before the run everything is sold
            for line in lines:
                line.course.work(week, 1.0)
            continue
        promised = _promised(terms, plants, lines, able, week)
        offers = [_offer(line, could, firm, week) for line, could, firm in zip(lines, able, promised, strict=True)]
        cleared = clear([*offers, *market.offers(week)], market.buyers(week), math.fsum(promised))
        price[week] = cleared.price
        for supplier, kwh in zip(market.suppliers, cleared.sold[len(lines) :], strict=True):
            sellers[supplier.name][week] = kwh / 1e3
        for name, kwh in zip(buyers, cleared.bought, strict=True):
            buyers[name][week] = kwh / 1e3
        for line, could, firm, kwh in zip(lines, able, promised, cleared.sold, strict=False):
            _live(line, could, firm, kwh, week, cleared.price)
            sellers[line.plant][week] += (firm + kwh) / 1e3
        _check(plants, week, cleared, offers, math.fsum(promised))
    for columns in plants.values():
        running = columns["lines"] > 0.0
        columns["maturity"][running] /= columns["lines"][running]
    return FleetReplicate(plants, sellers, buyers, price, tuple(lives))


def _lines(
    terms: FleetTerms, seed: int, replicate: int, columns: Mapping[str, Mapping[str, Floats]]
) -> tuple[list[_Line], list[LineLife]]:
    """Every line of every plant with its dates in this replicate."""
    fleet, lines, lives = terms.fleet, [], []
    for name, plant in fleet.spec.fleet.plants.items():
        scenario, response = fleet.scenarios[name], terms.responses[name]
        own_seed, conversion = plant_seed(seed, name), scenario.spec.conversion
        late = fleet.spec.fleet.delay_weeks
        for slip, law in plant.slips.items():
            drawn = [stream(own_seed, "begins", slip, what, replicate + 1) for what in ("happens", "length")]
            late += float(slip_weeks(law, drawn[0], drawn[1])[replicate])
        begins = (fleet.begins(name) - fleet.start).days * _TICKS_PER_DAY + round(late * TICKS_PER_WEEK)
        dates = line_dates(scenario, own_seed, replicate)
        each = [(copy, one) for copy in range(plant.lines) for one in dates]
        gwh = plant.gwh_per_year / len(each)
        capex = 0.0 if conversion is None else _capex_musd(terms, name) * gwh
        for number, (copy, one) in enumerate(each, start=1):
            begin = begins + round(copy * plant.spacing_weeks * TICKS_PER_WEEK)
            scale = gwh / response.gwh_per_year
            course = LineCourse(response, scenario.spec.ramp, conversion, one, begin, scale)
            lines.append(_Line(name, course, capex, terms.plants[name], columns[name]))
            told = (course.dates.stop, course.dates.restart, course.dates.release, course.first_sale)
            at = [tick / TICKS_PER_WEEK for tick in told]
            lives.append(LineLife(name, number, *at))
    return lines, lives


def _capex_musd(terms: FleetTerms, plant: str) -> float:
    """Capital of a plant's conversion, million dollars for each GWh a year."""
    scenario, spec = terms.fleet.scenarios[plant], terms.fleet.spec.fleet.plants[plant]
    conversion = scenario.spec.conversion
    assert conversion is not None
    stations = scenario.one_line.spec.line.stations
    whole = conversion.shared_capex_musd + math.fsum(conversion.task(name).capex_musd for name in stations)
    whole += math.fsum(task.capex_musd or 0.0 for task in conversion.tasks.values())
    return whole / (spec.conversion_gwh_per_year or terms.responses[plant].gwh_per_year)


def _promised(
    terms: FleetTerms, plants: Mapping[str, Mapping[str, Floats]], lines: list[_Line], able: list[Potential], week: int
) -> list[float]:
    """kWh that each line delivers under its plant's contracts: as much as it can, in proportion to its lines."""
    sellable = dict.fromkeys(plants, 0.0)
    for line, could in zip(lines, able, strict=True):
        sellable[line.plant] += could.sellable_kwh
    shares = {}
    for name, could_sell in sellable.items():
        wanted = terms.plants[name].promised[week].kwh
        shares[name] = min(1.0, wanted / could_sell) if could_sell else 0.0
        plants[name]["short_mwh"][week] = max(0.0, wanted - could_sell) / 1e3
    return [shares[line.plant] * could.sellable_kwh for line, could in zip(lines, able, strict=True)]


def _offer(line: _Line, could: Potential, promised_kwh: float, week: int) -> Offer:
    """All that a line may still sell, at the marginal cost of the mature line less the credit."""
    terms, response = line.terms, line.course.response
    marginal = float(terms.lot_usd[week, -1] / response.kwh_per_lot[-1])
    return Offer(line.plant, could.sellable_kwh - promised_kwh, marginal - float(terms.credit_usd_per_kwh[week]))


def _live(line: _Line, could: Potential, promised_kwh: float, market_kwh: float, week: int, price: float) -> None:
    """A line has sold so much in a week: post it, and let the line learn from what it made."""
    columns = line.columns
    fixed, capital = line.course.fixed_usd(week, line.capex_musd)
    columns["fixed_usd"][week] += fixed
    columns["capital_usd"][week] += capital
    if could.kwh <= 0.0:
        return
    sold_kwh = promised_kwh + market_kwh
    unsold = could.kwh - could.sellable_kwh
    share = (unsold + sold_kwh) / could.kwh
    lot_usd = line.course.response.at(line.terms.lot_usd[week], could.maturity)
    columns["capacity_mwh"][week] += could.sellable_kwh / 1e3
    columns["sold_mwh"][week] += sold_kwh / 1e3
    columns["contract_mwh"][week] += promised_kwh / 1e3
    columns["unsold_mwh"][week] += unsold / 1e3
    columns["variable_usd"][week] += lot_usd * could.lots * share
    columns["sales_usd"][week] += promised_kwh * line.terms.promised[week].usd_per_kwh + market_kwh * price
    columns["credits_usd"][week] += sold_kwh * line.terms.credit_usd_per_kwh[week]
    columns["maturity"][week] += could.maturity
    columns["lines"][week] += 1.0
    line.course.work(week, share)


def _check(
    plants: Mapping[str, Mapping[str, Floats]], week: int, cleared: Cleared, offers: list[Offer], promised: float
) -> None:
    """What is bought is sold, nobody sells more than it can make, and nobody sells below what it asks."""
    sold, bought = promised + math.fsum(cleared.sold), math.fsum(cleared.bought)
    if abs(sold - bought) > _ROUNDING * max(sold, bought, 1.0):
        raise InvariantError(f"week {week}: {sold:g} kWh are sold and {bought:g} kWh are bought")
    for name, columns in plants.items():
        most = columns["capacity_mwh"][week]
        if columns["sold_mwh"][week] > most * (1.0 + _ROUNDING):
            raise InvariantError(f"week {week}: '{name}' sells {columns['sold_mwh'][week]:g} MWh of {most:g}")
    for offer, kwh in zip(offers, cleared.sold, strict=False):
        if kwh > 0.0 and cleared.price < offer.price - _ROUNDING * abs(offer.price):
            raise InvariantError(f"week {week}: {cleared.price:g} $/kWh for what is offered at {offer.price:g}")
