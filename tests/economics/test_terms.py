"""One rule of when money moves, in the ledger and in the cash flow."""

from __future__ import annotations

import pytest

from cellfab.config.economics_spec import Economics
from cellfab.config.policy_spec import Credit, WorkingCapital
from cellfab.economics.terms import payment_delay
from cellfab.outcome.books import Books
from cellfab.replicate import simulate
from cellfab.scenario import load_scenario

ECONOMICS = Economics(
    currency_year=2026,
    working_capital=WorkingCapital(materials_d=30, goods_d=14, receivables_d=42, payables_d=45),
    credits={"cell": Credit(usd_per_kwh=35, paid_after_months=6)},
)


@pytest.mark.parametrize(
    ("account", "unit", "weeks"),
    [
        ("sales", "kWh", 8),
        ("credits.cell", "kWh", round(2 + 26.09)),
        ("materials.lfp", "kg", 2),
        ("tariff.lfp", "usd", 2),
        ("consumables.knives", "pieces", 6),
        ("electricity", "kWh", 6),
        ("labour", "h", 0),
        ("labour.maintenance", "h", 0),
        ("recycling.lfp", "kg", 0),
    ],
)
def test_weeks_to_the_payment(account, unit, weeks):
    assert payment_delay(account, unit, ECONOMICS) == weeks


def test_the_ledger_dates_income_as_the_cash_flow_does(small_plant):
    options = [
        *small_plant, "run.horizon_h=1344", "ramp=null",
        "economics.valuation.after_run_years=0", "economics.working_capital.goods_d=10",
    ]  # fmt: skip
    done = simulate(load_scenario("ev_4680_dry", options), 1)
    flow = Books(done.plant, 8, ()).cash_flow
    received = dict(done.plant.ledger.received())
    by_week = [sum(parts) for parts in zip(flow.sales, flow.credits, flow.recycling, strict=True)]
    assert sum(flow.sales) > 0.0
    assert sum(flow.credits) > 0.0
    for week, usd in enumerate(by_week):
        assert usd == pytest.approx(received.get(week, 0.0), abs=0.01)
    assert sum(received.values()) == pytest.approx(sum(by_week))
