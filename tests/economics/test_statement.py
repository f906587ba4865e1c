"""Cost per good kWh from a small ledger, by hand."""

from __future__ import annotations

import pytest

from cellfab.core.ledger import Holding, Ledger
from cellfab.core.lot import Lot
from cellfab.economics.statement import total, weekly_periods
from cellfab.economics.views import spent_by


@pytest.fixture
def ledger():
    """Week 0 fills the line, week 1 finishes one lot of two, week 2 scraps the other."""
    ledger = Ledger()
    first, second = Lot(1, n=100, product="ess"), Lot(2, n=100, product="ess")
    used = [("materials.lfp", 10.0, "kg", 80.0), ("capital", 1.0, "usd", 20.0), ("electricity", 5.0, "kWh", 0.4)]
    for lot in (first, second):
        ledger.charge_lot(lot, 0, "mix", used)
    ledger.give_back(first, {"materials.lfp": 1.0}, 0, "mix")
    ledger.charge(0, "plant", "heat", 100.0, "kWh", 2.0)
    ledger.charge(1, "mix", "capital", 1.0, "usd", 15.0, Holding.IDLE_CAPACITY)
    ledger.scrap(first, 10, 100, 1, "weld", "cold_weld")
    ledger.finish(first, 90, 5.0, 1, "grade")
    ledger.scrap(second, 100, 100, 2, "age", "self_discharge")
    return ledger


def test_filling_the_line_is_no_loss(ledger):
    week = weekly_periods(ledger)[0]
    assert week.spent_usd == pytest.approx(2 * 100.4 + 2.0 - 8.0)
    assert week.full_cost_usd == 2.0
    assert week.wip_growth_usd == pytest.approx(92.4 + 100.4)
    assert week.usd_per_kwh is None
    assert week.electricity_and_heat_kwh == 110.0


def test_cost_of_the_week_that_sells(ledger):
    week = weekly_periods(ledger)[1]
    assert week.good_kwh == 5.0
    assert week.by_holding == {
        Holding.SCRAP: pytest.approx(9.24),
        Holding.FINISHED_GOOD: pytest.approx(83.16),
        Holding.IDLE_CAPACITY: 15.0,
    }
    assert week.full_cost_usd == pytest.approx(107.4)
    assert week.usd_per_kwh == pytest.approx(107.4 / 5)
    # Cash cost leaves out the capital charge in what left the line (20) and what stood idle (15).
    assert week.cash_usd_per_kwh == pytest.approx((107.4 - 35.0) / 5)
    assert week.cash_spent_usd == 0.0


def test_the_whole_is_the_sum_of_its_weeks(ledger):
    whole = total(weekly_periods(ledger))
    # Everything has left the line: no work in progress, so spent = cost.
    assert whole.wip_growth_usd == pytest.approx(0.0)
    assert whole.full_cost_usd == pytest.approx(2 * 100.4 - 8.0 + 2.0 + 15.0)
    assert whole.cash_cost_usd == whole.cash_spent_usd == pytest.approx(whole.full_cost_usd - 2 * 20.0 - 15.0)
    assert sum(whole.by_account.values()) == pytest.approx(sum(whole.by_holding.values()))
    assert whole.by_account["materials.lfp"] == pytest.approx(152.0)
    assert whole.energy_kwh_per_kwh == pytest.approx(110.0 / 5.0)
    assert total(weekly_periods(ledger), 1, 1) == weekly_periods(ledger)[1]


def test_where_it_was_spent(ledger):
    assert spent_by(ledger, "station") == {("mix",): pytest.approx(215.8), ("plant",): 2.0}
