"""Duties, scrap sold, credits, working capital and price, by hand."""

from __future__ import annotations

import datetime

import pytest

from cellfab.config.economics_spec import Economics
from cellfab.config.materials_spec import Material
from cellfab.config.policy_spec import Credit, MaterialAssistance, Recovery, Recycling, Tariff, WorkingCapital
from cellfab.config.schedule import Schedule
from cellfab.core.ledger import Holding, Ledger
from cellfab.core.lot import Lot
from cellfab.economics.credits import (
    book_credits,
    book_sales,
    material_assistance,
    sold_kwh,
    whole_material_assistance,
)
from cellfab.economics.price import price_usd
from cellfab.economics.prices import weekly_prices
from cellfab.economics.recycling import sell_scrap
from cellfab.economics.statement import total, weekly_periods
from cellfab.economics.tariffs import weekly_duties
from cellfab.economics.working_capital import bound_capital, charge_interest, trailing

START = datetime.date(2029, 12, 24)
"""A Monday: the first week lies in 2029, the second has its last six days in 2030."""
MATERIALS = {
    "lfp": Material(unit="kg", price_usd=8, origins={"cn": 0.6, "us": 0.4}, recovery=Recovery(electrode_share=0.15)),
    "foil": Material(unit="m2", price_usd=1, unit_kg=0.07, origins={"kr": 1.0}, recovery=Recovery(electrode_share=0.4)),
    "can": Material(unit="pieces", price_usd=0.5),
}


def test_duties_of_all_origins_add_up():
    tariffs = {
        "all_china": Tariff(origin="cn", share={"..2029": 0.25, "2030..": 0.5}),
        "lfp_too": Tariff(origin="cn", share=0.1, materials=("lfp",)),
        "korea": Tariff(origin="kr", share={"..2029": 0.0, "2030..": 0.15}),
        "elsewhere": Tariff(origin="br", share=1.0),
    }
    duties = weekly_duties(tariffs, MATERIALS, START, 3)
    assert set(duties) == {"lfp", "foil"}
    mean = (1 * 0.25 + 6 * 0.5) / 7
    assert duties["lfp"] == pytest.approx([0.6 * 0.35, 0.6 * (mean + 0.1), 0.6 * 0.6])
    assert duties["foil"] == pytest.approx([0.0, 0.15 * 6 / 7, 0.15])


def test_prices_reach_one_week_beyond_the_run():
    economics = Economics(currency_year=2026, electricity_usd_per_kwh={"..2029": 0.1, "2030": 0.2})
    prices = weekly_prices(economics, MATERIALS, START, 3)
    assert prices.electricity == pytest.approx([0.1, (0.1 + 6 * 0.2) / 7, 0.2, 0.2])
    assert prices.materials["lfp"] == [8.0] * 4
    assert prices.duties == {}


@pytest.fixture
def ledger():
    """Two lots are sold in weeks 0 and 1, electrode is scrapped in week 1, a cell lot in week 2."""
    ledger = Ledger()
    used = [("materials.lfp", 100.0, "kg", 800.0), ("materials.foil", 50.0, "m2", 50.0), ("labour", 1.0, "h", 40.0)]
    for identity, week in ((1, 0), (2, 1)):
        lot = Lot(identity, n=10, product="ess", material="cell")
        ledger.charge_lot(lot, 0, "mix", [*used, ("tariff.lfp", 800.0, "usd", 100.0)])
        ledger.finish(lot, 10, 100.0, week, "shipped")
    for identity, week, material in ((3, 1, "cathode"), (4, 2, "cell")):
        lot = Lot(identity, n=10, product="ess", material=material)
        ledger.charge_lot(lot, 0, "mix", used)
        ledger.scrap(lot, 10, 10, week, "coat", "torn")
    return ledger


def test_scrap_brings_its_share_of_the_price_and_costs_its_freight(ledger):
    sell_scrap(ledger, Recycling(freight_usd_per_kg=0.25, hazard_usd_per_kg=0.5), MATERIALS)
    earned = {(income.week, income.account): (income.quantity, income.usd) for income in ledger.incomes()}
    assert earned == {(1, "recycling.lfp"): (100.0, 120.0), (1, "recycling.foil"): (50.0, 20.0)}
    freight = {debit.week: (debit.quantity, debit.usd) for debit in ledger.debits() if debit.account == "scrap_freight"}
    kg = 100.0 + 50.0 * 0.07
    assert freight == {1: (kg, pytest.approx(kg * 0.75)), 2: (kg, pytest.approx(kg * 0.75))}
    periods = weekly_periods(ledger)
    week = periods[1]
    assert week.recycling_usd == 140.0
    assert week.by_account["recycling.lfp"] == -120.0
    assert week.by_holding[Holding.SCRAP] == pytest.approx(890.0 - 140.0)
    assert week.full_cost_usd == pytest.approx(990.0 + 890.0 - 140.0 + kg * 0.75)
    whole = total(periods)
    assert whole.wip_growth_usd == pytest.approx(0.0)
    assert whole.cash_spent_usd == pytest.approx(whole.full_cost_usd)
    assert ledger.balance().is_zero


