"""What a plant pays and earns in each week of a fleet's run: prices by date, duties, tax credits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.economics.capital import WEEKS_PER_YEAR
from cellfab.economics.consumables import CONSUMABLES
from cellfab.economics.period_cost import ELECTRICITY, HEAT, MATERIALS
from cellfab.economics.prices import WeeklyPrices, weekly_prices
from cellfab.fleet.contracts import Promised, promised
from cellfab.fleet.file import LoadedFleet
from cellfab.fleet.market import Buyers, Offer
from cellfab.fleet.response import Response

Floats = npt.NDArray[np.float64]


class PlantTerms(NamedTuple):
    """Money of one plant by week.

    Attributes
    ----------
    lot_usd : array, shape (weeks, maturity)
        What a lot takes: materials with their duties, energy, consumables.
    credit_usd_per_kwh : array, shape (weeks,)
        Of all tax credits that it earns on what it sells.
    assistance_share : array, shape (weeks,)
        Direct material that is not from prohibited origins.
    promised : sequence of Promised
        By week, under contracts.
    """

    lot_usd: Floats
    credit_usd_per_kwh: Floats
    assistance_share: Floats
    promised: Sequence[Promised]


class Landed(NamedTuple):
    """A supplier by week: kWh a week (infinite without a limit), and the price with duty and freight."""

    name: str
    kwh: Floats
    usd_per_kwh: Floats


class MarketTerms(NamedTuple):
    """Buyers and suppliers by week.

    Attributes
    ----------
    wanted : mapping of str to array, shape (weeks,)
        kWh a week at the reference price.
    reference : mapping of str to array, shape (weeks,)
    elasticity : mapping of str to float
    suppliers : tuple of Landed
    parity : array, shape (weeks,), or None
    """

    wanted: Mapping[str, Floats]
    reference: Mapping[str, Floats]
    elasticity: Mapping[str, float]
    suppliers: tuple[Landed, ...]
    parity: Floats | None

    def buyers(self, week: int) -> list[Buyers]:
        """Demand of a week."""
        return [
            Buyers(name, float(self.wanted[name][week]), float(self.reference[name][week]), self.elasticity[name])
            for name in self.wanted
        ]

    def offers(self, week: int) -> list[Offer]:
        """What the suppliers offer in a week."""
        return [Offer(one.name, float(one.kwh[week]), float(one.usd_per_kwh[week])) for one in self.suppliers]


def kwh_per_week(gwh_per_year: list[float]) -> Floats:
    """Energy a week of a rate by the year."""
    return np.array(gwh_per_year) * 1e6 / WEEKS_PER_YEAR


def market_terms(fleet: LoadedFleet) -> MarketTerms:
    """Buyers and suppliers of every week."""
    spec, start, weeks = fleet.spec.fleet, fleet.start, fleet.weeks
    suppliers = []
    for name, one in spec.suppliers.items():
        duty = np.full(weeks, one.base_duty_share)
        for tariff in one.tariffs:
            duty += fleet.spec.economics.tariffs[tariff].share.weekly(start, weeks)
        price = np.array(one.price_usd_per_kwh.weekly(start, weeks)) * (1.0 + duty) + one.freight_usd_per_kwh
        limit = np.full(weeks, math.inf)
        if one.gwh_per_year is not None:
            limit = kwh_per_week(one.gwh_per_year.weekly(start, weeks))
        suppliers.append(Landed(name, limit, price))
    buyers = spec.buyers
    parity = next((one.usd_per_kwh for one in suppliers if one.name == spec.parity), None)
    return MarketTerms(
        {n: one.factor * kwh_per_week(one.gwh_per_year.weekly(start, weeks)) for n, one in buyers.items()},
        {n: np.array(one.reference_price_usd_per_kwh.weekly(start, weeks)) for n, one in buyers.items()},
        {n: one.elasticity_factor for n, one in buyers.items()},
        tuple(suppliers),
        parity,
    )


def plant_terms(fleet: LoadedFleet, plant: str, response: Response) -> PlantTerms:
    """Money of a plant in every week: its scenario's prices by date, the fleet's duties and credits."""
    scenario, weeks, start = fleet.scenarios[plant], fleet.weeks, fleet.start
    economics = scenario.spec.economics
    assert economics is not None, "a plant without economics has been refused"
    policy = fleet.spec.economics
    prices = weekly_prices(
        economics.model_copy(update={"tariffs": policy.tariffs}), scenario.spec.materials, start, weeks
    )
    lot_usd = np.zeros((weeks, len(response.kwh_per_lot)))
    for account, quantity in response.use.items():
        lot_usd += np.outer(_price(account, prices), quantity)
    share, chosen = fleet.spec.fleet.material_assistance_share, fleet.spec.fleet.plants[plant].credits
    earned = np.zeros(weeks)
    lowest = np.ones(weeks)
    for name, credit in policy.credits.items():
        if chosen is not None and name not in chosen:
            continue
        rate = credit.sales_share * np.array(credit.usd_per_kwh.weekly(start, weeks))
        rule = credit.material_assistance
        if rule is not None:
            own = _assistance(fleet, plant, response, prices, rule.prohibited_origins)
            assistance = own if share is None else np.array(share.weekly(start, weeks))
            rate = np.where(assistance >= np.array(rule.least_share.weekly(start, weeks)), rate, 0.0)
            lowest = np.minimum(lowest, assistance)
        earned += rate
    return PlantTerms(lot_usd, earned, lowest, promised(fleet.spec.fleet.plants[plant].contracts, start, weeks))


def _price(account: str, prices: WeeklyPrices) -> Floats:
    """Of one unit of what an account counts, by week, duties included."""
    weeks = prices.weeks - 1
    if account == ELECTRICITY:
        return np.array(prices.electricity[:weeks])
    if account == HEAT:
        return np.array(prices.heat[:weeks])
    if account.startswith(CONSUMABLES):
        return np.array(prices.consumables[account.removeprefix(CONSUMABLES)][:weeks])
    material = account.removeprefix(MATERIALS)
    duty = prices.duties.get(material, [0.0] * prices.weeks)
    return np.array(prices.materials[material][:weeks]) * (1.0 + np.array(duty[:weeks]))


def _assistance(
    fleet: LoadedFleet, plant: str, response: Response, prices: WeeklyPrices, prohibited: tuple[str, ...]
) -> Floats:
    """Share of direct material cost that is not from prohibited origins: of what a mature lot takes, without duty."""
    materials = fleet.scenarios[plant].spec.materials
    whole = np.zeros(prices.weeks - 1)
    banned = np.zeros_like(whole)
    for account, quantity in response.use.items():
        if account.startswith(MATERIALS):
            name = account.removeprefix(MATERIALS)
            usd = quantity[-1] * np.array(prices.materials[name][: prices.weeks - 1])
            whole += usd
            banned += usd * materials[name].share_from(prohibited)
    return 1.0 - banned / whole
