"""From the ledger to cost per good kilowatt-hour, week by week and in total.

What is divided by the good energy of a period is the value that *left* in it: the goods finished, what was scrapped,
what was made for qualification, capacity that stood idle and cost of the period itself. That equals everything spent in
the period less the growth of work in progress (and less material given back to the store):

    cost of the period = spent - returned - (work in progress at its end - at its start)

so filling a line with two weeks of ageing cells does not look like a loss, nor emptying it like a gain. What recyclers
pay for scrap is taken off; sales and tax credits are not, they are another side of the books.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from cellfab.core.ledger import ENERGY_UNIT, Holding, Ledger
from cellfab.economics.period_cost import CAPITAL_ACCOUNTS
from cellfab.economics.recycling import RECYCLING


@dataclass(frozen=True, slots=True)
class Period:
    """Money and energy of one period (a week, or several).

    Attributes
    ----------
    spent_usd : float
        Everything posted, less material returned.
    full_cost_usd : float
        What the period's output bears: spent less the growth of work in progress; with capital charges, after what
        recyclers paid for scrap.
    cash_cost_usd : float
        The same without the yearly charge for equipment and building and without interest on working capital.
    cash_spent_usd : float
        Spent, without those charges: money that went out of the door.
    by_holding : dict of Holding to usd
        full_cost_usd by what became of it: finished goods, scrap (less what recyclers paid), qualification, idle
        capacity, expensed.
    by_account : dict of account to usd
        full_cost_usd by cost account; "recycling.MATERIAL" is negative where scrap has brought money.
    good_kwh : float
        Stored energy of the cells finished for sale.
    electricity_and_heat_kwh : float
        Spent in the period.
    sales_usd, credits_usd, recycling_usd : float
        Earned in the period, whenever it is paid: by cells sold, from tax credits, by scrap.
    """

    spent_usd: float
    full_cost_usd: float
    cash_cost_usd: float
    cash_spent_usd: float
    by_holding: dict[Holding, float]
    by_account: dict[str, float]
    good_kwh: float
    electricity_and_heat_kwh: float
    sales_usd: float = 0.0
    credits_usd: float = 0.0
    recycling_usd: float = 0.0

    @property
    def wip_growth_usd(self) -> float:
        """Growth of work in progress."""
        return self.spent_usd - self.full_cost_usd

    @property
    def usd_per_kwh(self) -> float | None:
        """Full cost per good kWh; None where nothing was finished for sale."""
        return self.full_cost_usd / self.good_kwh if self.good_kwh > 0.0 else None

    @property
    def cash_usd_per_kwh(self) -> float | None:
        """Cash cost per good kWh; None where nothing was finished for sale."""
        return self.cash_cost_usd / self.good_kwh if self.good_kwh > 0.0 else None

    @property
    def net_usd_per_kwh(self) -> float | None:
        """Full cost less tax credits, per good kWh; None where nothing was finished for sale."""
        return (self.full_cost_usd - self.credits_usd) / self.good_kwh if self.good_kwh > 0.0 else None

    @property
    def energy_kwh_per_kwh(self) -> float | None:
        """Electricity and heat per good kWh; None where nothing was finished for sale."""
        return self.electricity_and_heat_kwh / self.good_kwh if self.good_kwh > 0.0 else None


def weekly_periods(ledger: Ledger) -> dict[int, Period]:
    """One `Period` per week in which anything was posted, in order."""
    spent: dict[int, float] = defaultdict(float)
    cash: dict[int, float] = defaultdict(float)
    energy: dict[int, float] = defaultdict(float)
    good: dict[int, float] = defaultdict(float)
    by_holding: dict[int, dict[Holding, float]] = defaultdict(lambda: defaultdict(float))
    by_account: dict[int, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for debit in ledger.debits():
        spent[debit.week] += debit.usd
        if debit.account not in CAPITAL_ACCOUNTS:
            cash[debit.week] += debit.usd
        if debit.unit == ENERGY_UNIT:
            energy[debit.week] += debit.quantity
    for held in ledger.held():
        if held.holding is Holding.RETURNED:
            spent[held.week] -= held.usd
            cash[held.week] -= held.usd
        else:
            by_holding[held.week][held.holding] += held.usd
            by_account[held.week][held.account] += held.usd
    for release in ledger.releases(Holding.FINISHED_GOOD):
        good[release.week] += release.energy_kwh
    income: dict[int, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for earned in ledger.incomes():
        income[earned.week][earned.account.partition(".")[0]] += earned.usd
        if earned.account.startswith(RECYCLING):
            spent[earned.week] -= earned.usd
            cash[earned.week] -= earned.usd
            by_holding[earned.week][Holding.SCRAP] -= earned.usd
            by_account[earned.week][earned.account] -= earned.usd
    return {
        week: _period(
            spent[week], cash[week], by_holding[week], by_account[week], good[week], energy[week], income[week]
        )
        for week in sorted({*spent, *by_holding, *good})
    }  # fmt: skip


def total(periods: dict[int, Period], first_week: int = 0, last_week: int | None = None) -> Period:
    """The weeks from `first_week` to `last_week` (both included; None: to the end) as one period."""
    chosen = [
        period for week, period in periods.items() if week >= first_week and (last_week is None or week <= last_week)
    ]
    by_holding: dict[Holding, float] = defaultdict(float)
    by_account: dict[str, float] = defaultdict(float)
    income = {
        "sales": sum(period.sales_usd for period in chosen),
        "credits": sum(period.credits_usd for period in chosen),
        "recycling": sum(period.recycling_usd for period in chosen),
    }
    for period in chosen:
        for holding, usd in period.by_holding.items():
            by_holding[holding] += usd
        for account, usd in period.by_account.items():
            by_account[account] += usd
    return _period(
        sum(period.spent_usd for period in chosen),
        sum(period.cash_spent_usd for period in chosen),
        by_holding,
        by_account,
        sum(period.good_kwh for period in chosen),
        sum(period.electricity_and_heat_kwh for period in chosen),
        income,
    )


def _period(
    spent: float,
    cash_spent: float,
    by_holding: dict[Holding, float],
    by_account: dict[str, float],
    good_kwh: float,
    energy_kwh: float,
    income: Mapping[str, float],
) -> Period:
    full = sum(by_holding.values())
    capital = sum(by_account.get(account, 0.0) for account in sorted(CAPITAL_ACCOUNTS))
    return Period(
        spent, full, full - capital, cash_spent, dict(by_holding), dict(by_account), good_kwh, energy_kwh,
        income.get("sales", 0.0), income.get("credits", 0.0), income.get("recycling", 0.0),
    )  # fmt: skip