def test_scrap_is_sold_and_carried_where_it_arose():
    ledger = Ledger()
    for identity, place in ((1, "coat"), (2, "wind.reel"), (3, "coat")):
        lot = Lot(identity, n=10, product="ess", material="cathode")
        ledger.charge_lot(lot, 0, "mix", [("materials.lfp", 100.0, "kg", 800.0)])
        ledger.scrap(lot, 5, 10, 1, place, "torn")
    sell_scrap(ledger, Recycling(freight_usd_per_kg=0.5), MATERIALS)
    assert {one.place: (one.quantity, one.usd) for one in ledger.incomes()} == {
        "coat": (100.0, 120.0),
        "wind.reel": (50.0, 60.0),
    }
    freight = {one.place: one.usd for one in ledger.debits() if one.account == "scrap_freight"}
    assert freight == {"coat": 50.0, "wind.reel": 25.0}
    summed = [one for one in ledger.held() if one.holding is Holding.SCRAP]
    assert [(one.quantity, one.usd) for one in summed] == [(150.0, 1200.0)]  # `held` is over all places
    assert ledger.balance().is_zero


def test_a_recycler_who_must_be_paid():
    ledger, lot = Ledger(), Lot(1, n=1, product="ess", material="cell")
    ledger.charge_lot(lot, 0, "mix", [("materials.lfp", 100.0, "kg", 800.0)])
    ledger.scrap(lot, 1, 1, 0, "mix", "x")
    sell_scrap(ledger, Recycling(), {"lfp": Material(unit="kg", price_usd=8, recovery=Recovery(cell_share=-0.05))})
    (income,) = ledger.incomes()
    assert income.usd == -40.0
    assert weekly_periods(ledger)[0].full_cost_usd == 840.0


def credit(**terms) -> Economics:
    return Economics(currency_year=2026, credits={"cell": Credit(usd_per_kwh={"..2029": 35, "2030..": 26.25}, **terms)})


def test_a_credit_is_paid_on_what_is_sold_by_the_week_of_sale(ledger):
    assert sold_kwh(ledger) == {(0, "ess"): 100.0, (1, "ess"): 100.0}
    assert book_credits(ledger, credit(sales_share=0.5, paid_after_months=6), MATERIALS, START, 3) == []
    rate = (35 + 6 * 26.25) / 7
    assert [(one.week, one.account, one.quantity, one.usd) for one in ledger.incomes()] == [
        (0, "credits.cell", 50.0, 1750.0),
        (1, "credits.cell", 50.0, pytest.approx(50 * rate)),
    ]
    assert [week for week, _ in ledger.received()] == [26, 27]
    whole = total(weekly_periods(ledger))
    assert whole.credits_usd == pytest.approx(1750.0 + 50 * rate)
    assert whole.net_usd_per_kwh == pytest.approx(whole.usd_per_kwh - whole.credits_usd / 200.0)
    assert ledger.balance().is_zero


def test_qualification_cells_earn_nothing():
    ledger, lot = Ledger(), Lot(1, n=10, product="ess", material="cell")
    lot.sellable = False
    ledger.finish(lot, 10, 100.0, 0, "shipped")
    book_sales(ledger, Economics(currency_year=2026), {"ess": Schedule.constant(80.0)}, START, 1)
    book_credits(ledger, credit(), {}, START, 1)
    assert list(ledger.incomes()) == []


def test_the_material_rule_takes_the_credit_of_the_weeks_below(ledger):
    # 850 $ of material in each lot sold, without the duty; 0.6 of the 800 $ of LFP is from China.
    ratio = 1 - 480 / 850
    assert material_assistance(ledger, MATERIALS, ("cn",)) == {
        (0, "ess"): pytest.approx(ratio),
        (1, "ess"): pytest.approx(ratio),
    }
    assert whole_material_assistance(ledger, MATERIALS, ("cn", "kr")) == {"ess": pytest.approx(1 - 530 / 850)}
    rule = MaterialAssistance(prohibited_origins=("cn",), least_share={"..2029": 0.4, "2030..": 0.6})
    (lost,) = book_credits(ledger, credit(material_assistance=rule), MATERIALS, START, 3)
    assert (lost.credit, lost.product, lost.first_week, lost.weeks) == ("cell", "ess", 1, 1)
    assert (lost.ratio, lost.least) == (pytest.approx(ratio), pytest.approx((0.4 + 6 * 0.6) / 7))
    assert lost.lost_usd == pytest.approx(100 * (35 + 6 * 26.25) / 7)
    assert [income.week for income in ledger.incomes()] == [0]


