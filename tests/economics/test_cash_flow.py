"""Cash flow: its value against textbooks and closed forms, dates of payments by hand, and the years after a run."""

from __future__ import annotations

import datetime
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfab.config.economics_spec import Economics
from cellfab.config.materials_spec import Material
from cellfab.core.ledger import Holding, Ledger
from cellfab.core.lot import Lot
from cellfab.economics.capital import WEEKS_PER_YEAR
from cellfab.economics.cash_flow import (
    CashFlow,
    cash_burnt_in_scrap_usd,
    cash_flow,
    levelised_usd_per_kwh,
    payback_weeks,
    present_value,
    rate_of_return,
)
from cellfab.economics.credits import book_credits, book_sales
from cellfab.economics.prices import weekly_prices
from cellfab.economics.statement import total, weekly_periods

START = datetime.date(2029, 1, 1)  # a Monday
SPAN = 1461
"""Weeks in 28 years: the least number of years that is one of weeks."""


def spaced(*flows: float) -> list[float]:
    """Flows 28 years apart, the first in week 0."""
    net = [0.0] * (SPAN * (len(flows) - 1) + 1)
    net[::SPAN] = flows
    return net


def of_span(share: float) -> float:
    """Yearly rate of a rate over 28 years."""
    return (1.0 + share) ** (1.0 / 28.0) - 1.0


# ---- values of flows --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flows", "rate"),
    [
        # From the manual of numpy-financial (irr).
        ((-100, 39, 59, 55, 20), 0.28095),
        ((-100, 0, 0, 74), -0.0955),
        # From the manual of Excel (IRR): five years of a business bought for 70 000; after four years -2.1 %.
        ((-70_000, 12_000, 15_000, 18_000, 21_000, 26_000), 0.0866),
        ((-70_000, 12_000, 15_000, 18_000, 21_000), -0.0212),
    ],
)
def test_rate_of_return_of_textbooks(flows, rate):
    found, why = rate_of_return(spaced(*flows))
    assert why == ""
    assert (1.0 + found) ** 28.0 - 1.0 == pytest.approx(rate, abs=5e-5)


def test_present_value_of_textbooks():
    """Excel (NPV): 10 000 paid at the end of a year, then 3 000, 4 200 and 6 800 received, at 10 %: 1 188.44."""
    found = present_value(spaced(-10_000, 3_000, 4_200, 6_800), of_span(0.10))
    half_a_week = (1.0 + of_span(0.10)) ** (0.5 / WEEKS_PER_YEAR)
    assert found * half_a_week / 1.10 == pytest.approx(1188.44, abs=5e-3)
    assert present_value([5.0, -2.0], 0.0) == 3.0


@given(st.floats(0.001, 0.9), st.integers(20, 1000))
def test_annuity_repays_at_its_own_rate(share, weeks):
    """Payments c = P i / (1 - (1 + i) ** -n) repay P with interest i a week, whatever i and n."""
    weekly = (1.0 + share) ** (1.0 / WEEKS_PER_YEAR) - 1.0
    payment = 1e6 * weekly / (1.0 - (1.0 + weekly) ** -weeks)
    net = [-1e6, *([payment] * weeks)]
    assert rate_of_return(net)[0] == pytest.approx(share, abs=1e-7)
    assert present_value(net, share) == pytest.approx(0.0, abs=1e-3)
    assert present_value(net, share + 0.01) < 0.0 < present_value(net, share - 0.01)


@pytest.mark.parametrize(
    ("net", "why"),
    [
        ([1.0, 2.0], "one way"),
        ([-1.0, 0.0], "one way"),
        ([], "one way"),
        # The oil pump of Lorie and Savage (Journal of Business 28, 1955, 229-239): 25 and 400 %.
        (spaced(-1_600, 10_000, -10_000), "more than one rate"),
        ([1.0, -1e-6, 1.0], "no rate"),
    ],
)
def test_no_rate_of_return_has_a_reason(net, why):
    rate, told = rate_of_return(net)
    assert rate is None
    assert why in told


def flow(net: list[float], capital: list[float]) -> CashFlow:
    """Sales that give `net` beside the capital."""
    nothing = (0.0,) * len(net)
    sales = tuple(n + c for n, c in zip(net, capital, strict=True))
    made = CashFlow(sales, nothing, nothing, nothing, tuple(capital), len(net))
    assert made.net == pytest.approx(net)
    return made


@pytest.mark.parametrize(
    ("net", "capital", "weeks"),
    [
        ([-100, 40, 40, 40], [100, 0, 0, 0], 4.0),  # 20 short after three weeks, back in the fourth
        ([-100, 50, 50, 50], [100, 0, 0, 0], 3.0),
        ([-100, 150, -60, 40], [100, 0, 0, 0], 4.0),  # back in the second week, but not for good
        ([30, -100, 60, 40, 5], [0, 100, 0, 0, 0], 3.0),  # what was earned before the conversion is not its own
        ([10, 10], [5, 0], 0.0),
    ],
)
def test_payback(net, capital, weeks):
    assert payback_weeks(flow(net, capital)) == (weeks, "")


