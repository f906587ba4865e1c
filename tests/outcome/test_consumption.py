"""Energy, carbon and prices of a run, from one table to another and back to what is written."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def energy(small_run):
    return small_run.result.energy


@pytest.fixture(scope="module")
def sold_kwh(small_run):
    return small_run.result.releases["energy_kwh"].sum()


def test_energy_by_place_is_what_was_paid_for(small_run, energy):
    costs = small_run.result.costs
    for carrier in ("electricity", "heat"):
        paid = costs.loc[costs["account"] == carrier, "quantity"].sum()
        assert energy.loc[energy["carrier"] == carrier, "kwh"].sum() == pytest.approx(paid)


def test_shares_are_of_what_was_sold_and_of_the_use_itself(small_run, energy, sold_kwh):
    kpi = small_run.result.kpi
    assert energy["kwh_per_kwh"].tolist() == pytest.approx((energy["kwh"] / sold_kwh).tolist())
    assert energy["scrap_share"].tolist() == pytest.approx((energy["scrap_kwh"] / energy["kwh"]).tolist())
    assert energy["scrap_share"].between(0.0, 1.0).all()
    assert energy["scrap_share"].max() > 0.0
    for carrier in ("electricity", "heat"):
        used = energy.loc[energy["carrier"] == carrier, "kwh_per_kwh"].sum()
        assert kpi[f"{carrier}_kwh_per_kwh"].value == pytest.approx(used)
    assert kpi["energy_in_scrap_kwh_per_kwh"].value == pytest.approx(energy["scrap_kwh"].sum() / sold_kwh)


def test_carbon_of_electricity_is_that_of_the_grid(small_run, energy):
    carbon, start = small_run.scenario.spec.economics.carbon, small_run.scenario.spec.run.start_date
    grid = carbon.grid_kg_per_kwh
    assert grid.weekly(start, 2)[0] == grid.weekly(start, 2)[1]  # so that one factor holds for all of the run
    electric = energy[energy["carrier"] == "electricity"]
    assert electric["co2_kg"].tolist() == pytest.approx((electric["kwh"] * grid.at(start)).tolist())


def test_carbon_is_that_of_energy_and_of_materials(small_run, energy, sold_kwh):
    kpi = small_run.result.kpi
    parts = [kpi[f"co2_{part}_kg_per_kwh"].value for part in ("energy", "materials")]
    assert min(parts) > 0.0
    assert kpi["co2_kg_per_kwh"].value == pytest.approx(sum(parts))
    assert kpi["co2_energy_kg_per_kwh"].value == pytest.approx(energy["co2_kg"].sum() / sold_kwh)


def test_prices_are_those_written_week_by_week(small_run):
    economics, start = small_run.scenario.spec.economics, small_run.scenario.spec.run.start_date
    prices = small_run.result.prices
    for item, written in (
        ("electricity", economics.electricity_usd_per_kwh),
        ("heat", economics.heat_usd_per_kwh),
    ):
        told = prices[prices["item"] == item]
        assert told["week"].tolist() == [0, 1]
        assert told["usd"].tolist() == pytest.approx(written.weekly(start, 2))
    assert set(prices.groupby("item").size()) == {2}
