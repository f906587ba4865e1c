"""Money bound in stock, work in progress and bills, and the interest on it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from cellfab.config.economics_spec import Economics
from cellfab.core.ledger import ENERGY_UNIT, SALES, Holding, Ledger
from cellfab.economics.capital import WEEKS_PER_YEAR
from cellfab.economics.consumables import CONSUMABLES
from cellfab.economics.period_cost import MATERIALS, PLANT, WORKING_CAPITAL
from cellfab.economics.tariffs import TARIFFS
from cellfab.economics.terms import CREDITS, DAYS_PER_WEEK


def bound_capital(ledger: Ledger, economics: Economics, weeks: int) -> list[float]:
    """Money bound at the end of each week, usd.

        materials in stock + work in progress + finished goods + owed by customers and treasury - owed to suppliers

    Stock and bills of so many days are what was used or finished in the days before; work in progress and what is not
    yet paid are as in the ledger. Customers and treasury owe from the sale on: what is finished and still in stock is
    bound at its cost, not at its price. Where the scenario has no sale price, customers owe what the goods cost. Never
    negative: suppliers who finance more than the whole stock leave nothing bound.

    Parameters
    ----------
    ledger : Ledger
        With sales and credits booked.
    """
    terms = economics.working_capital
    used, supplied, goods, unsold, progress = ([0.0] * weeks for _ in range(5))
    for debit in ledger.debits():
        if debit.account.startswith((MATERIALS, TARIFFS)):
            used[debit.week] += debit.usd
        if debit.account.startswith((MATERIALS, TARIFFS, CONSUMABLES)) or debit.unit == ENERGY_UNIT:
            supplied[debit.week] += debit.usd
        progress[debit.week] += debit.usd
    for held in ledger.held():
        progress[held.week] -= held.usd
        if held.holding is Holding.FINISHED_GOOD:
            goods[held.week] += held.usd
    owed = [0.0] * weeks
    priced = False
    for income in ledger.incomes():
        owed[income.week] += income.usd
        priced = priced or income.account == SALES
        if income.account == SALES or income.account.startswith(CREDITS):
            unsold[income.week] += income.usd
    for week, usd in ledger.received():
        if week < weeks:
            owed[week] -= usd
    bound = []
    for week in range(weeks):
        money = (
            trailing(used, week, terms.materials_d)
            + math.fsum(progress[: week + 1])
            + trailing(goods, week, terms.goods_d)
            + math.fsum(owed[: week + 1])
            - trailing(unsold, week, terms.goods_d)
            - trailing(supplied, week, terms.payables_d)
        )
        if not priced:
            money += trailing(goods, week, terms.receivables_d)
        bound.append(max(0.0, money))
    return bound


def charge_interest(ledger: Ledger, economics: Economics, weeks: int, last_part: float = 1.0) -> None:
    """Post the weekly interest on the capital bound: expensed, in full cost but not in cash cost.

    Call it once, when all else has been posted.

    Parameters
    ----------
    last_part : float
        Share of the last week that was simulated, 0-1.
    """
    interest = economics.working_capital.interest_share_per_year
    share = economics.capital.interest_share_per_year if interest is None else interest
    for week, usd in enumerate(bound_capital(ledger, economics, weeks)):
        part = last_part if week == weeks - 1 else 1.0
        if usd and share:
            ledger.charge(week, PLANT, WORKING_CAPITAL, usd * part, "usd", usd * part * share / WEEKS_PER_YEAR)


def trailing(weekly: Sequence[float], week: int, days: float) -> float:
    """Sum over the last `days` days up to the end of a week; of the oldest week the share that lies within."""
    total, left = 0.0, days / DAYS_PER_WEEK
    while left > 0.0 and week >= 0:
        total += min(1.0, left) * weekly[week]
        left -= 1.0
        week -= 1
    return total
