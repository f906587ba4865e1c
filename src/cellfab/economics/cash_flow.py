"""Money by the week in which it moves, and what a flow of money is worth: present value, rate of return, payback.

Cost is posted when something is used and income when cells are finished; here both are dated when they are paid
(`cellfab.economics.terms`). Capital counts when it is spent; the yearly charges for it and for working capital do not
count, for discounting is what they stand for. Before tax, in the dollars of `economics.currency_year`, without a value
of the plant at the end.

After the run the plant goes on for `economics.valuation.after_run_years` years as in its last quarter: the same cells,
materials, people and energy a week, at the prices, duties and credits of their dates (an assumption: what the line has
learned by then stays, and nothing more is learned).
"""

from __future__ import annotations

import datetime
import itertools
import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cellfab.config.economics_spec import Economics
from cellfab.config.materials_spec import Material
from cellfab.config.schedule import Schedule
from cellfab.core.ledger import ENERGY_UNIT, SALES, Holding, Ledger
from cellfab.economics.capital import WEEKS_PER_YEAR, net_present_value
from cellfab.economics.consumables import CONSUMABLES
from cellfab.economics.credits import AT_SALE_PRICE, material_assistance, sold_kwh
from cellfab.economics.period_cost import CAPITAL_ACCOUNTS, ELECTRICITY, HEAT, MATERIALS
from cellfab.economics.prices import WeeklyPrices
from cellfab.economics.recycling import RECYCLING, SCRAP_FREIGHT
from cellfab.economics.statement import Period
from cellfab.economics.tariffs import TARIFFS, weekly_duties
from cellfab.economics.terms import CREDITS, payment_delay

QUARTER_WEEKS = 13
_RATES = np.concatenate((np.linspace(-0.95, 1.0, 196), np.geomspace(1.02, 100.0, 200)))
"""Yearly rates among which a rate of return is looked for: steps of 0.01 up to 1, of 2.3 % above."""
_PRECISION = 1e-10
"""Of a rate of return."""
_Put = Callable[[str, str, Iterable[float]], None]
"""account, unit, usd of every week after the run"""


@dataclass(frozen=True)
class CashFlow:
    """Money by week, usd; receipts and payments are both positive.

    Attributes
    ----------
    sales, credits, recycling : tuple of float
        Received. Money for scrap is negative where it must be disposed of.
    operating, capital : tuple of float
        Paid.
    simulated_weeks : int
        Weeks of the run; what is paid later is owed by then, or belongs to the years after it.
    """

    sales: tuple[float, ...]
    credits: tuple[float, ...]
    recycling: tuple[float, ...]
    operating: tuple[float, ...]
    capital: tuple[float, ...]
    simulated_weeks: int

    @property
    def net(self) -> list[float]:
        """Received less paid, by week."""
        parts = zip(self.sales, self.credits, self.recycling, self.operating, self.capital, strict=True)
        return [sales + credits + scrap - costs - capital for sales, credits, scrap, costs, capital in parts]


def cash_flow(
    ledger: Ledger,
    economics: Economics,
    materials: Mapping[str, Material],
    prices: WeeklyPrices,
    sale: Mapping[str, Schedule],
    start: datetime.date,
    weeks: float,
    capital_usd: Mapping[int, float],
    ratios: Mapping[tuple[int, str], float] = AT_SALE_PRICE,
) -> CashFlow:
    """The cash flow of a run and of the years after it.

    Parameters
    ----------
    ledger : Ledger
        After the run, with sales, credits and recycling booked.
    economics : Economics
    materials : mapping of name to Material
    prices : WeeklyPrices
        Of the run.
    sale : mapping of product to Schedule
        $/kWh at the plant's gate.
    start : date
        First day of week 0.
    weeks : float
        Length of the run; the last one may be a part of a week.
    capital_usd : mapping of week to usd
        Capital when it is spent.
    ratios : mapping of (week, product) to float
        What buyers paid on average, over the sale price; 1 for what is not in it. Those of the last quarter go on.

    Raises
    ------
    ValueError
        If a schedule has no value in the years after the run.
    """
    accrued = _accrued(ledger)
    simulated = math.ceil(weeks)
    after = round(economics.valuation.after_run_years * WEEKS_PER_YEAR)
    if after:
        _go_on(accrued, ledger, economics, materials, prices, sale, start, weeks, after, ratios)
    delays = {account: payment_delay(account, unit, economics) for account, unit in accrued.units.items()}
    length = max([simulated + after, *capital_usd], default=0) + max([0, *delays.values()]) + 1
    flows = {name: [0.0] * length for name in ("sales", "credits", "recycling", "operating")}
    for (week, account), usd in accrued.usd.items():
        # What would have been paid before the first week is paid in it.
        flows[_kind(account)][max(0, week + delays[account])] += usd
    capital = [capital_usd.get(week, 0.0) for week in range(length)]
    last = max((w for w, values in enumerate(zip(capital, *flows.values(), strict=True)) if any(values)), default=-1)
    end = max(simulated, last + 1)
    return CashFlow(
        sales=tuple(flows["sales"][:end]),
        credits=tuple(flows["credits"][:end]),
        recycling=tuple(flows["recycling"][:end]),
        operating=tuple(flows["operating"][:end]),
        capital=tuple(capital[:end]),
        simulated_weeks=simulated,
    )


