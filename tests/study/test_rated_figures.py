"""The output of the mature line is simulated for a study only where one of its figures needs it."""

from __future__ import annotations

from collections import OrderedDict

import pytest

import cellfab.rated
from cellfab.replicate import simulate
from cellfab.run import key_figures
from cellfab.scenario import load_scenario
from cellfab.study.conduct import run_study
from cellfab.study.plan import load_study
from cellfab.study.rated_figures import needs_rated
from cellfab.study.store import INDEX, Store
from cellfab.study.table import results_csv
from cellfab.study.task import Task
from cellfab.study.worker import Figure, Outcome

WEEKS = "weeks_to_90pct_rate"
CODE = "c0de"
STUDY = """\
name: powder
base: ev_4680_dry
variants:
  small:
    set: {run.horizon_h: 336, line.stations.wind.parallel: 1, line.stations.age.params.warm_d: 0.5,
          line.stations.age.params.rest_d: 1}
uncertain: {values: [materials.nmc811.price_usd]}
design: {kind: one_at_a_time}
replicates: 1
metrics: {final_yield: {}}
"""


@pytest.fixture
def load(here):
    def from_text(text):
        (here / "powder.yaml").write_text(text, encoding="utf-8")
        return load_study("powder.yaml", metrics=False)

    return from_text


@pytest.fixture
def asked(monkeypatch):
    """For which scenarios the rated output is asked; the answer is one cell a week."""
    found = []

    def rated_output(scenario, seed):
        found.append(scenario.digest)
        return dict.fromkeys(scenario.spec.products, 1.0)

    monkeypatch.setattr(cellfab.rated, "rated_output", rated_output)
    monkeypatch.setattr("cellfab.study.worker._kept", OrderedDict())
    return found


def test_they_are_those_that_are_others_with_another_rated_output(small_plant):
    scenario = load_scenario("ev_4680_dry", [*small_plant, "run.horizon_h=840"])
    done = simulate(scenario, 1)
    figures = [key_figures(scenario, done, {"ev_nmc811": rated}) for rated in (1.0, 1e9)]
    others = {name for name, kpi in figures[0].items() if kpi != figures[1][name]}
    assert others == {name for name in figures[0] if needs_rated(name)} == {WEEKS, "rated_gwh_per_year.ev_nmc811"}
    assert needs_rated("weeks_to_90pct_rate.line.second")


def test_it_is_simulated_only_where_a_figure_needs_it(load, asked, tmp_path):
    study = load(STUDY)
    found = run_study(study, store=tmp_path / "plain", workers=0)
    assert (len(study.cases), found.failures, asked) == (3, [], [])
    names = {figure.metric for outcome in found.outcomes.values() for figure in outcome.figures}
    assert "final_yield" in names
    assert not any(map(needs_rated, names))

    named = load(STUDY.replace("final_yield: {}", f"final_yield: {{}}, {WEEKS}: {{}}"))
    both = run_study(named, store=tmp_path / "plain", workers=0)  # what is there has no such figure
    assert (both.ran, both.reused, len(set(asked))) == (3, 0, 3)
    assert any(figure.metric == WEEKS for figure in next(iter(both.outcomes.values())).figures)

    again = run_study(study, store=tmp_path / "plain", workers=0)
    assert (again.ran, again.reused) == (0, 3)
    (tmp_path / "rated").mkdir()
    run_study(named, store=tmp_path / "rated", workers=0)
    reused = run_study(study, store=tmp_path / "rated", workers=0)  # what is there has more than is asked for
    assert (reused.ran, reused.reused) == (0, 3)
    assert results_csv(found) == results_csv(again) == results_csv(reused)


def test_studies_that_list_their_cases_have_it_always(load):
    assert load("name: a\nbase: ev_4680_dry\nmetrics: {final_yield: {}}\n").rated
    assert not load(STUDY).rated


def outcome(*, rated, value):
    names = (WEEKS, "final_yield") if rated else ("final_yield",)
    figures = tuple(Figure(name, value, None, "", "") for name in names)
    return Outcome(Task("a", 1, 0, rated), figures, seconds=0.25)


@pytest.mark.parametrize("index_lost", [False, True])
def test_a_store_keeps_both_and_never_takes_the_lesser_for_the_greater(tmp_path, index_lost):
    lesser, greater = outcome(rated=False, value=1.0), outcome(rated=True, value=2.0)
    with Store(tmp_path, CODE) as store:
        store.write([lesser])
        assert store.seconds([greater.task]) == {}
        assert list(store.read([greater.task])) == []
        store.write([greater])
    if index_lost:
        (tmp_path / INDEX).unlink()
    with Store(tmp_path, CODE) as store:
        assert list(store.read([lesser.task])) == [lesser]
        assert list(store.read([greater.task])) == [greater]


def test_what_has_more_figures_serves_whoever_asks_for_fewer(tmp_path):
    greater = outcome(rated=True, value=2.0)
    with Store(tmp_path, CODE) as store:
        store.write([greater])
        task = greater.task._replace(rated=False)
        assert store.seconds([task]) == {task: 0.25}
        assert list(store.read([task])) == [outcome(rated=False, value=2.0)]