def test_sales_are_paid_after_their_terms(ledger):
    economics = Economics(currency_year=2026, working_capital=WorkingCapital(receivables_d=14))
    ess, other = Schedule.of({"2029": 80.0, "2030..": 87.0}), Schedule.constant(1.0)
    book_sales(ledger, economics, {"ess": ess, "other": other}, START, 3)
    assert [(one.place, one.quantity, one.usd) for one in ledger.incomes()] == [
        ("shipped", 100.0, 8000.0),
        ("shipped", 100.0, pytest.approx(8600.0)),
    ]
    assert list(ledger.received()) == [(2, 8000.0), (3, pytest.approx(8600.0))]


def test_what_is_bound_in_the_plant(ledger):
    terms = WorkingCapital(materials_d=7, goods_d=3.5, receivables_d=14, payables_d=7)
    economics = Economics(currency_year=2026, working_capital=terms)
    material, lot = 4 * 850.0 + 200.0, 890.0
    # Without a price customers owe what goods cost; week 2 has only goods and bills of the weeks before.
    in_line = [lot + 2 * lot + 100.0, lot, 0.0]
    goods = [990.0, 990.0, 0.0]
    expected = [
        material + in_line[0] + 0.5 * goods[0] + goods[0] - material,
        in_line[1] + 0.5 * goods[1] + goods[0] + goods[1],
        goods[1],
    ]
    assert bound_capital(ledger, economics, 3) == pytest.approx(expected)
    charge_interest(ledger, economics, 3, last_part=0.5)
    posted = [debit for debit in ledger.debits() if debit.account == "working_capital"]
    assert [debit.quantity for debit in posted] == pytest.approx([expected[0], expected[1], expected[2] / 2])
    assert posted[0].usd == pytest.approx(expected[0] * 0.08 * 7 / 365.25, abs=1e-6)
    whole = total(weekly_periods(ledger))
    assert whole.full_cost_usd - whole.cash_cost_usd == pytest.approx(sum(debit.usd for debit in posted))


def test_credits_not_yet_paid_are_bound_too(ledger):
    economics = credit(paid_after_months=6)
    before = bound_capital(ledger, economics, 3)
    book_credits(ledger, economics, MATERIALS, START, 3)
    after = bound_capital(ledger, economics, 3)
    earned = [income.usd for income in ledger.incomes()]
    assert [now - then for now, then in zip(after, before, strict=True)] == pytest.approx(
        [earned[0], sum(earned), sum(earned)]
    )


def test_goods_in_stock_are_bound_at_their_cost_not_at_their_price(ledger):
    """Seven days in stock: what is finished in a week is sold a week later, and owed by the customer from then on."""
    economics = Economics(currency_year=2026, working_capital=WorkingCapital(goods_d=7, receivables_d=7))
    before = bound_capital(ledger, Economics(currency_year=2026), 3)
    book_sales(ledger, economics, {"ess": Schedule.constant(80.0)}, START, 3)
    assert list(ledger.received()) == [(2, 8000.0), (3, 8000.0)]
    after = bound_capital(ledger, economics, 3)
    cost, price = 990.0, 8000.0
    assert [now - then for now, then in zip(after, before, strict=True)] == [cost, cost + price, price]


def test_suppliers_may_finance_it_all(ledger):
    terms = WorkingCapital(payables_d=365)
    assert bound_capital(ledger, Economics(currency_year=2026, working_capital=terms), 3)[2] == 0.0


def test_trailing_takes_a_share_of_the_oldest_week():
    assert trailing([1.0, 10.0, 100.0], 2, 10.5) == 105.0
    assert trailing([1.0, 10.0, 100.0], 1, 70.0) == 11.0
    assert trailing([1.0], 0, 0.0) == 0.0


def posted(*entries: tuple[str, float]) -> Ledger:
    ledger = Ledger()
    for account, usd in entries:
        ledger.charge(0, "plant", account, 1.0, f"unit of {account}", usd)
    return ledger


@pytest.mark.parametrize(
    ("entries", "multiplier"),
    [
        # Two of the multipliers that BatPaC v5 collapses to; duty is priced like the material that it is on.
        ((("labour", 1.0), ("overhead", 0.4 + 0.25 * 1.4)), 1.86648),
        ((("materials.lfp", 1.0),), 1.06656),
        ((("tariff.lfp", 1.0),), 1.06656),
    ],
)
def test_price_multipliers_of_batpac(entries, multiplier):
    period = total(weekly_periods(posted(*entries)))
    assert price_usd(period, Economics(currency_year=2026)) == pytest.approx(multiplier, rel=1e-9)


def test_price_of_a_year_of_capital():
    # 1 $ of equipment for a year: annuity 0.149029 at 8 % over ten years; depreciation 0.1, research 0.04, profit 0.05.
    economics = Economics(currency_year=2026)
    period = total(weekly_periods(posted(("capital", 0.08 / (1 - 1.08**-10)))))
    assert period.cash_cost_usd == pytest.approx(0.0, abs=1e-12)
    assert price_usd(period, economics) == pytest.approx((0.14 + 0.05) * 1.056, rel=1e-5)
