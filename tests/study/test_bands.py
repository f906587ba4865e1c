"""Curves of replicates: kept in the store, the same whoever ran them, and reduced to quantile bands."""

from __future__ import annotations

import csv
import math
from io import BytesIO

import numpy as np
import pyarrow.parquet as pq
import pytest

from cellfab.replicate import simulate
from cellfab.report.study_text import study_document, study_text
from cellfab.run import books_of, key_figures, run_scenario, weekly_curves
from cellfab.scenario import load_scenario
from cellfab.study.conduct import run_study
from cellfab.study.part_file import decoded, encoded
from cellfab.study.store import Store
from cellfab.study.table import write_tables
from cellfab.study.task import Task
from cellfab.study.worker import Curve, Figure, Outcome

WEEKS = """\
name: weeks
base: shop.yaml
variants: {slow: {set: {run.horizon_h: 588}}, fast: {extends: slow, set: {line.stations.lathe.cycle.mean_s: 60}}}
replicates: 5
"""


@pytest.fixture
def weeks(load):
    return load(WEEKS)


def test_a_band_is_the_quantiles_of_the_replicates_of_each_week(weeks, shop):
    result = run_study(weeks, workers=0)
    slow, fast = result.bands("throughput_per_h")
    assert (slow.variant, slow.point, slow.unit, fast.variant) == ("slow", 0, "1/h", "fast")
    scenario = load_scenario("shop.yaml", ["run.horizon_h=588"])
    curves = []
    for replicate in range(5):
        done = simulate(scenario, 1, replicate)
        kpis, found = key_figures(scenario, done, {}), weekly_curves(done, None)
        curve = np.array(found["throughput_per_h"].values)
        # the last of the four weeks is half a week
        assert curve @ [168.0, 168.0, 168.0, 84.0] == pytest.approx(kpis["parts_out"].value)
        curves.append(curve)
    assert slow.band.n.tolist() == [5] * 4
    assert slow.band.values[2] == pytest.approx(np.median(curves, axis=0))
    assert [one.band.values.shape for one in result.bands("throughput_per_h", (0.1, 0.9))] == [(2, 4)] * 2


def test_bands_are_a_table_a_text_and_a_document(weeks, tmp_path):
    result = run_study(weeks, workers=0)
    folder = write_tables(result, tmp_path)
    rows = list(csv.DictReader((folder / "bands.csv").read_text().splitlines()))
    assert len(rows) == 2 * 4
    assert list(rows[0])[-5:] == ["p5", "p25", "p50", "p75", "p95"]
    first = [float(rows[0][name]) for name in ("p5", "p50", "p95")]
    assert (rows[0]["variant"], rows[0]["week"], rows[0]["n"]) == ("slow", "0", "5")
    assert first == sorted(first)
    assert "week 3" in study_text(result, folder)
    document = study_document(result, folder)["bands"]
    assert document[0]["p50"] == [float(row["p50"]) for row in rows[:4]]


def test_bands_do_not_depend_on_who_ran_what_when(weeks, tmp_path):
    tables = []
    for workers in (0, 2):
        result = run_study(weeks, store=tmp_path / str(workers), workers=workers)
        tables.append((write_tables(result, tmp_path / str(workers)) / "bands.csv").read_bytes())
    again = run_study(weeks, store=tmp_path / "2", workers=0)
    assert again.ran == 0
    tables.append((write_tables(again, tmp_path / "2") / "bands.csv").read_bytes())
    assert len(set(tables)) == 1


def test_one_band_over_all_points_that_were_drawn(load):
    text = WEEKS.replace("replicates: 5", "replicates: 1") + (
        "factors: {load: {path: line.sources.orders.interarrival.mean_s, low: 100, high: 200}}\n"
        "design: {kind: latin_hypercube, samples: 4}\n"
    )
    result = run_study(load(text), workers=0)
    bands = result.bands("throughput_per_h")
    assert [(one.variant, one.point, one.band.n.tolist()) for one in bands] == [
        ("slow", None, [4] * 4),
        ("fast", None, [4] * 4),
    ]


def test_short_runs_and_single_replicates_have_no_bands(two, load):
    assert not [part for part in run_study(two, workers=0).parts if part.key == "bands"]
    assert not run_study(load(WEEKS.replace("replicates: 5", "replicates: 1")), workers=0).bands("throughput_per_h")


def test_curves_of_a_plant_are_columns_of_its_weekly_table():
    scenario = load_scenario("ev_4680_dry", ["run.horizon_h=420"])
    done = simulate(scenario, 1)
    curves = weekly_curves(done, books_of(scenario, done))
    weekly = run_scenario(scenario, seed=1, replicates=1).weekly
    for name, curve in curves.items():
        assert np.array_equal(curve.values, weekly[name].to_numpy(), equal_nan=True)
    assert math.isnan(curves["line_yield"].values[0])


def test_a_store_keeps_curves_and_reads_parts_without_them(tmp_path):
    curve = Curve("line_yield", "1", np.array([math.nan, 0.5]).tobytes())
    figure = Figure("rate", 0.1, None, "1/h", "")
    outcomes = [Outcome(Task("s", 1, 0), (figure,), seconds=0.25, curves=(curve,)), Outcome(Task("s", 1, 1), (figure,))]
    with Store(tmp_path, "code") as store:
        store.write(outcomes)
        assert list(store.read([outcome.task for outcome in outcomes])) == outcomes
    stream = BytesIO()
    pq.write_table(pq.read_table(BytesIO(encoded(outcomes[1:], "code"))).drop_columns("curve"), stream)
    assert [outcome for _, outcome in decoded(stream.getvalue())] == outcomes[1:]
