"""Shocks on a plant: they do what they say and nothing else."""

from __future__ import annotations

import math
from collections import defaultdict

import pytest

from cellfab.core.ledger import Holding
from cellfab.errors import ConfigError
from cellfab.line.states import STATES
from cellfab.plant import Plant
from cellfab.plant_costs import PlantCosts
from cellfab.replicate import simulate
from cellfab.run import gather
from cellfab.scenario import load_scenario
from cellfab.supply import material_users, supply_windows
from cellfab.units import TICKS_PER_WEEK

WEEKS = 9
MATURE = (
    f"run.horizon_h={168 * WEEKS}",
    "ramp=null",
    "line.stations.age.params.warm_d=0.5",
    "line.stations.age.params.rest_d=1",
)
"""Nine weeks of the mature line, with short ageing so that cells come out from the first week on."""
DROP = "{kind: demand_drop, output_share: 0.5, from: 2026-01-12, until: 2027-01-01}"
DEAR = "{kind: material_price, material: graphite, price_factor: 3, from: 2026-01-19, until: 2026-01-25}"
LOST = "{kind: supplier_lost, material: separator, from: 2026-01-12, until: 2026-01-18}"


class Watched:
    """A run, and what the physics of each station made of each lot."""

    def __init__(self, *options):
        self.scenario = load_scenario("ev_4680_dry", options)
        self.alive = {}
        self.taken = defaultdict(float)
        whole, pay = Plant.process, PlantCosts.at_place

        def process(plant, station, lots, now):
            identities = (station, *(lot.identity for lot in lots))
            done = whole(plant, station, lots, now)
            self.alive[identities] = done.lot.n_alive
            return done

        def at_place(costs, place, lot, work, week, priced):
            for material, used in work.materials.items():
                self.taken[material, priced] += used
            pay(costs, place, lot, work, week, priced)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Plant, "process", process)
            patch.setattr(PlantCosts, "at_place", at_place)
            self.done = simulate(self.scenario, 1)
        self.plant = self.done.plant

    def started(self, first):
        return sum(cells for (week, _), cells in self.plant.cells_started.items() if week >= first)

    def material_usd_per_kwh(self):
        usd = math.fsum(
            held.usd
            for held in self.plant.ledger.held()
            if held.holding is Holding.FINISHED_GOOD and held.account.startswith("materials.")
        )
        return usd / math.fsum(self.plant.good_kwh.values())

    def bought(self, account):
        """Quantity and usd in all."""
        mine = [debit for debit in self.plant.ledger.debits() if debit.account == account]
        return math.fsum(debit.quantity for debit in mine), math.fsum(debit.usd for debit in mine)


@pytest.fixture(scope="module")
def calm():
    return Watched(*MATURE)


@pytest.fixture(scope="module")
def weak():
    return Watched(*MATURE, "shocks={weak: " + DROP + "}")


def test_half_the_demand_makes_half_the_cells(calm, weak):
    # Eight weeks of 0.53 million cells in lots of 14 000: a lot more or less in either is 1 % of the half.
    assert weak.started(1) / calm.started(1) == pytest.approx(0.5, abs=0.005)
    assert weak.started(0) - weak.started(1) == calm.started(0) - calm.started(1), "nothing before the shock changes"


def test_material_in_a_good_kwh_costs_the_same(calm, weak):
    # Webs of 40 rolls a week scatter by 0.4 % each: 0.2 % at 3 sigma.
    assert weak.material_usd_per_kwh() == pytest.approx(calm.material_usd_per_kwh(), rel=2e-3)


def test_fixed_cost_becomes_idle_capacity(calm, weak):
    tables = [gather(run.scenario, [run.done], 1, {}, {}).weekly.set_index("week") for run in (calm, weak)]
    before, after = (table["idle_cost_usd"] for table in tables)
    assert after[0] == before[0]
    assert (after[1:] > before[1:] + 2e5).all()
    cost = [table["full_cost_usd"].sum() / table["good_energy_mwh"].sum() for table in tables]
    assert cost[1] > 1.2 * cost[0]


def test_the_time_counts_as_starved(calm, weak):
    stations = weak.done.flow.stations
    for name in ("cathode_film", "wind", "assembly", "formation"):
        ticks = stations[name].weekly_ticks[2]
        assert ticks[STATES.index("starved")] >= 0.5 * stations[name].units * TICKS_PER_WEEK
        assert ticks[STATES.index("planned")] <= calm.done.flow.stations[name].weekly_ticks[2].sum() * 0.05
    ageing = stations["age"].weekly_ticks[2]
    assert ageing[STATES.index("working")] > 0.5 * TICKS_PER_WEEK, "what ages goes on ageing"


