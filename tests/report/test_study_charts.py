"""Pictures of a study's variants show the numbers of its tables."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest

from cellfab.report.study_charts import curve_charts, figure_charts
from cellfab.report.study_page import write_study_page
from cellfab.study.conduct import run_study

STUDY = """\
name: two
base: mm1
variants:
  slow: {set: {run.horizon_h: 400, run.warmup_h: 0}}
  fast: {extends: slow, set: {line.stations.inspection.cycle.mean_s: 60}}
replicates: 5
metrics: {wait_mean_s.queue: {}, utilisation.inspection: {}}
comparison: {reference: slow}
"""


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("charts")
    (folder / "two.yaml").write_text(STUDY, encoding="utf-8")
    return run_study(folder / "two.yaml", store=folder / "studies", workers=0)


def drawn(chart):
    return json.loads(chart.figure)


def test_means_and_differences_stand_with_their_intervals(result):
    charts = {chart.id: chart for chart in figure_charts(result)}
    assert list(charts) == ["figure-0", "difference-0", "figure-1", "difference-1"]
    waits = [result.estimate(variant, "wait_mean_s.queue").interval for variant in ("slow", "fast")]
    (trace,) = drawn(charts["figure-0"])["data"]
    assert trace["x"] == pytest.approx([one.mean for one in waits])
    assert trace["error_x"]["array"] == pytest.approx([one.half_width for one in waits])
    (less,) = drawn(charts["difference-1"])["data"]
    found = result.difference("fast", "utilisation.inspection").interval
    assert less["x"] == pytest.approx([100.0 * found.mean])  # a share is drawn in per cent
    assert less["error_x"]["array"] == pytest.approx([100.0 * found.half_width])
    assert "less slow, %" in charts["difference-1"].figure
    assert "replicate by replicate" in charts["difference-1"].caption


def test_curves_are_medians_in_the_middle_nine_tenths(result):
    bands = result.part("bands").bands
    (chart,) = curve_charts(bands)
    traces = drawn(chart)["data"]
    assert [trace.get("name") for trace in traces[1::2]] == ["slow", "fast"]
    for one, (outline, line) in zip(bands, zip(traces[::2], traces[1::2], strict=True), strict=True):
        low, middle, high = (one.band.values[one.band.shares.index(share)].tolist() for share in (0.05, 0.5, 0.95))
        assert line["y"] == pytest.approx(middle)
        assert outline["y"] == pytest.approx([*low, *reversed(high)])
        assert outline["x"] == [*line["x"], *reversed(line["x"])]


def test_the_page_is_whole_and_asks_nobody(result, tmp_path):
    path = write_study_page(result, tmp_path / "charts.html")
    text = path.read_text(encoding="utf-8")
    HTMLParser().feed(text)
    assert "2 cases, seed 1; ended: the fixed number of replicates is done" in text
    assert text.count("<section>") == 5
    assert "http://" not in text.partition("<script>")[0]


def test_many_cases_are_cut_and_the_table_has_all(result, monkeypatch):
    monkeypatch.setattr("cellfab.report.study_charts._MOST_ROWS", 1)
    monkeypatch.setattr("cellfab.report.study_charts._MOST_CURVES", 1)
    first = next(figure_charts(result))
    assert len(drawn(first)["data"][0]["x"]) == 1
    assert (first.table.total_rows, "The first 1 of 2 cases" in first.caption) == (2, True)
    (curve,) = curve_charts(result.part("bands").bands)
    assert (len(drawn(curve)["data"]), "The first 1 of 2 cases" in curve.caption) == (2, True)
