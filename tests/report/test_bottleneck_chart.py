"""The shifting bottleneck as it is told: a line whose slow machine is first the one and then the other."""

from __future__ import annotations

import dataclasses
import io

import pyarrow.parquet as pq
import pytest
from rich.console import Console

from cellfab.report import bottleneck_chart, findings
from cellfab.report.page import render
from cellfab.report.tables import write_tables
from cellfab.report.terminal import print_summary
from cellfab.run import run_scenario
from cellfab.scenario import load_scenario

LINE = """\
name: relay
run: {horizon_h: 504, engine: simpy, replicates: 2}
line:
  sources: {iron: {lots: 20000}}
  stations:
    cut: {kind: serial, from: iron, cycle: {law: deterministic, value_s: 50}}
    mill: {kind: serial, from: rack, cycle: {law: deterministic, value_s: 60}}
  buffers: {rack: {from: cut, capacity: 100000}}
  sinks: {out: {from: mill}}
"""


@pytest.fixture(scope="module")
def relay(tmp_path_factory):
    """A saw that has cut everything after 278 h, and a mill that takes 334 h for it."""
    file = tmp_path_factory.mktemp("relay") / "relay.yaml"
    file.write_text(LINE, encoding="utf-8")
    return run_scenario(load_scenario(str(file)))


def test_the_table_by_week(relay, tmp_path):
    write_tables(relay, tmp_path)
    rows = pq.read_table(tmp_path / "bottlenecks.parquet").to_pylist()
    first = {(row["week"], row["station"]): row for row in rows if row["replicate"] == 0}
    # The saw begins 50 s before the mill and works for 277.8 h; the mill takes over, and until then it shifts.
    assert set(first) == {(0, "cut"), (0, "mill"), (1, "cut"), (1, "mill")}
    both, until = 20_000 * 50 / 3600, 50 / 3600 + 20_000 * 60 / 3600
    assert first[0, "cut"]["sole_h"] == pytest.approx(50 / 3600)
    assert first[0, "mill"]["shifting_h"] == pytest.approx(168.0 - 50 / 3600)
    assert first[1, "mill"]["sole_h"] == pytest.approx(until - both)
    assert first[1, "mill"]["bottleneck_h"] == pytest.approx(until - both + (both - 168.0) / 2)
    assert first[1, "mill"]["share"] == pytest.approx(first[1, "mill"]["bottleneck_h"] / 168.0)


def test_the_sentence_and_the_chart(relay):
    told = findings.shifting_bottleneck(relay)
    assert told == "Shifting bottleneck: mill 39 % of the time (11 % alone), cut 28 %, nobody 34 %."
    frame = bottleneck_chart.shares(relay)
    assert frame["station"].tolist()[0] == "mill"
    drawn = bottleneck_chart.stacked(frame, (), 3)
    mill = next(bar for bar in drawn.data if bar.name == "mill")
    assert [round(value) for value in mill.y] == [50, 66, 0]
    assert all(sum(bar.y[week] for bar in drawn.data) <= 100.0 + 1e-9 for week in range(3))
    assert "Bottleneck by week" in render(relay)
    console = Console(file=io.StringIO(), width=120)
    print_summary(relay, console)
    assert told in console.file.getvalue()


def test_nothing_is_told_where_nobody_watched(relay):
    kpi = {name: figure for name, figure in relay.kpi.items() if not name.startswith("bottleneck_")}
    blind = dataclasses.replace(relay, bottlenecks=None, kpi=kpi)
    assert findings.shifting_bottleneck(blind) == ""
    assert bottleneck_chart.shares(blind).empty
    assert "Bottleneck by week" not in render(blind)
