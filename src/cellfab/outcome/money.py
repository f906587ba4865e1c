"""What cells cost and earned in one replicate."""

from __future__ import annotations

import math

from cellfab.core.ledger import Holding
from cellfab.economics.cash_flow import QUARTER_WEEKS
from cellfab.economics.credits import whole_material_assistance
from cellfab.economics.period_cost import WORKING_CAPITAL
from cellfab.economics.price import price_usd
from cellfab.economics.statement import Period, total
from cellfab.economics.tariffs import TARIFFS
from cellfab.outcome.books import Books
from cellfab.plant import Plant
from cellfab.result import NOTHING_SOLD, Kpi

_PER_KWH = ("USD/kWh", NOTHING_SOLD)


def money_kpis(books: Books) -> dict[str, Kpi]:
    """Cost, income and energy bought, per kWh sold or in all."""
    plant, whole = books.plant, total(books.periods)
    last_quarter = total(books.periods, books.weeks - QUARTER_WEEKS, books.weeks)
    return {
        "cost_usd_per_kwh": Kpi.known(whole.usd_per_kwh, *_PER_KWH),
        "cash_cost_usd_per_kwh": Kpi.known(whole.cash_usd_per_kwh, *_PER_KWH),
        "price_usd_per_kwh": Kpi.ratio(price_usd(whole, plant.economics), whole.good_kwh, *_PER_KWH),
        "net_cost_usd_per_kwh": Kpi.known(whole.net_usd_per_kwh, *_PER_KWH),
        "cost_usd_per_kwh_last_quarter": Kpi.known(last_quarter.usd_per_kwh, *_PER_KWH),
        "cash_cost_usd_per_kwh_last_quarter": Kpi.known(last_quarter.cash_usd_per_kwh, *_PER_KWH),
        "energy_kwh_per_kwh": Kpi.known(whole.energy_kwh_per_kwh, "kWh/kWh", NOTHING_SOLD),
        "scrap_cost_usd": Kpi(whole.by_holding.get(Holding.SCRAP, 0.0) + whole.recycling_usd, "USD"),
        "recycling_musd": Kpi(whole.recycling_usd / 1e6, "MUSD"),
        "tariffs_musd": Kpi(_of_accounts(whole, TARIFFS) / 1e6, "MUSD"),
        "sales_musd": _sales(whole, plant),
        "credits_musd": Kpi(whole.credits_usd / 1e6, "MUSD"),
        "working_capital_musd": Kpi(_working_capital_usd(plant) / 1e6, "MUSD"),
        "material_assistance_share": _material_assistance(plant),
        "false_reject_cost_usd": _false_rejects(plant),
    }


def unpriced(plant: Plant) -> str:
    """Why there are no sales; empty if every product has a price."""
    prices = plant.scenario.spec.sale_prices()
    missing = [f"'{name}'" for name in plant.scenario.spec.products if name not in prices]
    return f"sale_price_usd_per_kwh of {', '.join(missing)} is not given" if missing else ""


def _of_accounts(period: Period, prefix: str) -> float:
    return math.fsum(usd for account, usd in period.by_account.items() if account.startswith(prefix))


def _sales(period: Period, plant: Plant) -> Kpi:
    reason = unpriced(plant)
    return Kpi.known(None if reason else period.sales_usd / 1e6, "MUSD", reason)


def _working_capital_usd(plant: Plant) -> float:
    """Mean over the weeks of the money bound in stock, work in progress and bills."""
    bound = [debit.quantity for debit in plant.ledger.debits() if debit.account == WORKING_CAPITAL]
    return math.fsum(bound) / len(bound) if bound else 0.0


def _material_assistance(plant: Plant) -> Kpi:
    """Least material assistance cost ratio of any product over the run, by its strictest credit."""
    rules = [credit.material_assistance for credit in plant.economics.credits.values()]
    known = [
        whole_material_assistance(plant.ledger, plant.scenario.spec.materials, rule.prohibited_origins)
        for rule in rules
        if rule is not None
    ]
    ratios = [ratio for by_product in known for ratio in by_product.values()]
    if not ratios:
        return Kpi(None, "1", reason="no credit asks where materials come from, or nothing was sold")
    return Kpi(min(ratios), "1")


def _false_rejects(plant: Plant) -> Kpi:
    """Value of the sound rows that inspections threw away, as far as steps tell which were sound."""
    if not plant.false_rejects:
        return Kpi(None, "USD", reason="no step tells which of the rows that it rejects are sound")
    return Kpi(math.fsum(usd for _, usd in plant.false_rejects.values()), "USD")