def test_no_payback_has_a_reason():
    assert payback_weeks(flow([-100, 40], [100, 0]))[1].startswith("the money is not back")
    assert payback_weeks(flow([1, 2], [0, 0]))[1] == "no capital is spent"


# ---- a line of four weeks by hand -------------------------------------------------------------------------------


def economics(**changes: object) -> Economics:
    given = {
        "currency_year": 2029, "sale_price_usd_per_kwh": 100.0, "electricity_usd_per_kwh": 0.1,
        "credits": {"cell": {"usd_per_kwh": {"..2029": 35, "2030": 26.25, "2031..": 0}, "paid_after_months": 3}},
        "tariffs": {"duty": {"origin": "cn", "share": {"..2029": 0.25, "2030..": 0.5}}},
        "valuation": {"after_run_years": 0.0},
    }  # fmt: skip
    return Economics.model_validate(given | changes)


POWDER = Material.model_validate(
    {"unit": "kg", "price_usd": {"..2029": 8, "2030..": 10}, "origins": {"cn": 0.5, "us": 0.5}}
)


def booked(money: Economics, powder: Material = POWDER, weeks: int = 4) -> tuple[Ledger, CashFlow]:
    """A week: 20 kg of powder at 8 $ with its duty, 50 $ of labour, 10 kWh at 0.1 $, 30 $ of capital; 5 kWh sold.

    A fifth of all is scrapped.
    """
    ledger = Ledger()
    prices = weekly_prices(money, {"lfp": powder}, START, weeks)
    for week in range(weeks):
        lot = Lot(week, n=10, product="ess")
        usd = 20.0 * prices.materials["lfp"][week]
        entries = [("materials.lfp", 20.0, "kg", usd), ("labour", 1.0, "h", 50.0), ("electricity", 10.0, "kWh", 1.0),
                   ("capital", 1.0, "usd", 30.0)]  # fmt: skip
        if prices.duties:
            entries.append(("tariff.lfp", usd, "usd", usd * prices.duties["lfp"][week]))
        ledger.charge_lot(lot, week, "mix", entries)
        ledger.scrap(lot, 2, 10, week, "mix", "spilt")
        ledger.finish(lot, 8, 5.0, week, "grade")
    sale = {"ess": money.sale_price_usd_per_kwh}
    book_sales(ledger, money, sale, START, weeks)
    book_credits(ledger, money, {"lfp": powder}, START, weeks)
    return ledger, cash_flow(ledger, money, {"lfp": powder}, prices, sale, START, weeks, {0: 1000.0, 2: 7.0})


def test_payments_come_when_they_are_due():
    """Duty is a quarter on half of the powder: 160 + 20 $ paid at once, three weeks late, or a week ahead."""
    _, at_once = booked(economics())
    assert at_once.operating[:4] == (pytest.approx(160 + 20 + 50 + 1),) * 4
    assert at_once.sales[:4] == (500.0,) * 4
    assert at_once.capital[:4] == (1000.0, 0.0, 7.0, 0.0)
    # Credits of 35 $/kWh come after three months, 13 weeks.
    assert at_once.credits == (*[0.0] * 13, *[175.0] * 4)
    terms = {"payables_d": 35, "materials_d": 14, "goods_d": 7, "receivables_d": 21}
    _, later = booked(economics(working_capital=terms))
    assert later.sales[:9] == (0.0, 0.0, 0.0, 0.0, 500.0, 500.0, 500.0, 500.0, 0.0)
    assert later.operating[:9] == pytest.approx([50, 50, 50, 50 + 180, 180, 180 + 1, 180 + 1, 1, 1])
    assert later.credits[14:18] == (175.0,) * 4
    assert math.fsum(later.net) == pytest.approx(math.fsum(at_once.net))
    # Powder bought three weeks before its use is paid in the first week, where that would be before it.
    _, ahead = booked(economics(working_capital={"materials_d": 21}))
    assert ahead.operating[:4] == pytest.approx([4 * 180 + 51, 51, 51, 51])
    assert at_once.simulated_weeks == later.simulated_weeks == 4


def test_returned_material_is_not_paid():
    ledger, lot, money = Ledger(), Lot(1, n=1, product="ess"), economics(tariffs={})
    ledger.charge_lot(lot, 0, "coat", [("materials.lfp", 10.0, "kg", 80.0)])
    ledger.give_back(lot, {"materials.lfp": 2.0}, 0, "slit")
    prices = weekly_prices(money, {"lfp": POWDER}, START, 1)
    assert cash_flow(ledger, money, {"lfp": POWDER}, prices, {}, START, 1, {}).operating == (pytest.approx(64.0),)


