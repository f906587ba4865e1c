"""Sales and tax credits: what a kWh sold earns, on the day it is sold, if cell and materials qualify."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from cellfab.config.economics_spec import Economics
from cellfab.config.materials_spec import Material
from cellfab.config.schedule import Schedule
from cellfab.core.ledger import ENERGY_UNIT, SALES, Holding, Ledger
from cellfab.economics.period_cost import MATERIALS, PLANT
from cellfab.economics.terms import CREDITS, payment_delay

AT_SALE_PRICE: Mapping[tuple[int, str], float] = MappingProxyType({})
"""Nobody pays more or less than the product's sale price."""


class Shortfall(NamedTuple):
    """Weeks in which a product earned no credit because of where its materials came from."""

    credit: str
    product: str
    first_week: int
    weeks: int
    ratio: float
    """Least material assistance cost ratio in those weeks."""
    least: float
    """What it should have been, in that week."""
    lost_usd: float


def book_sales(
    ledger: Ledger,
    economics: Economics,
    sale: Mapping[str, Schedule],
    start: datetime.date,
    weeks: int,
    ratios: Mapping[tuple[int, str], float] = AT_SALE_PRICE,
) -> None:
    """Book the cells finished for sale at the week's price, paid once they are sold; nothing of a product without one.

    Parameters
    ----------
    ledger : Ledger
        After the run.
    economics : Economics
    sale : mapping of product to Schedule
        $/kWh at the plant's gate.
    start : date
        First day of week 0.
    weeks : int
    ratios : mapping of (week, product) to float
        What buyers paid on average, over the sale price; 1 for what is not in it.
    """
    prices = {product: schedule.weekly(start, weeks) for product, schedule in sale.items()}
    later = payment_delay(SALES, ENERGY_UNIT, economics)
    for release in list(ledger.releases(Holding.FINISHED_GOOD)):
        if release.product in prices:
            # What is finished in the last instant of the run falls into the week after it.
            ratio = ratios.get((release.week, release.product), 1.0)
            usd = release.energy_kwh * prices[release.product][min(release.week, weeks - 1)] * ratio
            to = (release.week, release.place, SALES, release.product)
            ledger.earn(*to, release.energy_kwh, ENERGY_UNIT, usd, release.week + later)


def book_credits(
    ledger: Ledger, economics: Economics, materials: Mapping[str, Material], start: datetime.date, weeks: int
) -> list[Shortfall]:
    """Book every tax credit on the kWh sold in each week, by product; tell where the material rule took it away.

    Parameters
    ----------
    ledger : Ledger
        After the run.
    economics : Economics
    materials : mapping of name to Material
    start : date
        First day of week 0: a cell is taken to be sold in the week in which it is finished.
    weeks : int

    Returns
    -------
    list of Shortfall
        One for each credit and product that lost a week.
    """
    sold = sold_kwh(ledger)
    shortfalls = []
    for name, credit in economics.credits.items():
        rates = credit.usd_per_kwh.weekly(start, weeks)
        rule = credit.material_assistance
        least = [0.0] * weeks if rule is None else rule.least_share.weekly(start, weeks)
        ratios = {} if rule is None else material_assistance(ledger, materials, rule.prohibited_origins)
        later = payment_delay(f"{CREDITS}{name}", ENERGY_UNIT, economics)
        lost: dict[str, list[tuple[int, float]]] = {}
        for (week, product), kwh in sold.items():
            usd = kwh * credit.sales_share * rates[week]
            if usd == 0.0:
                continue
            if ratios.get((week, product), 1.0) < least[week]:
                lost.setdefault(product, []).append((week, usd))
                continue
            to = (week, PLANT, f"{CREDITS}{name}", product)
            ledger.earn(*to, kwh * credit.sales_share, ENERGY_UNIT, usd, week + later)
        for product, missed in lost.items():
            worst = min((week for week, _ in missed), key=lambda week: ratios[week, product])
            usd = math.fsum(usd for _, usd in missed)
            shortfalls.append(
                Shortfall(name, product, missed[0][0], len(missed), ratios[worst, product], least[worst], usd)
            )
    return shortfalls


def sold_kwh(ledger: Ledger) -> dict[tuple[int, str], float]:
    """Energy of the cells finished for sale, by week and product, in order."""
    sold: dict[tuple[int, str], float] = {}
    for release in ledger.releases(Holding.FINISHED_GOOD):
        if release.energy_kwh:
            key = (release.week, release.product)
            sold[key] = sold.get(key, 0.0) + release.energy_kwh
    return dict(sorted(sold.items()))


def material_assistance(
    ledger: Ledger, materials: Mapping[str, Material], prohibited: tuple[str, ...]
) -> dict[tuple[int, str], float]:
    """Material assistance cost ratio of the cells sold, by week and product.

        ratio = (direct material cost - what of it comes from prohibited origins) / direct material cost

    Direct material is what is in the cells sold, at its price without duty; what was scrapped does not count (26 USC
    45X(c) speaks of the component sold).
    """
    costs = _direct_material(ledger, materials, prohibited)
    return {key: 1.0 - banned / whole for key, (whole, banned) in costs.items() if whole > 0.0}


def whole_material_assistance(
    ledger: Ledger, materials: Mapping[str, Material], prohibited: tuple[str, ...]
) -> dict[str, float]:
    """The same over all weeks, by product."""
    sums: dict[str, tuple[float, float]] = {}
    for (_, product), (whole, banned) in _direct_material(ledger, materials, prohibited).items():
        before = sums.get(product, (0.0, 0.0))
        sums[product] = (before[0] + whole, before[1] + banned)
    return {product: 1.0 - banned / whole for product, (whole, banned) in sums.items() if whole > 0.0}


def _direct_material(
    ledger: Ledger, materials: Mapping[str, Material], prohibited: tuple[str, ...]
) -> dict[tuple[int, str], tuple[float, float]]:
    """Material in the cells sold, and what of it comes from prohibited origins, usd, by week and product."""
    costs: dict[tuple[int, str], tuple[float, float]] = {}
    for held in ledger.held():
        if held.holding is Holding.FINISHED_GOOD and held.account.startswith(MATERIALS):
            key = (held.week, held.product)
            banned = held.usd * materials[held.account.removeprefix(MATERIALS)].share_from(prohibited)
            before = costs.get(key, (0.0, 0.0))
            costs[key] = (before[0] + held.usd, before[1] + banned)
    return costs
