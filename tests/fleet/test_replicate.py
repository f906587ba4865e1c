"""Replicates of a fleet: energy, money and credits add up; luck has names; any number of workers, the same bytes."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from cellfab.fleet.file import load_fleet
from cellfab.fleet.replicate import fleet_terms, plant_seed, simulate_fleet
from cellfab.fleet.response import measure
from cellfab.fleet.result import quarter_of, replicate_kpis, table_rows
from cellfab.fleet.run import run_fleet

WEEKS_PER_YEAR = 365.25 / 7.0


@pytest.fixture(scope="module")
def response():
    from cellfab.scenario import load_scenario

    return measure(load_scenario("ess_lfp_prismatic"), lots=2)


@pytest.fixture
def terms(written, response):
    def make(*overrides, old="", new=""):
        fleet = load_fleet(written(old, new), overrides)
        return fleet_terms(fleet, dict.fromkeys(fleet.scenarios, response))

    return make


def test_energy_and_credits_add_up(terms):
    found = simulate_fleet(terms(), 3, 0)
    sold = np.sum(list(found.sellers.values()), axis=0)
    assert sold == pytest.approx(np.sum(list(found.buyers.values()), axis=0))
    for name, columns in found.plants.items():
        assert found.sellers[name] == pytest.approx(columns["sold_mwh"])
        assert np.all(columns["sold_mwh"] <= columns["capacity_mwh"] * (1.0 + 1e-12))
        assert columns["sales_usd"] == pytest.approx(1e3 * columns["sold_mwh"] * found.price)
        # The last week has four days of 2026 and three of 2027.
        rate = 0.0 if name == "south" else np.where(np.arange(52) < 51, 35.0, (4.0 * 35.0 + 3.0 * 10.0) / 7.0)
        assert columns["credits_usd"] == pytest.approx(1e3 * columns["sold_mwh"] * rate)
    assert found.plants["north"]["sold_mwh"].sum() > 0.0
    assert found.plants["south"]["sold_mwh"].sum() > 0.0


def test_price_is_import_parity_while_imports_are_needed(terms):
    found = simulate_fleet(terms(), 3, 0)
    landed = 51.0 * 1.25 + 4.0
    needed = found.sellers["abroad"] > 0.0
    assert needed.any()
    assert found.price[needed] == pytest.approx(landed)
    assert np.all(found.price <= landed + 1e-9)
    # Packs at 45 $/kWh are sold out wherever the price is higher: a GWh a year.
    assert found.sellers["packs"][needed] == pytest.approx(1e3 / WEEKS_PER_YEAR)


def test_demand_by_hand(terms):
    # 6 GWh a year at 70 $/kWh, 0.5 % less for 1 % more; at 67.75 $/kWh 6 * (1 + 0.5 * 2.25 / 70).
    found = simulate_fleet(terms(), 3, 0)
    wanted = 6e3 / WEEKS_PER_YEAR * (1.0 + 0.5 * 2.25 / 70.0)
    assert found.buyers["grid"][0] == pytest.approx(wanted)


def test_plants_without_a_price_above_their_cost_stand_and_pay(terms):
    cheap = simulate_fleet(terms("fleet.suppliers.abroad.price_usd_per_kwh=10", "economics.tariffs.duty.share=0"), 3, 0)
    south = cheap.plants["south"]
    assert south["capacity_mwh"].sum() > 0.0
    assert south["sold_mwh"].sum() == 0.0
    assert south["variable_usd"].sum() == 0.0
    assert np.all(south["fixed_usd"][20:] > 0.0)
    # With 35 $/kWh of credits the other one goes on selling.
    assert cheap.plants["north"]["sold_mwh"].sum() >= 0.0
    assert cheap.price.max() == pytest.approx(14.0)


def test_idle_lines_end_with_less_maturity(terms):
    busy = simulate_fleet(terms(), 3, 0).plants["south"]["maturity"][-1]
    cheap = terms("fleet.suppliers.abroad.price_usd_per_kwh=10", "economics.tariffs.duty.share=0")
    assert simulate_fleet(cheap, 3, 0).plants["south"]["maturity"][-1] < busy


def test_material_from_prohibited_origins_costs_the_credit(terms, written):
    rule = "{usd_per_kwh: 35, material_assistance: {prohibited_origins: [cn], least_share: {2026: 0.5, 2027..: 0.99}}}"
    old = "{usd_per_kwh: {2026: 35, 2027..: 10}}"
    passed = terms(old=old, new=rule.replace("2026: 0.5", "2026: 0.6"))
    assert np.all(passed.plants["north"].credit_usd_per_kwh[:51] == 35.0)
    failed = terms(old=old, new=rule.replace("2026: 0.5", "2026: 0.9"))
    assert np.all(failed.plants["north"].credit_usd_per_kwh == 0.0)
    share = failed.plants["north"].assistance_share[0]
    assert 0.6 < share < 0.9  # two thirds of direct material are not from China in materials/us_2026
    told = terms("fleet.material_assistance_share=0.95", old=old, new=rule.replace("2026: 0.5", "2026: 0.9"))
    assert np.all(told.plants["north"].credit_usd_per_kwh[:51] == 35.0)


def test_duties_are_on_what_comes_from_there(terms):
    with_duty, without = terms(), terms("economics.tariffs.duty.share=0")
    more = with_duty.plants["south"].lot_usd / without.plants["south"].lot_usd
    assert np.all(more > 1.02)
    assert np.all(more < 1.25)
    response = with_duty.responses["south"]
    fleet = without.fleet
    materials = fleet.scenarios["south"].spec.materials
    dutiable = sum(
        quantity[-1] * materials[name].price_usd.at(fleet.start) * materials[name].origins.get("cn", 0.0)
        for account, quantity in response.use.items()
        if (name := account.removeprefix("materials.")) in materials
    )
    extra = with_duty.plants["south"].lot_usd[0, -1] - without.plants["south"].lot_usd[0, -1]
    assert extra == pytest.approx(0.25 * dutiable)


def test_a_plant_has_luck_of_its_own(terms):
    assert plant_seed(1, "a") != plant_seed(1, "b") != plant_seed(2, "b")
    one = {life.plant: life for life in simulate_fleet(terms(), 3, 0).lives}
    other = {life.plant: life for life in simulate_fleet(terms(), 3, 1).lives}
    assert one["north"].release_week != other["north"].release_week
    assert one["south"] == other["south"]  # a new line without slips
    # Another plant, another price: the same luck.
    changed = terms("fleet.plants.south.gwh_per_year=9", "fleet.buyers.grid.factor=3")
    assert {life.plant: life for life in simulate_fleet(changed, 3, 0).lives} == one


def test_lines_of_a_plant_follow_each_other_and_delays_add(terms):
    lives = [life for life in simulate_fleet(terms(), 3, 0).lives if life.plant == "north"]
    assert lives[1].release_week - lives[0].release_week == pytest.approx(8.0)
    late = [life for life in simulate_fleet(terms("fleet.delay_weeks=5"), 3, 0).lives if life.plant == "north"]
    assert late[0].release_week - lives[0].release_week == pytest.approx(5.0)


def test_any_number_of_workers(written):
    fleet = load_fleet(written())

    def digest(workers):
        found = run_fleet(fleet, workers=workers)
        texts = [frame.to_csv() for frame in found.tables.values()] + [str(sorted(found.kpi.items()))]
        return hashlib.sha256("".join(texts).encode()).hexdigest()

    assert digest(0) == digest(2)


def test_tables_and_figures_are_sums_of_the_weeks(terms):
    made = terms()
    found = simulate_fleet(made, 3, 0)
    tables, kpis = table_rows(made, [found]), replicate_kpis(made, found)
    sold = sum(columns["sold_mwh"].sum() for columns in found.plants.values()) / 1e3
    assert kpis["sold_gwh"].value == pytest.approx(sold)
    assert tables["market"]["fleet_gwh"].sum() == pytest.approx(sold)
    assert tables["plants"]["sold_mwh"].sum() / 1e3 == pytest.approx(sold)
    by_year = kpis["sold_gwh.2026"].value
    assert by_year == pytest.approx(sold)  # the run ends on the 3rd of January 2027, within the last week of 2026
    assert kpis["served_share"].value == pytest.approx(sold / kpis["bought_gwh"].value)
    paid = sum(columns["credits_usd"].sum() for columns in found.plants.values()) / 1e6
    assert kpis["credits_musd"].value == pytest.approx(paid)
    assert kpis["price_usd_per_kwh"].value == pytest.approx(
        (found.price * found.buyers["grid"]).sum() / found.buyers["grid"].sum()
    )


def test_quarters():
    import datetime

    assert quarter_of(datetime.date(2026, 3, 31)) == "2026Q1"
    assert quarter_of(datetime.date(2026, 4, 1)) == "2026Q2"
    assert quarter_of(datetime.date(2030, 12, 30)) == "2030Q4"


CONTRACT = (
    "contracts: {one: {begins: 2026-06-01, ends: 2026-11-29, energy_gwh: GWH, price_usd_per_kwh: PRICE}}, credits: []"
)


def contract(gwh, price):
    return {"old": "credits: []", "new": CONTRACT.replace("GWH", str(gwh)).replace("PRICE", str(price))}


def test_contracts_are_delivered_first_at_their_price(terms):
    # 26 weeks from the 1st of June (week 21) on; the plant runs from April on and has learned to make more than that.
    free, bound = simulate_fleet(terms(), 3, 0), simulate_fleet(terms(**contract(0.052, 90)), 3, 0)
    south, before = bound.plants["south"], free.plants["south"]
    able = south["capacity_mwh"][21:47] >= 2.0
    assert able[10:].all()
    assert south["contract_mwh"][21:47][able] == pytest.approx(2.0)
    assert south["contract_mwh"][:21].sum() == south["contract_mwh"][47:].sum() == 0.0
    assert south["contract_mwh"] + south["short_mwh"] == pytest.approx(np.where(slice_of(21, 47), 2.0, 0.0))
    # Below the price it would have been sold anyhow: the same market, and the difference of prices for the plant.
    assert bound.price == pytest.approx(free.price)
    assert south["sold_mwh"] == pytest.approx(before["sold_mwh"])
    more = south["contract_mwh"] * 1e3 * (90.0 - free.price)
    assert south["sales_usd"] - before["sales_usd"] == pytest.approx(more)
    assert np.sum(list(bound.sellers.values()), axis=0) == pytest.approx(bound.buyers["grid"])


def slice_of(first, end):
    weeks = np.arange(52)
    return (weeks >= first) & (weeks < end)


def test_what_cannot_be_made_is_short(terms):
    made = terms(**contract(1.3, 80))
    found = simulate_fleet(made, 3, 0)
    south = found.plants["south"]
    promised = np.where(slice_of(21, 47), 50.0, 0.0)
    assert south["contract_mwh"] == pytest.approx(np.minimum(promised, south["capacity_mwh"]))
    assert south["contract_mwh"] + south["short_mwh"] == pytest.approx(promised)
    assert south["short_mwh"].sum() > 0.0
    kpis = replicate_kpis(made, found)
    assert kpis["short_gwh.plant.south"].value == pytest.approx(south["short_mwh"].sum() / 1e3)
    assert kpis["contract_gwh"].value + kpis["short_gwh"].value == pytest.approx(1.3)


def test_a_contract_keeps_a_plant_running_that_the_market_would_stop(terms):
    cheap = ("fleet.suppliers.abroad.price_usd_per_kwh=10", "economics.tariffs.duty.share=0")
    south = simulate_fleet(terms(*cheap, **contract(0.052, 80)), 3, 0).plants["south"]
    assert south["sold_mwh"] == pytest.approx(south["contract_mwh"])
    assert south["sold_mwh"].sum() > 40.0
    assert south["sales_usd"] == pytest.approx(80e3 * south["sold_mwh"])


def test_a_fleet_alone_sells_all_that_it_can_at_what_buyers_would_pay(terms):
    # No imports, 6 GWh a year wanted at 70 $/kWh, 0.5 % less for 1 % more: q = Q (1.5 - 0.5 p / 70).
    found = simulate_fleet(terms("fleet.suppliers.abroad.price_usd_per_kwh=900"), 3, 0)
    plants = np.sum([columns["capacity_mwh"] for columns in found.plants.values()], axis=0)
    offered = plants + 1e3 / WEEKS_PER_YEAR  # packs, 1 GWh a year
    wanted = np.where(np.arange(52) < 51, 6e3, (4.0 * 6e3 + 3.0 * 8e3) / 7.0) / WEEKS_PER_YEAR
    by_hand = 140.0 * (1.5 - offered / wanted)
    clears = by_hand > 80.0  # above what any plant asks
    assert clears.sum() > 20
    assert found.price[clears] == pytest.approx(by_hand[clears])
    assert found.buyers["grid"] == pytest.approx(wanted * np.maximum(0.0, 1.5 - 0.5 * found.price / 70.0))
    assert np.all(np.sum(list(found.sellers.values()), axis=0) <= offered * (1.0 + 1e-12))