def test_plant_goes_on_at_the_prices_of_the_date():
    """Two years from 29 January 2029: in 2030 powder is dearer, the duty doubled, and the credit at 75 %, then gone."""
    money = economics(valuation={"after_run_years": 2.5})
    _, found = booked(money)
    weeks = 4 + round(2.5 * WEEKS_PER_YEAR)
    assert found.sales[4:weeks] == (pytest.approx(500.0),) * (weeks - 4)
    days = [START + datetime.timedelta(weeks=week) for week in range(weeks)]
    for week in range(52):
        assert found.operating[week] == pytest.approx(231.0)
    in_2030 = [week for week, day in enumerate(days) if day.year == 2030 and (day + datetime.timedelta(6)).year == 2030]
    assert len(in_2030) == 51
    for week in in_2030:
        assert found.operating[week] == pytest.approx(20 * 10 * (1 + 0.5 * 0.5) + 50 + 1)
        assert found.credits[week + 13] == pytest.approx(5 * 26.25)
    assert len(found.credits) == len(found.sales)
    last_credit = max(week for week, usd in enumerate(found.credits) if usd)
    # The first week with a day of 2031 begins on 30 December 2030.
    assert days[last_credit - 13] == datetime.date(2030, 12, 30)


def test_phase_out_lowers_the_present_value():
    steady = {"cell": {"usd_per_kwh": 35, "paid_after_months": 3}}
    values = [
        present_value(booked(economics(valuation={"after_run_years": 5.0}, **change))[1].net, 0.08)
        for change in ({}, {"credits": steady}, {"credits": {}})
    ]
    assert values[2] < values[0] < values[1]


def test_material_rule_goes_on_after_the_run():
    """Half of the powder is from a prohibited origin: enough until 2029, too much from 2030 on."""
    rule = {"prohibited_origins": ["cn"], "least_share": {"..2029": 0.5, "2030..": 0.6}}
    credit = {"usd_per_kwh": 35, "material_assistance": rule}
    _, found = booked(economics(credits={"cell": credit}, valuation={"after_run_years": 2.0}))
    paid = [week for week, usd in enumerate(found.credits) if usd]
    assert paid == list(range(52))  # the mean of the week that begins on 31 December 2029 is above a half


def test_quarter_is_the_base_of_what_follows():
    """Sixteen weeks of which the first three spend ten times as much: they are not in the last quarter."""
    money = economics(tariffs={}, credits={}, valuation={"after_run_years": 1.0})
    ledger = Ledger()
    for week in range(16):
        ledger.charge(week, "plant", "labour", 1.0, "h", 1000.0 if week < 3 else 100.0 + week)
    found = cash_flow(ledger, money, {}, weekly_prices(money, {}, START, 16), {}, START, 16, {})
    assert found.operating[16:68] == (pytest.approx(100.0 + 9.0),) * 52
    # Of a last week that is a tenth of one, the mean is over 12.1 weeks.
    part = cash_flow(ledger, money, {}, weekly_prices(money, {}, START, 16), {}, START, 15.1, {})
    assert part.operating[20] == pytest.approx(13 * 109.0 / 12.1)


def test_schedule_that_ends_is_told():
    money = economics(sale_price_usd_per_kwh={"2029": 100.0}, valuation={"after_run_years": 2.0})
    with pytest.raises(ValueError, match="no value on 2030-01-01"):
        booked(money)


def test_levelised_cost_by_hand():
    ledger, _ = booked(economics())
    periods = weekly_periods(ledger)
    assert levelised_usd_per_kwh(periods, 0.0) == pytest.approx(total(periods).usd_per_kwh)
    # Cost alike in all weeks is its own levelised value at any rate.
    assert levelised_usd_per_kwh(periods, 0.5) == pytest.approx(261.0 / 5.0)
    weights = 1.1 ** (-(np.arange(3) + 0.5) / WEEKS_PER_YEAR)
    ramp = Ledger()
    for week, (usd, kwh) in enumerate(((100.0, 0.0), (100.0, 5.0), (80.0, 10.0))):
        lot = Lot(week, n=1, product="ess")
        ramp.charge_lot(lot, week, "mix", [("labour", 1.0, "h", usd)])
        if kwh:
            ramp.finish(lot, 1, kwh, week, "grade")
        else:
            ramp.scrap(lot, 1, 1, week, "mix", "spilt")
    expected = (weights @ [100.0, 100.0, 80.0]) / (weights @ [0.0, 5.0, 10.0])
    assert levelised_usd_per_kwh(weekly_periods(ramp), 0.1) == pytest.approx(expected)
    assert levelised_usd_per_kwh({}, 0.1) is None


def test_cash_burnt_in_scrap():
    """A fifth of 231 $ of cash a week, less what the recycler paid, with the freight to him; no capital."""
    ledger, _ = booked(economics())
    ledger.charge(1, "plant", "scrap_freight", 3.0, "kg", 2.0, Holding.EXPENSED)
    ledger.earn(1, "plant", "recycling.lfp", "ess", 4.0, "kg", 9.0)
    assert cash_burnt_in_scrap_usd(ledger) == pytest.approx(4 * 231.0 / 5 + 2.0 - 9.0)
