"""Key figures of money, summed again from the tables of the run."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from cellfab.outcome.money import unpriced
from cellfab.scenario import load_scenario

FULL_COST = ["finished_good", "qualification", "scrap", "idle_capacity", "expensed"]


@pytest.fixture(scope="module")
def held(small_run):
    """What has left work in progress as cost."""
    holdings = small_run.result.holdings
    return holdings[holdings["holding"].isin(FULL_COST)]


@pytest.fixture(scope="module")
def incomes(small_run):
    return small_run.result.incomes.groupby("account")["usd"].sum()


def test_full_cost_is_what_has_left_work_in_progress_less_what_scrap_was_sold_for(small_run, held, incomes):
    kpi = small_run.result.kpi
    kwh = small_run.result.releases["energy_kwh"].sum()
    recycled = incomes[incomes.index.str.startswith("recycling.")].sum()
    assert kpi["cost_usd_per_kwh"].value == pytest.approx((held["usd"].sum() - recycled) / kwh)
    assert kpi["cost_usd_per_kwh_last_quarter"].value == pytest.approx(kpi["cost_usd_per_kwh"].value)  # two weeks
    assert kpi["recycling_musd"].value == pytest.approx(recycled / 1e6)
    credits = incomes[incomes.index.str.startswith("credits.")].sum()
    assert kpi["net_cost_usd_per_kwh"].value == pytest.approx(kpi["cost_usd_per_kwh"].value - credits / kwh)
    assert kpi["credits_musd"].value == pytest.approx(credits / 1e6)
    assert kpi["sales_musd"].value == pytest.approx(incomes["sales"] / 1e6)


def test_scrap_costs_what_it_was_worth(small_run, held):
    scrap = held.loc[held["holding"] == "scrap", "usd"].sum()
    assert small_run.result.kpi["scrap_cost_usd"].value == pytest.approx(scrap)


def test_duties_are_those_of_what_has_left_work_in_progress(small_run, held):
    duties = held.loc[held["account"].str.startswith("tariff."), "usd"].sum()
    bought = small_run.result.costs
    paid = bought.loc[bought["account"].str.startswith("tariff."), "usd"].sum()
    assert small_run.result.kpi["tariffs_musd"].value == pytest.approx(duties / 1e6)
    assert 0.0 < duties < paid  # the rest is in what is not finished


def test_working_capital_is_the_mean_of_what_is_bound(small_run):
    """Its charge is what is bound times the yearly interest, a week's part of it."""
    costs = small_run.result.costs
    weeks = costs[costs["account"] == "working_capital"]
    interest = small_run.scenario.spec.economics.capital.interest_share_per_year
    bound = small_run.result.kpi["working_capital_musd"].value * 1e6
    assert weeks["usd"].sum() == pytest.approx(bound * len(weeks) * interest * 7.0 / 365.25)
    assert math.isclose(bound, weeks["quantity"].mean())


OF_PLANT, OF_EV = "economics.sale_price_usd_per_kwh=null", "products.ev_nmc811.sale_price_usd_per_kwh=null"


@pytest.mark.parametrize(
    ("options", "missing"),
    [([], ""), ([OF_EV], ""), ([OF_PLANT], "'ess_lfp'"), ([OF_PLANT, OF_EV], "'ev_nmc811', 'ess_lfp'")],
)
def test_every_product_without_a_price_is_named(options, missing):
    """The price of the plant is that of products without their own."""
    said = unpriced(SimpleNamespace(scenario=load_scenario("ess_from_4680", options)))
    assert said == (f"sale_price_usd_per_kwh of {missing} is not given" if missing else "")
