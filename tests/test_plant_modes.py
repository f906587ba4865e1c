"""A small plant that learns by causes: what must add up does, and what is off changes nothing."""

from __future__ import annotations

import math

import pytest

from cellfab.core.ledger import Holding
from cellfab.economics.period_cost import LABOUR
from cellfab.mode_effects import mode_effects, ramping
from cellfab.ramp.laws import labour_factor
from cellfab.ramp.mode_book import State
from cellfab.replicate import simulate
from cellfab.run import gather
from cellfab.scenario import load_scenario

QUICK = (
    "ramp.failure_modes.detection.recognised_share=0.002",
    "ramp.failure_modes.fixing.mean_weeks=0.2",
    "ramp.failure_modes.fixing.teams=30",
)
"""What a line learns in two years, in two weeks."""


def at(small_plant, *options):
    return load_scenario("ev_4680_dry_by_causes", (*small_plant, *options))


@pytest.fixture(scope="module")
def learned(small_plant):
    """Two weeks in which much is found and fixed."""
    scenario = at(small_plant, *QUICK)
    done = simulate(scenario, 1)
    return scenario, done, gather(scenario, [done], 1, {"ev_nmc811": 60_000.0}, {})


@pytest.fixture(scope="module")
def unmended(small_plant):
    """The same where nobody mends anything."""
    return simulate(at(small_plant, *QUICK, "ramp.failure_modes.fixing.teams=0"), 1)


def test_modes_are_found_and_fixed_and_yield_follows(learned, unmended):
    scenario, _, result = learned
    assert result.kpi["modes_fixed"].value > 20
    assert result.kpi["modes_total"].value == result.kpi["modes_fixed"].value + result.kpi["modes_open"].value
    # Two weeks of a line that nobody mends: the cathode film alone loses a quarter of its segments.
    lost = {"mended": result.steps, "left": gather(scenario, [unmended], 1, {"ev_nmc811": 60_000.0}, {}).steps}
    film = {
        name: float(frame.loc[frame["station"] == "cathode_film", "step_yield"].iloc[0]) for name, frame in lost.items()
    }
    assert film["mended"] > film["left"] + 0.05
    assert unmended.plant.modes.book.maturities("cathode_film", "ev_nmc811") == pytest.approx(
        dict.fromkeys(scenario.steps["cathode_film", "ev_nmc811"].ramping, 0.0), abs=1e-9
    )
    assert {str(one.state) for one in unmended.plant.modes.book.episodes} == {State.OPEN, State.WAITING}


def test_modes_cost_no_more_than_what_was_scrapped(learned):
    _, done, result = learned
    scrap = sum(release.usd for release in done.plant.ledger.releases() if release.holding is Holding.SCRAP)
    cost = result.modes["usd"].sum()
    assert 0.2 * scrap < cost < scrap
    assert cost == pytest.approx(1e6 * result.kpi["modes_cost_musd"].value)
    assert result.modes["cells"].sum() < result.scrap["cell_equivalents"].sum()


def test_cells_are_conserved_and_experiments_are_not_sold(learned, unmended, small_plant):
    counts = learned[2].counts
    assert counts["cells_started"] == sum(counts[f"cells_{fate}"] for fate in ("good", "scrapped", "wip"))
    # Nobody mends anything, so that with and without experiments the same cells are made.
    options = ("ramp.failure_modes.fixing.teams=0", "ramp.failure_modes.experiments=null")
    without = simulate(at(small_plant, *QUICK, *options), 1).plant
    good, unsold = (sum(counts.values()) for counts in (unmended.plant.cells_good, unmended.plant.cells_unsold))
    assert unsold > 0 and not without.cells_unsold
    assert good + unsold == sum(without.cells_good.values())


def test_a_replicate_is_a_function_of_its_seed(learned, small_plant):
    scenario, done, _ = learned
    again, other = simulate(scenario, 1), simulate(scenario, 1, 1)
    assert again.plant.modes.book.episodes == done.plant.modes.book.episodes
    assert other.plant.modes.book.episodes != done.plant.modes.book.episodes
    assert again.plant.ledger.balance().is_zero