# ---- what a flow is worth ---------------------------------------------------------------------------------------


def present_value(net: Sequence[float], share_per_year: float) -> float:
    """Present value at the start of weekly flows, each in the middle of its week: sum of c (1 + i) ** -t.

    Parameters
    ----------
    net : sequence of float
        By week from 0, in any money unit.
    share_per_year : float
        Discount rate i, above -1.
    """
    return net_present_value(zip(_years(len(net)).tolist(), net, strict=True), share_per_year)


def rate_of_return(net: Sequence[float]) -> tuple[float | None, str]:
    """Internal rate of return a year: the discount rate at which the present value is zero; else None and why.

    Looked for between -95 % and 10 000 % a year. A flow that changes its sign more than once can have several rates of
    return, and then none of them means anything.
    """
    weekly = np.asarray(net, np.float64)
    if not (np.any(weekly > 0.0) and np.any(weekly < 0.0)):
        return None, "money flows one way only"
    years = _years(len(weekly))

    def value(rate: float) -> float:
        return float(np.sum(weekly * (1.0 + rate) ** -years))

    values = [value(rate) for rate in _RATES]
    crossed = [place for place, (low, high) in enumerate(itertools.pairwise(values)) if (low < 0.0) != (high < 0.0)]
    if not crossed:
        return None, "no rate between -95 % and 10 000 % a year makes the present value zero"
    if len(crossed) > 1:
        return None, "the present value is zero at more than one rate"
    low, high = float(_RATES[crossed[0]]), float(_RATES[crossed[0] + 1])
    steps, negative = round((high - low) / _PRECISION), values[crossed[0]] < 0.0
    step = bisect_left(range(steps), True, key=lambda step: (value(low + step * _PRECISION) < 0.0) != negative)
    return low + step * _PRECISION, ""


def payback_weeks(flow: CashFlow) -> tuple[float | None, str]:
    """Weeks from the first capital spent until the money is back for good; else None and why.

    Back: the sum of all flows is again what it was before the first spend, and stays there. Not discounted.
    """
    first = next((week for week, usd in enumerate(flow.capital) if usd > 0.0), None)
    if first is None:
        return None, "no capital is spent"
    total = list(itertools.accumulate(flow.net))
    level = total[first - 1] if first else 0.0
    out = [week for week in range(first, len(total)) if total[week] < level]
    if not out:
        return 0.0, ""
    if out[-1] == len(total) - 1:
        return None, "the money is not back at the end of the years that are valued"
    return float(out[-1] + 2 - first), ""


def levelised_usd_per_kwh(periods: Mapping[int, Period], share_per_year: float) -> float | None:
    """Levelised full cost over a ramp or a conversion; None where nothing was sold.

        sum of full cost (1 + i) ** -t  /  sum of good kWh (1 + i) ** -t

    With the yearly charge for capital, whose present value over its life is the capital itself, so that runs of any
    length can be compared.
    """
    weights = {week: (1.0 + share_per_year) ** (-(week + 0.5) / WEEKS_PER_YEAR) for week in periods}
    kwh = math.fsum(period.good_kwh * weights[week] for week, period in periods.items())
    usd = math.fsum(period.full_cost_usd * weights[week] for week, period in periods.items())
    return usd / kwh if kwh > 0.0 else None


def cash_burnt_in_scrap_usd(ledger: Ledger) -> float:
    """Materials, people, energy and services in what was thrown away, with its freight, less what recyclers paid."""
    held = (item for item in ledger.held() if item.holding is Holding.SCRAP and item.account not in CAPITAL_ACCOUNTS)
    freight = (debit.usd for debit in ledger.debits() if debit.account == SCRAP_FREIGHT)
    paid = (income.usd for income in ledger.incomes() if income.account.startswith(RECYCLING))
    return math.fsum(item.usd for item in held) + math.fsum(freight) - math.fsum(paid)


def _years(weeks: int) -> npt.NDArray[np.float64]:
    """The middle of each week."""
    return (np.arange(weeks, dtype=np.float64) + 0.5) / np.float64(WEEKS_PER_YEAR)


# ---- what is earned and used, by week --------------------------------------------------------------------------


@dataclass(frozen=True)
class _Accrued:
    """Money by week and account as it was earned and used, and the unit of each account."""

    usd: dict[tuple[int, str], float]
    units: dict[str, str]

    def add(self, week: int, account: str, unit: str, usd: float) -> None:
        self.usd[week, account] = self.usd.get((week, account), 0.0) + usd
        self.units[account] = unit

    def mean(self, account: str, weeks: Iterable[int], length: float) -> float:
        """Per week."""
        return math.fsum(self.usd.get((week, account), 0.0) for week in weeks) / length