def test_what_happens_to_a_lot_does_not_depend_on_when(calm, weak):
    shared = calm.alive.keys() & weak.alive.keys()
    assert len(shared) > 500
    assert {key[0] for key in shared} >= {"cathode_film", "anode_film", "wind", "assembly", "formation"}
    assert all(calm.alive[key] == weak.alive[key] for key in shared)


def test_a_price_multiplied_is_paid_to_the_cent_and_changes_nothing_else(calm):
    dear = Watched(*MATURE, "shocks={dear: " + DEAR + "}")
    (kg, usd), (same_kg, shocked_usd) = calm.bought("materials.graphite"), dear.bought("materials.graphite")
    # The price is that of the week in which a lot is begun; it is posted when the lot is done.
    assert shocked_usd - usd == pytest.approx(2.0 * 5.0 * dear.taken["graphite", 2], abs=0.01)
    assert same_kg == kg == pytest.approx(sum(dear.taken["graphite", week] for week in range(WEEKS)), rel=0.1)
    assert dear.taken["graphite", 2] > 1e4
    assert dear.alive == calm.alive
    assert dear.bought("materials.lfp") == calm.bought("materials.lfp")
    assert dear.plant.cells_good == calm.plant.cells_good
    prices = gather(dear.scenario, [dear.done], 1, {}, {}).prices.set_index(["item", "week"])["usd"]
    assert prices["graphite", 2] == 3.0 * prices["graphite", 1]


def test_without_a_material_those_who_need_it_starve_and_only_they_are_closed(calm):
    scenario = load_scenario("ev_4680_dry", [*MATURE, "shocks={lost: " + LOST + "}"])
    horizon = WEEKS * TICKS_PER_WEEK
    assert supply_windows(scenario, 1, horizon) == {"wind": [(TICKS_PER_WEEK, 2 * TICKS_PER_WEEK)]}
    users = material_users(scenario, 1)
    assert users["graphite"] == {"anode_dose"}
    assert users["can"] == {"assembly"}
    assert users["cu_foil"] == {"anode_film"}
    unused = load_scenario("ev_4680_dry", [*MATURE, "shocks={lost: " + LOST.replace("separator", "nmp") + "}"])
    with pytest.raises(ConfigError, match="no station of this line uses 'nmp'"):
        supply_windows(unused, 1, horizon)


def test_energy_by_place_agrees_with_the_ledger(weak):
    result = gather(weak.scenario, [weak.done], 1, {}, {})
    energy, costs, holdings = result.energy, result.costs, result.holdings
    for carrier in ("electricity", "heat"):
        posted = costs.loc[costs["account"] == carrier, "quantity"].sum()
        assert energy.loc[energy["carrier"] == carrier, "kwh"].sum() == pytest.approx(posted, rel=1e-9)
        assert result.kpi[f"{carrier}_kwh_per_kwh"].value == pytest.approx(
            posted / math.fsum(weak.plant.good_kwh.values()), rel=1e-9
        )
        scrapped = holdings[(holdings["account"] == carrier) & (holdings["holding"] == "scrap")]["quantity"].sum()
        assert scrapped > 0.0
        assert energy.loc[energy["carrier"] == carrier, "scrap_kwh"].sum() == pytest.approx(scrapped, rel=1e-6)
    assert result.kpi["energy_in_scrap_kwh_per_kwh"].value < result.kpi["energy_kwh_per_kwh"].value
    made, used, whole = (result.kpi[f"co2_{of}kg_per_kwh"].value for of in ("materials_", "energy_", ""))
    assert made + used == pytest.approx(whole)
    bought = result.materials[result.materials["fate"] != "returned"]
    assert made == pytest.approx(bought["co2_kg"].sum() / math.fsum(weak.plant.good_kwh.values()), rel=1e-6)
    assert result.kpi["co2_energy_kg_per_kwh"].value == pytest.approx(
        energy["co2_kg"].sum() / math.fsum(weak.plant.good_kwh.values()), rel=1e-6
    )
    assert [phase.name for phase in result.shocks] == ["weak"]
    assert (result.shocks[0].start_week, result.shocks[0].end_week) == (1.0, WEEKS)