def test_the_table_says_in_order_what_happened(learned):
    _, _, result = learned
    lived = result.modes[result.modes["opened_week"].notna()]
    for earlier, later in (("opened", "seen"), ("seen", "detected"), ("detected", "begun"), ("begun", "fixed")):
        both = lived[[f"{earlier}_week", f"{later}_week"]].dropna()
        assert (both.iloc[:, 0] <= both.iloc[:, 1]).all()
    assert lived.loc[lived["state"] == "fixed", "fixed_week"].notna().all()
    gap = lived[(lived["place"] == "cathode_film") & (lived["mode"] == "roll_gap")].iloc[0]
    assert gap["moves"] == "roll_loading_cv" and gap["text"] and gap["share"] == 1.0


def test_effects_show_where_tests_are(small_plant):
    """A wandering roll gap shows at the gauge of the film and again at grading; formation's spread only at grading."""
    scenario = at(small_plant)
    modes, _, effects = mode_effects(scenario)
    index = {mode.key: number for number, mode in enumerate(modes)}
    gap, formed = index["cathode_film/roll_gap"], index["formation/mode 1"]
    at_film, at_grade = (effects.extra[place, "ev_nmc811"] for place in ("cathode_film", "grade"))
    assert at_film[gap] > 0.05 and at_grade[gap] > 0.005
    assert at_film[formed] == 0.0 and at_grade[formed] > 0.001
    # 1 to 1/5 of a Pareto of slope 1.
    assert at_grade[formed] / at_grade[index["formation/mode 5"]] == pytest.approx(5.0)
    held = {}
    for mode in modes:
        for name, share in mode.holds["ev_nmc811"].items():
            held[mode.place, name] = held.get((mode.place, name), 0.0) + share
    ramps = {(place, name) for place, products in ramping(scenario).items() for name in products["ev_nmc811"]}
    assert held == pytest.approx(dict.fromkeys(ramps, 1.0))


def test_an_idle_station_forgets(small_plant):
    """The mixers of a line that starts after three months, a year old: some of what was fixed is back."""
    options = ("ramp.months_before_start=36", "ramp.failure_modes.setbacks.staff.every_weeks=1000",
               "ramp.failure_modes.setbacks.powder.every_weeks=1000", "ramp.default.learning.idle_after_weeks=0",
               "ramp.default.learning.forgetting_share_per_month=1")  # fmt: skip
    done = simulate(at(small_plant, *options), 1)
    since = {one.since for one in done.plant.modes.book.episodes if one.opened is not None}
    assert "standstill" in since
    assert sum(one.opened is None for one in done.plant.modes.book.episodes) > 50


def test_lines_without_modes_say_nothing_of_them(small_run):
    assert small_run.result.modes is None
    assert not any(name.startswith("modes_") for name in small_run.result.kpi)


def test_speed_is_held_until_scrap_falls(small_plant):
    held = load_scenario("ev_4680_dry", (*small_plant, "ramp.default.rate.when.scrap_below_share=0.001"))
    freed = load_scenario(
        "ev_4680_dry",
        (*small_plant, "ramp.default.rate.when.scrap_below_share=0.999", "ramp.default.rate.when.over_weeks=1"),
    )
    paces = [simulate(scenario, 1).plant.book.pace("wind", scenario_end(scenario)).rate for scenario in (held, freed)]
    # One of the two weeks is over when the last lot asks.
    assert paces == pytest.approx([0.5, 0.6])


def scenario_end(scenario):
    return round(scenario.spec.run.horizon_h * 3.6e9)


def test_people_by_de_jong_cost_what_the_law_says(small_run, small_plant):
    """Two weeks: in the first none has been made, in the second what the first made."""
    scenario = load_scenario(
        "ev_4680_dry", (*small_plant, "ramp.labour.first_cells=1000", "ramp.labour.mature_cells=1000000")
    )
    plant = simulate(scenario, 1).plant
    wages = dict.fromkeys((0, 1), 0.0)
    plain = dict(wages)
    for paid, ledger in ((wages, plant.ledger), (plain, small_run.plant.ledger)):
        for debit in ledger.debits():
            if debit.account == LABOUR and debit.place in scenario.spec.line.stations:
                paid[debit.week] += debit.usd
    made = sum(
        count for counts in (plant.cells_good, plant.cells_unsold) for (week, _), count in counts.items() if not week
    )
    for week, cells in ((0, 0), (1, made)):
        factor = labour_factor(cells, 1000, 1_000_000, 0.7, 0.15)
        assert wages[week] / plain[week] == pytest.approx(factor, rel=1e-9)
    assert wages[0] > 1.2 * plain[0]
    assert plant.ledger.balance().is_zero
    assert math.isclose(sum(plant.good_kwh.values()), sum(small_run.plant.good_kwh.values()))