def _accrued(ledger: Ledger) -> _Accrued:
    found = _Accrued({}, {})
    for debit in ledger.debits():
        if debit.account not in CAPITAL_ACCOUNTS:
            found.add(debit.week, debit.account, debit.unit, debit.usd)
    for held in ledger.held():
        if held.holding is Holding.RETURNED and held.account not in CAPITAL_ACCOUNTS:
            found.add(held.week, held.account, held.unit, -held.usd)
    for income in ledger.incomes():
        found.add(income.week, income.account, income.unit, income.usd)
    return found


def _go_on(
    accrued: _Accrued,
    ledger: Ledger,
    economics: Economics,
    materials: Mapping[str, Material],
    prices: WeeklyPrices,
    sale: Mapping[str, Schedule],
    start: datetime.date,
    weeks: float,
    after: int,
    ratios: Mapping[tuple[int, str], float],
) -> None:
    """Add the weeks after the run: the mean of its last quarter at the prices of their dates."""
    simulated = math.ceil(weeks)
    quarter = range(max(0, simulated - QUARTER_WEEKS), simulated)
    length = len(quarter) - (simulated - weeks)
    later = start + datetime.timedelta(weeks=simulated)

    def put(account: str, unit: str, usd: Iterable[float]) -> None:
        for week, amount in enumerate(usd, start=simulated):
            if amount:
                accrued.add(week, account, unit, amount)

    bought = {
        name: _relative(prices.materials[name], quarter, material.price_usd.weekly(later, after))
        for name, material in materials.items()
        if f"{MATERIALS}{name}" in accrued.units
    }
    duties = weekly_duties(economics.tariffs, {name: materials[name] for name in bought}, later, after)
    others = {
        ELECTRICITY: _relative(prices.electricity, quarter, economics.electricity_usd_per_kwh.weekly(later, after)),
        HEAT: _relative(prices.heat, quarter, economics.heat_usd_per_kwh.weekly(later, after)),
    }
    for name, one in economics.consumables.items():
        later_usd = one.price_usd.weekly(later, after)
        others[f"{CONSUMABLES}{name}"] = _relative(prices.consumables[name], quarter, later_usd)
    for account, unit in list(accrued.units.items()):
        mean = accrued.mean(account, quarter, length)
        if account.startswith((CREDITS, TARIFFS)) or account == SALES:
            continue
        name = account.removeprefix(MATERIALS).removeprefix(RECYCLING)
        factors = bought.get(name) if account.startswith((MATERIALS, RECYCLING)) else others.get(account)
        put(account, unit, (mean * factor for factor in factors or itertools.repeat(1.0, after)))
        if account.startswith(MATERIALS) and name in duties:
            paid = (mean * factor * duty for factor, duty in zip(bought[name], duties[name], strict=True))
            put(f"{TARIFFS}{name}", "usd", paid)
    _sell_on(put, ledger, economics, materials, sale, quarter, length, later, after, ratios)


def _sell_on(
    put: _Put,
    ledger: Ledger,
    economics: Economics,
    materials: Mapping[str, Material],
    sale: Mapping[str, Schedule],
    quarter: range,
    length: float,
    later: datetime.date,
    after: int,
    ratios: Mapping[tuple[int, str], float],
) -> None:
    """Sales and credits of the weeks after the run; a product goes on to earn a credit as long as its materials may."""
    sold: dict[str, float] = {}
    paid: dict[str, float] = {}
    for (week, product), kwh in sold_kwh(ledger).items():
        if week in quarter:
            sold[product] = sold.get(product, 0.0) + kwh / length
            paid[product] = paid.get(product, 0.0) + kwh * ratios.get((week, product), 1.0) / length
    for product, kwh in paid.items():
        if product in sale:
            put(SALES, ENERGY_UNIT, [kwh * price for price in sale[product].weekly(later, after)])
    for name, credit in economics.credits.items():
        rates = credit.usd_per_kwh.weekly(later, after)
        rule = credit.material_assistance
        least = [0.0] * after if rule is None else rule.least_share.weekly(later, after)
        shares = {} if rule is None else material_assistance(ledger, materials, rule.prohibited_origins)
        for product, kwh in sold.items():
            ratio = min((shares[week, product] for week in quarter if (week, product) in shares), default=1.0)
            earned = (
                kwh * credit.sales_share * rate if ratio >= limit else 0.0
                for rate, limit in zip(rates, least, strict=True)
            )  # fmt: skip
            put(f"{CREDITS}{name}", ENERGY_UNIT, earned)


def _relative(before: Sequence[float], quarter: range, after: Sequence[float]) -> list[float]:
    """Prices of the weeks after over the mean of the quarter before them; 1 where that is nothing."""
    mean = math.fsum(before[week] for week in quarter) / len(quarter)
    return [price / mean if mean else 1.0 for price in after]


def _kind(account: str) -> str:
    if account == SALES:
        return "sales"
    if account.startswith(CREDITS):
        return "credits"
    return "recycling" if account.startswith(RECYCLING) else "operating"
