"""Studies of fleets: the figures of a run of the fleet, in pairs, resumable, and the same for any number of workers."""

from __future__ import annotations

import numpy as np
import pytest

import cellfab.fleet.response
import cellfab.fleet.run
from cellfab.errors import ConfigError
from cellfab.fleet.file import load_fleet
from cellfab.fleet.result import FLEET_CURVES, figure_names
from cellfab.fleet.run import run_fleet
from cellfab.study import worker
from cellfab.study.code import code_digest
from cellfab.study.conduct import run_study
from cellfab.study.plan import load_study
from cellfab.study.table import differences_csv, estimates_csv, results_csv, results_parquet
from cellfab.study.uncertain import inputs_of

STUDY = """name: market
base: fleet.yaml
seed: 3
variants:
  as_is: {}
  dear: {set: {fleet.suppliers.abroad.price_usd_per_kwh: 60}}
  alone: {set: {fleet.plants.south: !delete }}
  late: {extends: dear, set: {fleet.delay_weeks: 5}}
replicates: 3
metrics: {margin_musd: {}, price_usd_per_kwh.2026: {}, first_sale_week.plant.north: {}}
comparison: {reference: as_is}
"""


@pytest.fixture(autouse=True)
def code_as_it_is_now():
    """Worker processes read the code when they start: so does each test, however long this process has been there."""
    code_digest.cache_clear()


@pytest.fixture
def load(written, tmp_path):
    """Reads a study of the small fleet, with a text replaced by another."""

    def from_text(old="", new=""):
        written()
        assert old in STUDY
        path = tmp_path / "study.yaml"
        path.write_text(STUDY.replace(old, new, 1) if old else STUDY, encoding="utf-8")
        return load_study(path)

    return from_text


@pytest.fixture(scope="module")
def responses():
    """What has been measured in this module, by scenario and seed."""
    return {}


@pytest.fixture
def measured(monkeypatch, responses):
    """Names of the scenarios that workers measure, from few lots; they know none from before."""
    calls = []
    whole = cellfab.fleet.response.measure

    def measure(scenario, *, seed):
        calls.append(scenario.name)
        if (scenario, seed) not in responses:
            responses[scenario, seed] = whole(scenario, seed=seed, lots=2)
        return responses[scenario, seed]

    monkeypatch.setattr(cellfab.fleet.response, "measure", measure)
    monkeypatch.setattr(cellfab.fleet.run, "measure", measure)
    worker._response.cache_clear()
    worker._kept.clear()
    yield calls
    worker._response.cache_clear()
    worker._kept.clear()


def tables(result):
    return results_parquet(result), results_csv(result), estimates_csv(result), differences_csv(result)


def test_each_plant_is_measured_once_and_nothing_is_run_twice(load, measured, tmp_path):
    first = run_study(load(), store=tmp_path / "studies", workers=0)
    assert (first.ran, first.reused) == (12, 0)
    assert sorted(measured) == ["ess_lfp_prismatic", "plant"]  # for four fleets
    again = run_study(load(), store=tmp_path / "studies", workers=0)
    assert (again.ran, again.reused) == (0, 12)
    assert tables(again) == tables(first)
    more = run_study(load("replicates: 3", "replicates: 4"), store=tmp_path / "studies", workers=0)
    assert (more.ran, more.reused) == (4, 12)
    assert len(measured) == 2


def test_pairs_have_the_same_luck(load, measured, tmp_path):
    found = run_study(load(), store=tmp_path / "studies", workers=0)
    begins = found.frame().query("metric == 'first_sale_week.plant.north'").pivot(index="replicate", columns="variant")
    begins = begins["value"]
    assert begins["as_is"].nunique() == 3  # slips of its conversion
    assert np.array_equal(begins["as_is"], begins["dear"])
    assert np.array_equal(begins["as_is"], begins["alone"])
    assert (begins["late"] - begins["as_is"]).to_numpy() == pytest.approx(5.0)
    shift = found.difference("late", "first_sale_week.plant.north")
    assert shift.interval.mean == pytest.approx(5.0)
    # As long as imports are needed they set the price: 9 $/kWh more, and a quarter of it in duty.
    price = {case.variant: _price(found, case, 0) for case in found.study.cases}
    assert (price["dear"] - price["as_is"])[:20] == pytest.approx(1.25 * 9.0)


