"""Cost of a week, and who bears it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfab.config.economics_spec import Economics, PlantShared
from cellfab.config.line_spec import StationEconomics
from cellfab.core.ledger import Holding, Ledger
from cellfab.core.lot import Lot
from cellfab.economics.capital import WEEKS_PER_YEAR
from cellfab.economics.period_cost import (
    close_week,
    energy_entries,
    standard_rate,
    weekly_period_cost,
    weekly_plant_cost,
    with_added_capital,
)

STATION = StationEconomics(capex_musd=10.0, operators=2.0, power_kw=100.0, idle_power_kw=40.0, floor_m2=500.0)
PLANT = PlantShared(capex_musd=52.0, operators=4.0, power_kw=1000.0, heat_kw=3000.0, floor_m2=4000)
ECONOMICS = Economics(currency_year=2026, plant=PLANT)
ELECTRICITY, HEAT = 0.08, 0.02


def by_account(entries):
    return {account: usd for account, _, _, usd in entries}


def absorb(ledger, rate, unit_hours, lot, week=0):
    """Let a lot pay for the hours that it holds a unit."""
    bill = ledger.bill("weld", lot.product, rate.lines([ELECTRICITY] * 6, [HEAT] * 6), 6)
    ledger.charge_bill(lot, week, bill, np.array([unit_hours, 1.0, 1.0, 1.0]), week)


def absorbed(rate, unit_hours):
    """What a lot pays for so many hours."""
    ledger = Ledger()
    absorb(ledger, rate, unit_hours, Lot(1))
    return [debit[3:] for debit in ledger.debits()]


def test_a_week_by_hand():
    week = by_account(weekly_period_cost(STATION, ECONOMICS))
    wages = 2 * 168 * 1.10 * 40.0
    depreciation = (10e6 / 10 + 1.5e6 / 20) / WEEKS_PER_YEAR
    assert week == {
        "labour": pytest.approx(wages),
        "capital": pytest.approx(10e6 * 0.149029 / WEEKS_PER_YEAR, rel=1e-5),
        "building": pytest.approx(500 * 3000 * 0.101852 / WEEKS_PER_YEAR, rel=1e-5),
        "maintenance": pytest.approx(0.03 * 10e6 / WEEKS_PER_YEAR),
        "overhead": pytest.approx(0.4 * wages + 0.25 * 1.4 * wages + 0.25 * depreciation),
    }


def test_nothing_costs_nothing():
    assert weekly_period_cost(StationEconomics(), ECONOMICS) == ()
    assert weekly_plant_cost(Economics(currency_year=2026), ELECTRICITY, HEAT) == ()


def test_plant_cost_adds_utilities():
    week = by_account(weekly_plant_cost(ECONOMICS, ELECTRICITY, HEAT))
    assert week["electricity"] == pytest.approx(1000 * 168 * 0.08)
    assert week["heat"] == pytest.approx(3000 * 168 * 0.02)
    assert week["labour"] == pytest.approx(4 * 168 * 1.1 * 40)


def test_normal_work_absorbs_the_whole_week():
    rate = standard_rate(STATION, 4, ECONOMICS)
    paid = by_account(absorbed(rate, 4 * 168 * 0.80))
    for account, usd in by_account(weekly_period_cost(STATION, ECONOMICS)).items():
        assert paid[account] == pytest.approx(usd)
    # A working unit draws its share of the station's power.
    assert paid["electricity"] == pytest.approx(100 * 168 * 0.80 * 0.08)


def test_added_capital_costs_its_annuity_from_then_on():
    before = by_account(weekly_period_cost(STATION, ECONOMICS))
    after = by_account(weekly_period_cost(with_added_capital(STATION, 5.0), ECONOMICS))
    assert after["capital"] == pytest.approx(1.5 * before["capital"])
    assert after["labour"] == before["labour"]


def test_energy_at_its_prices():
    entries = energy_entries(40 * 168, 100.0, ELECTRICITY, HEAT)
    assert entries == [
        ("electricity", 6720, "kWh", pytest.approx(40 * 168 * 0.08)),
        ("heat", 100.0, "kWh", pytest.approx(100.0 * 0.02)),
    ]
    assert energy_entries(0.0, 0.0, ELECTRICITY, HEAT) == []


def test_a_working_unit_takes_its_share_of_the_station_s_heat():
    rate = standard_rate(STATION.model_copy(update={"heat_kw": 60.0}), 4, ECONOMICS)
    heat = [entry for entry in absorbed(rate, 10.0) if entry[0] == "heat"]
    assert heat == [("heat", 150.0, "kWh", pytest.approx(150.0 * HEAT))]


@given(st.lists(st.floats(0.0, 200.0), max_size=8), st.floats(0.1, 1.0))
def test_a_closed_week_holds_exactly_its_cost(hours, part):
    """However much or little lots absorbed, even beyond what is normal."""
    ledger = Ledger()
    rate = standard_rate(STATION, 1, ECONOMICS)
    for identity, unit_hours in enumerate(hours):
        absorb(ledger, rate, unit_hours, Lot(identity), 5)
    week = weekly_period_cost(STATION, ECONOMICS)
    close_week(ledger, 5, {"weld": week}, weekly_plant_cost(ECONOMICS, ELECTRICITY, HEAT), part)
    for account, quantity, _, usd in week:
        assert ledger.debited(5, "weld", account) == pytest.approx((quantity * part, usd * part), abs=2e-6)
    expensed = sum(held.usd for held in ledger.held() if held.holding is Holding.EXPENSED)
    assert expensed == pytest.approx(
        part * sum(by_account(weekly_plant_cost(ECONOMICS, ELECTRICITY, HEAT)).values()), abs=1e-5
    )
    assert ledger.balance().is_zero
