"""What a plant's cash flow is worth, from a run to its key figures and back through the table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from cellfab.economics.capital import WEEKS_PER_YEAR
from cellfab.outcome.valuation import capital_usd
from cellfab.replicate import simulate
from cellfab.run import gather
from cellfab.scenario import load_scenario

if TYPE_CHECKING:
    from cellfab.result import RunResult
    from conftest import SmallRun

PRICE = "products.ev_nmc811.sale_price_usd_per_kwh"
FIGURES = ("npv_musd", "irr_share_per_year", "payback_weeks", "peak_cash_need_musd")


def run(*options: str) -> RunResult:
    scenario = load_scenario("ev_4680_dry", options)
    return gather(scenario, [simulate(scenario, 1)], 1, {}, {})


@pytest.fixture(scope="module")
def sold(small_plant: tuple[str, ...]) -> RunResult:
    """Two weeks at a price that pays, and three years after them."""
    return run(*small_plant, f"{PRICE}=5000", "economics.valuation.after_run_years=3")


def test_present_value_is_that_of_the_table(sold: RunResult) -> None:
    assert sold.cash is not None
    money = sold.cash
    assert money["net_usd"].tolist() == pytest.approx(
        (money["sales_usd"] + money["credits_usd"] + money["recycling_usd"] - money["operating_usd"]
         - money["capital_usd"]).tolist()
    )  # fmt: skip
    value = math.fsum(usd * 1.08 ** (-(week + 0.5) / WEEKS_PER_YEAR) for week, usd in money["net_usd"].items())
    assert sold.kpi["npv_musd"].value == pytest.approx(value / 1e6, rel=1e-9)
    rate = sold.kpi["irr_share_per_year"].value
    zero = math.fsum(usd * (1 + rate) ** (-(week + 0.5) / WEEKS_PER_YEAR) for week, usd in money["net_usd"].items())
    assert zero == pytest.approx(0.0, abs=1.0)
    assert sold.kpi["peak_cash_need_musd"].value == pytest.approx(-money["cumulative_usd"].min() / 1e6)
    weeks = sold.kpi["payback_weeks"].value
    assert money["cumulative_usd"][weeks - 1] >= 0.0 > money["cumulative_usd"][weeks - 2]


def test_money_is_that_of_the_books(sold: RunResult) -> None:
    """Sales of two weeks, and half of them in each of the weeks after; the whole plant is bought in the first."""
    assert sold.cash is not None and sold.incomes is not None
    sales = sold.incomes.loc[sold.incomes["account"] == "sales", "usd"].sum()
    assert sold.cash["sales_usd"].sum() == pytest.approx(sales * (1.0 + round(3 * WEEKS_PER_YEAR) / 2))
    assert (sold.cash["simulated"] == 1).sum() == 2
    assert sold.cash["capital_usd"][0] == sold.cash["capital_usd"].sum() > sold.kpi["capex_musd"].value * 1e6


def test_capital_of_a_line_that_is_not_converted_is_what_is_installed(small_run):
    kpi, economics = small_run.result.kpi, small_run.scenario.spec.economics
    stations = small_run.scenario.spec.line.stations.values()
    wanted = sum(station.economics.capex_musd for station in stations) + economics.plant.capex_musd
    assert kpi["capex_musd"].value == kpi["installed_capital_musd"].value == pytest.approx(wanted)


def test_a_conversion_spends_what_it_takes(small_run: SmallRun) -> None:
    """The line that is there is sunk; without a conversion all of it is bought at the start, with its building."""
    money = capital_usd(small_run.scenario, small_run.done)
    assert list(money) == [0]
    floor = 2500 + sum(station.economics.floor_m2 for station in small_run.scenario.spec.line.stations.values())
    installed = small_run.result.kpi["installed_capital_musd"].value
    assert money[0] == pytest.approx(installed * 1e6 + 3000 * floor)


def test_a_price_of_the_plant_is_that_of_products_without_one() -> None:
    scenario = load_scenario("ess_from_4680", ["economics.sale_price_usd_per_kwh={2026..: 71}"])
    prices = scenario.spec.sale_prices()
    assert {name: price.plain for name, price in prices.items()} == {"ev_nmc811": 100.0, "ess_lfp": {"2026..": 71.0}}


def test_without_a_price_figures_say_so(small_plant: tuple[str, ...]) -> None:
    kpi = run(*small_plant, f"{PRICE}=null", "economics.sale_price_usd_per_kwh=null").kpi
    for name in (*FIGURES, "sales_musd"):
        assert kpi[name].value is None
        assert "sale_price_usd_per_kwh of 'ev_nmc811' is not given" in kpi[name].reason
    for name in ("levelised_cost_usd_per_kwh", "cash_burnt_in_scrap_musd"):
        assert kpi[name].value > 0.0


def test_a_schedule_that_ends_with_the_run_is_told(small_plant: tuple[str, ...]) -> None:
    result = run(*small_plant, f"{PRICE}={{2026: 5000}}", "economics.valuation.after_run_years=3")
    for name in FIGURES:
        kpi = result.kpi[name]
        assert kpi.value is None
        assert "after_run_years" in kpi.reason and "2027-01-01" in kpi.reason
    assert result.cash is not None and result.cash.empty