def _price(found, case, replicate):
    curves = found.outcomes[found.study.task(case, replicate)].curves
    return next(one.values for one in curves if one.name == "price_usd_per_kwh")


def test_figures_and_curves_are_those_of_a_run(load, measured, written, tmp_path):
    study = load()
    found = run_study(study, store=tmp_path / "studies", workers=0)
    fleet = load_fleet(written(), ["run.seed=8"])
    run = run_fleet(fleet, seed=3, replicates=3, workers=0)
    for name, kpi in run.kpi.items():
        assert found.estimate("as_is", name).mean == pytest.approx(kpi.value, rel=1e-12), name
    assert list(run.kpi) == figure_names(fleet)
    curves = {one.name: one.values for one in found.outcomes[study.task(study.cases[0], 1)].curves}
    assert set(curves) == set(FLEET_CURVES)
    weekly = run.tables["plants"].query("replicate == 1").groupby("week").sum(numeric_only=True)
    assert curves["sold_mwh"] == pytest.approx(weekly["sold_mwh"].to_numpy())
    margin = (weekly["sales_usd"] + weekly["credits_usd"] - weekly["variable_usd"] - weekly["fixed_usd"]) / 1e6
    assert curves["margin_musd"] == pytest.approx(margin.to_numpy())


def test_the_same_bytes_from_two_processes(load, tmp_path):
    one_plant = "  one: {set: {fleet.plants.north: !delete }}\n"
    study = load(STUDY[STUDY.index("  as_is: {}") :], one_plant + "replicates: 2\nmetrics: {margin_musd: {}}\n")
    found = [run_study(study, store=tmp_path / str(workers), workers=workers) for workers in (0, 2)]
    assert tables(found[0]) == tables(found[1])


def problems_of(load, old, new):
    with pytest.raises(ConfigError) as caught:
        load(old, new)
    return str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        pytest.param(
            "replicates: 3", "warmup: {fixed_h: 30}",
            ["study.yaml:9:1", "warmup: goes with a scenario", "every week of it counts"], id="warm-up",
        ),
        pytest.param(
            "replicates: 3", "replicates: 4\nvariance_reduction: {antithetic: true}",
            ["study.yaml:10:1", "variance_reduction: goes with a scenario"], id="antithetic",
        ),
        pytest.param(
            "  alone: {set: {fleet.plants.south: !delete }}", "  alone: {extends: mm1}",
            ["study.yaml:7:20", "'mm1' is a scenario, and 'as_is' is a fleet"], id="a scenario among fleets",
        ),
        pytest.param(
            "fleet.delay_weeks: 5", "line.stations.coat.parallel: 2",
            ["study.yaml:8:31", "line: unknown key", "the scenario of a plant has it"], id="a station",
        ),
        pytest.param(
            "fleet.delay_weeks: 5", "run.record: full",
            ["study.yaml:8:31", "run.record: does nothing in a fleet", "horizon_h"], id="records of cells",
        ),
        pytest.param(
            "fleet.suppliers.abroad.price_usd_per_kwh: 60", "fleet.suppliers.abrod.price_usd_per_kwh: 60",
            ["study.yaml:6:16", "there is no 'abrod' to set", "did you mean 'abroad'?"], id="a supplier",
        ),
        pytest.param(
            "margin_musd: {}", "line_yield: {}",
            ["study.yaml:10:11", "nobody computes a figure 'line_yield'", "a fleet has sold_gwh, contract_gwh"],
            id="a figure of a line",
        ),
        pytest.param(
            "replicates: 3", "selection: {kind: ocba, metric: line_yield, goal: largest, total: 40}",
            ["study.yaml:9:33", "nobody computes a figure 'line_yield'"], id="selection by a figure of a line",
        ),
        pytest.param(
            "margin_musd: {}", "sold_gwh.plant.nord: {}",
            ["nobody computes a figure 'sold_gwh.plant.nord'", "did you mean 'sold_gwh.plant.north'?"], id="a plant",
        ),
    ],
)  # fmt: skip
def test_what_only_scenarios_have_is_told_where_it_is(load, old, new, found):
    text = problems_of(load, old, new)
    for part in found:
        assert part in text, text


def test_levers_of_a_fleet_are_ranked(load, measured, tmp_path):
    levers = """ranking: {metric: margin_musd, goal: largest, target: {curve: sold_mwh, least: 40}}
levers:
  dear: {set: {fleet.suppliers.abroad.price_usd_per_kwh: 60}}
  late: {set: {fleet.delay_weeks: 5}}
"""
    study = load(
        STUDY[STUDY.index("variants:") :], "variants: {as_is: {}}\nreplicates: 2\nmetrics: {margin_musd: {}}\n" + levers
    )
    found = run_study(study, store=tmp_path / "studies", workers=0).part("levers")
    assert found.effects[0].name == "dear"
    assert found.weeks == 52.0


def test_a_target_that_no_fleet_keeps_by_week(load):
    levers = """ranking: {metric: margin_musd, target: {curve: line_yield, least: 0.8}}
levers: {b: {set: {fleet.delay_weeks: 5}}}
"""
    text = problems_of(load, STUDY[STUDY.index("variants:") :], "metrics: {margin_musd: {}}\nreplicates: 2\n" + levers)
    assert "no figure 'line_yield' is kept by week" in text
    assert "price_usd_per_kwh" in text


def test_uncertain_values_of_a_fleet(written):
    text = "{price_usd_per_kwh: {2026: {value: 51, low: 45, high: 55, source: assumption}, 2027..: 50}, tariffs: [duty]"
    fleet = load_fleet(written("{price_usd_per_kwh: 51, tariffs: [duty]", text))
    (found,) = inputs_of(fleet)
    assert found.name == "fleet.suppliers.abroad.price_usd_per_kwh.2026"
    assert (found.value, found.low, found.high, found.whole) == (51, 45, 55, False)


def test_uncertain_values_move_alone(load, measured, written, tmp_path):
    old = "{price_usd_per_kwh: 51, tariffs: [duty]"
    text = "{price_usd_per_kwh: {2026: {value: 51, low: 45, high: 55, source: assumption}, 2027..: 50}, tariffs: [duty]"
    written(old, text)
    path = tmp_path / "alone.yaml"
    path.write_text("name: alone\nbase: fleet.yaml\nseed: 3\nuncertain: {values: all}\ndesign: {kind: one_at_a_time}\n"
                    "replicates: 1\nmetrics: {price_usd_per_kwh.2026: {}}\n", encoding="utf-8")  # fmt: skip
    study = load_study(path)
    found = run_study(study, store=tmp_path / "studies", workers=0)
    prices = [found.estimate("base", "price_usd_per_kwh.2026", point).mean for point in range(3)]
    # Three days of the last week are of 2027.
    landed = [1.25 * price + 4.0 for price in (51.0, 45.0, 55.0)]
    assert prices == pytest.approx(landed, rel=0.005)


def test_plan_of_a_fleet_names_the_plants_that_have_one(written, command):
    done = command("plan", str(written()))
    assert (done.code, done.out) == (2, "")
    assert "'two' is a fleet" in done.err
    assert "plant.yaml    # north" in done.err
    assert "without a conversion: south" in done.err


@pytest.mark.parametrize("asked", ["quality", "levers", "cost"])
def test_a_fleet_where_a_scenario_is_asked_for(written, command, asked):
    done = command(asked, str(written()))
    assert done.code == 3
    assert "fleet.yaml:8:1: error: fleet: this is a fleet of plants, and one scenario is asked for" in done.err
    assert "its plants are scenarios: plant.yaml, ess_lfp_prismatic" in done.err
