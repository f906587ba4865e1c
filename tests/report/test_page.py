"""The HTML report: complete, self-contained, harmless, and with the same numbers as the result."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from plotly.offline import get_plotlyjs

from cellfab.report import cost_charts, frames, page
from cellfab.report.layout import order_of_line
from cellfab.result import Kpi, RunResult

HOSTILE = {
    "ess_from_4680": '</title><script>alert("name")</script>',
    "disc_welder": "<script>alert('station')</script>",
    "winder": "2024-01",
    "filler": "a</script><img src=x onerror=alert(1)>",
    "ess_lfp": "<a href='http://evil.example/'>lfp</a>",
    "cold_weld": "<!--<script>",
    "seam too shallow: cold weld on the copper side": "{{ 7 * 7 }} %{x} <b>bold</b> &amp; \u2028 end",
    "a_file": "configs/<script>alert(2)</script>.yaml",
    "a_note": "<svg onload=alert(3)>",
}
REMOTE = re.compile(r"^\s*(https?:)?//", re.IGNORECASE)


@pytest.fixture(scope="module")
def html(plant: RunResult) -> str:
    return page.render(plant)


@pytest.fixture(scope="module")
def figures(html: str) -> dict[str, Any]:
    return figures_of(html)


def figures_of(html: str) -> dict[str, Any]:
    found = re.findall(r'<script type="application/json" id="([\w-]+)-figure">(.*?)</script>', html, re.DOTALL)
    return {name: json.loads(text) for name, text in found}


def named(figure: dict[str, Any], name: str, place: int = 0) -> dict[str, Any]:
    return [trace for trace in figure["data"] if trace.get("name") == name][place]


def without_plotly(html: str) -> str:
    return html.replace(get_plotlyjs(), "")


def test_plant_report_has_every_part(html: str, figures: dict[str, Any], parse: Callable[[str], Any]) -> None:
    parsed = parse(without_plotly(html))
    ids = list(parsed.ids())
    assert len(ids) == len(set(ids))
    assert {"headline", "ramps", "losses", "costs", "line", "schematic", "assumptions", "manifest"} <= set(ids)
    assert set(figures) == {
        "ramp",
        "supply",
        "scrap",
        "steps",
        "cost",
        "bridge",
        "breakdown",
        "cash",
        "energy",
        "states",
        "working",
    }
    for anchor in parsed.all("a"):
        target = anchor["href"] or ""
        assert target.startswith("data:text/csv;") or target[1:] in ids
    text = parsed.visible()
    for expected in (
        "86.1",
        "95 % CI 84.4 to 87.8",
        "n\u00a0=\u00a05",
        "Disc welder limits the line",
        "114 %",
        "9f2c4be07d6a11d1a3b2",
    ):
        assert expected in text


def test_page_is_self_contained_and_small(html: str, parse: Callable[[str], Any]) -> None:
    assert html.count(get_plotlyjs()) == 1
    assert len(html.encode()) <= 8_000_000
    parsed = parse(without_plotly(html))
    assert not parsed.all("link") and not parsed.all("iframe") and not parsed.all("img")
    for tag, attributes in parsed.elements:
        for attribute in ("src", "href", "action", "data", "poster", "srcset"):
            assert not REMOTE.match(attributes.get(attribute) or ""), (tag, attributes)
    assert "url(" not in html[html.index("<style>") : html.index("</style>")]
    assert "@import" not in html[html.index("<style>") : html.index("</style>")]
    policy = next(
        meta["content"] or "" for meta in parsed.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"
    )
    assert "default-src 'none'" in policy
    assert "http" not in policy


def test_each_chart_has_a_title_a_label_and_its_numbers(
    html: str, figures: dict[str, Any], parse: Callable[[str], Any]
) -> None:
    parsed = parse(without_plotly(html))
    charts = [div for div in parsed.all("div") if "data-figure" in div]
    assert [div["data-figure"] for div in charts] == [f"{name}-figure" for name in figures]
    assert all(div["role"] == "img" and div["aria-label"] for div in charts)
    links = {anchor["download"] for anchor in parsed.all("a") if "download" in anchor}
    assert {f"{name}.csv" for name in figures} <= links


def test_csv_link_holds_the_frame(html: str, plant: RunResult, parse: Callable[[str], Any]) -> None:
    links = {
        anchor["download"]: anchor["href"] for anchor in parse(without_plotly(html)).all("a") if "download" in anchor
    }
    text = base64.b64decode(links["scrap.csv"].split(",", 1)[1]).decode()
    read = pd.read_csv(io.StringIO(text))
    expected = frames.scrap_causes(plant)
    assert read["usd"].tolist() == pytest.approx(expected["usd"].tolist())
    assert list(read.columns) == list(expected.columns)


def test_ramp_curves_are_the_weekly_series(figures: dict[str, Any], plant: RunResult) -> None:
    frame = frames.ramp(plant)
    new = named(figures["ramp"], "ess lfp")
    expected = frame[frame["product"] == "ess_lfp"]
    shown = [100.0 * value for value in expected["line_yield"].dropna()]
    assert [y for y in new["y"] if y is not None] == pytest.approx(shown)
    assert new["x"] == [week + 0.5 for week in frame["week"]]
    output = named(figures["ramp"], "ev nmc811", 1)
    assert sum(y for y in output["y"] if y) == pytest.approx(
        frame.loc[frame["product"] == "ev_nmc811", "good_energy_mwh"].sum()
    )
    full = named(figures["ramp"], "full cost")
    assert [y is None for y in full["y"]] == frame["cost_usd_per_kwh"].isna().tolist()
    band = named(figures["ramp"], "full cost, band")
    cut = band["y"].index(None)
    # The band before the stop is one closed outline: 30 weeks of lower bounds, then the upper ones backwards.
    low = frame["cost_usd_per_kwh_low"].tolist()
    high = frame["cost_usd_per_kwh_high"].tolist()
    assert band["y"][:cut] == pytest.approx([*low[:30], *reversed(high[:30])])


def test_lines_that_make_different_products_have_one_curve_together(plant: RunResult) -> None:
    """Two lines: the north one begins three times as many cells as the south one, whose yield is 0.2 lower."""
    columns = ["replicate", "week", "line_yield", "good_energy_mwh"]
    north = plant.weekly[columns].assign(line="north", weeks_since_start=plant.weekly["week"], cells_started=300)
    south = north.assign(line="south", line_yield=north["line_yield"] - 0.2, cells_started=100)
    both = dataclasses.replace(plant, lines=pd.concat([north, south], ignore_index=True))
    ramp = figures_of(page.render(both))["ramp"]
    names = {trace["name"] for trace in ramp["data"]}
    assert "all products" in names
    assert not names & {"ev nmc811", "ess lfp"}
    alone = frames.ramp(plant)
    told = [y for y in named(ramp, "all products")["y"] if y is not None]
    assert told == pytest.approx([100.0 * (y - 0.05) for y in alone["line_yield"].dropna()])
    output = [y for y in named(ramp, "all products", 1)["y"] if y is not None]
    assert output == pytest.approx(alone["good_energy_mwh"].dropna().tolist())


def test_phases_are_shaded_and_named(figures: dict[str, Any], plant: RunResult) -> None:
    layout = figures["ramp"]["layout"]
    shaded = {(s["name"], s["x0"], s["x1"]) for s in layout["shapes"] if s["type"] == "rect"}
    assert shaded == {("drain", 28.0, 30.0), ("rebuild", 30.0, 44.0), ("qualification", 44.0, 52.0)}
    texts = [note["text"] for note in layout["annotations"]]
    assert texts == [phase.name for phase in plant.phases]


def test_scrap_bars_add_up_to_the_frame(figures: dict[str, Any], plant: RunResult) -> None:
    frame = frames.scrap_causes(plant)
    bars = [trace for trace in figures["scrap"]["data"] if trace["type"] == "bar"]
    money = [sum(trace["x"]) for trace in bars if trace["xaxis"] == "x"]
    cells = [sum(trace["x"]) for trace in bars if trace["xaxis"] == "x2"]
    assert sum(money) == pytest.approx(frame["usd"].sum())
    assert sum(cells) == pytest.approx(frame["cell_equivalents"].sum())
    ticks = figures["scrap"]["layout"]["yaxis"]["ticktext"]
    assert len(ticks) == 13
    assert ticks[-1] == "3 other causes"
    assert ticks[0].startswith("disc welder: seam too shallow")


def test_step_state_and_cost_bars_are_the_frames(figures: dict[str, Any], plant: RunResult) -> None:
    order = order_of_line(plant.nodes, plant.edges)
    steps = frames.step_yields(plant, order)
    old = named(figures["steps"], "ev nmc811")
    assert old["x"] == pytest.approx((100.0 * steps.loc[steps["product"] == "ev_nmc811", "loss"]).tolist())
    shares = frames.state_shares(plant, order)
    down = named(figures["states"], "down")
    assert down["x"] == pytest.approx((100.0 * shares.loc[shares["state"] == "down", "share"]).tolist())
    marked = [tick for tick in figures["states"]["layout"]["yaxis"]["ticktext"] if "bottleneck" in tick]
    assert len(marked) == 1 and marked[0].startswith("<b>disc welder")
    costs = frames.costs(plant)
    sold = costs[costs["usd_per_kwh"].notna() & (costs["period"] != frames.CONVERSION)]
    bars = [trace for trace in figures["cost"]["data"] if trace["type"] == "bar"]
    assert sum(sum(trace["x"]) for trace in bars) == pytest.approx(sold["usd_per_kwh"].sum())


def test_bridge_leads_from_one_total_to_the_other(figures: dict[str, Any], plant: RunResult) -> None:
    """To the cent; totals are means over replicates of their $/kWh, as the headline is."""
    steps = figures["bridge"]["data"][0]["x"]
    for step, (low, high) in ((steps[0], (0, 27)), (steps[-1], (91, 103))):
        weeks = plant.weekly[plant.weekly["week"].between(low, high)].groupby("replicate")
        expected = (weeks["full_cost_usd"].sum() / weeks["good_energy_mwh"].sum() / 1e3).mean()
        assert step == pytest.approx(expected, abs=0.0051)
    assert round(100 * sum(steps[:-1])) == round(100 * steps[-1])


def test_boxes_add_up_to_the_full_cost(figures: dict[str, Any], plant: RunResult) -> None:
    boxes = figures["breakdown"]["data"][0]
    whole = plant.weekly["full_cost_usd"].sum() / (1e3 * plant.weekly["good_energy_mwh"].sum())
    value = dict(zip(boxes["ids"], boxes["values"], strict=True))
    assert value["cost"] == pytest.approx(whole)
    inside: dict[str, float] = {}
    for key, parent in zip(boxes["ids"], boxes["parents"], strict=True):
        inside[parent] = inside.get(parent, 0.0) + value[key]
    for parent, total in inside.items():
        assert parent == "" or total == pytest.approx(value[parent])
    assert value["capital|winder"] == pytest.approx(value["capital"])


def test_recycling_is_told_beside_the_boxes(plant: RunResult) -> None:
    income = pd.DataFrame(
        {"replicate": [0], "week": [3], "place": ["wind.reel"], "account": ["recycling.lfp"], "usd": [5e6]}
    )
    frame = cost_charts.breakdown(dataclasses.replace(plant, incomes=income))
    mwh = plant.weekly["good_energy_mwh"].sum()
    whole = plant.weekly["full_cost_usd"].sum()
    assert frame["usd_per_kwh"].sum() == pytest.approx((whole - 5e6) / (1e3 * mwh))
    assert frame.loc[frame["account"] == "recycling.lfp", "station"].tolist() == ["wind"]
    assert "Recyclers paid" in cost_charts.breakdown_text(frame)


def test_cash_flow_ends_where_the_frame_does(figures: dict[str, Any], plant: RunResult) -> None:
    assert plant.cash is not None
    line, *bars = figures["cash"]["data"]
    ends = plant.cash.groupby("replicate")["cumulative_usd"].last()
    assert line["y"][-1] == pytest.approx(ends.mean() / 1e6)
    assert sum(sum(trace["y"]) for trace in bars) == pytest.approx(line["y"][-1])
    assert len(line["x"]) == 114
    assert any(note["text"] == "after the run" for note in figures["cash"]["layout"]["annotations"])
    assert cost_charts.cash(dataclasses.replace(plant, cash=plant.cash.assign(sales_usd=0.0))).empty


def test_no_trace_has_more_than_five_thousand_points(figures: dict[str, Any]) -> None:
    for figure in figures.values():
        for trace in figure["data"]:
            assert max(len(trace.get("x", [])), len(trace.get("y", []))) <= 5_000
            assert sum(len(row) for row in trace.get("z", [])) <= 5_000


def test_cost_axis_ends_where_the_curves_settle(make_plant: Callable[..., RunResult]) -> None:
    result = make_plant(1)
    weekly = result.weekly.copy()
    weekly.loc[weekly["week"] == 52, "cost_usd_per_kwh"] = 9_000.0
    layout = figures_of(page.render(dataclasses.replace(result, weekly=weekly)))["ramp"]["layout"]
    assert layout["yaxis3"]["range"][1] < 1_000.0
    assert any("highest week 9,000 $/kWh" in note["text"] for note in layout["annotations"])


def test_bare_line_report(bare_line: RunResult, parse: Callable[[str], Any]) -> None:
    html = page.render(bare_line)
    assert set(figures_of(html)) == {"states"}
    parsed = parse(without_plotly(html))
    assert {"headline", "line", "schematic", "manifest"} <= set(parsed.ids())
    assert not {"ramps", "losses", "costs", "assumptions"} & set(parsed.ids())
    assert "unlimited" in parsed.visible()
    assert "50.9 to 51.5" in parsed.visible()


def test_report_of_a_run_that_sold_nothing(make_plant: Callable[..., RunResult]) -> None:
    figures = figures_of(page.render(make_plant(1, sales=False)))
    assert "cost" not in figures
    assert any(note["text"] == "nothing was sold" for note in figures["ramp"]["layout"]["annotations"])


def test_report_of_an_empty_result() -> None:
    empty = pd.DataFrame()
    result = RunResult("void", "0" * 12, 1, 1, {"x": Kpi(None, "h", reason="nothing ran")}, *([empty] * 6))
    assert "nothing ran" in page.render(result)


def test_names_are_text_and_never_markup(make_plant: Callable[..., RunResult], parse: Callable[[str], Any]) -> None:
    result = make_plant(2, rename=HOSTILE)
    plain = make_plant(2)
    html, expected = without_plotly(page.render(result)), without_plotly(page.render(plain))
    parsed, same = parse(html), parse(expected)
    assert [tag for tag, _ in parsed.elements if tag == "script"] == [
        tag for tag, _ in same.elements if tag == "script"
    ]
    assert not parsed.all("img") and len(parsed.all("svg")) == 1
    assert not [name for _, attributes in parsed.elements for name in attributes if name.startswith("on")]
    assert "{{ 7 * 7 }}" in parsed.visible()
    figures = figures_of(html)
    text = json.dumps(figures, ensure_ascii=False)
    # What plotly itself reads as markup: only its own line breaks and bold.
    assert set(re.findall(r"<(\w+)", text)) <= {"br", "b", "extra"}
    assert "&lt;script&gt;" in text
    ticks = figures["states"]["layout"]["yaxis"]["ticktext"]
    assert "2024-01" in ticks


def test_warnings_stand_first_with_their_place(plant: RunResult) -> None:
    warning = ("a.yaml:3:7", "line.stations.age", "the K test cannot see a short of 1000 ohm", "lower the charge")
    html = page.render(dataclasses.replace(plant, warnings=(warning,)))
    assert html.count("<strong>Warning.</strong>") == 1
    assert "the K test cannot see a short of 1000 ohm. lower the charge. " in html
    assert "line.stations.age, a.yaml:3:7" in html
    assert html.index("Warning.") < html.index('class="cards"')


def test_same_result_same_bytes(tmp_path: Path, make_plant: Callable[..., RunResult]) -> None:
    page.write_report(make_plant(2), tmp_path / "a.html")
    page.write_report(make_plant(2), tmp_path / "b.html")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "b.html"]


def test_failed_report_leaves_nothing_behind(tmp_path: Path, plant: RunResult, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: Path) -> Path:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="disk full"):
        page.write_report(plant, tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


def test_figures_by_defect_or_product_are_no_stations() -> None:
    kpis = {
        "oee.wind": Kpi(0.5, "1"), "wait_mean_s.store": Kpi(4.0, "s"), "escape_ppm.leak": Kpi(3.0, "ppm"),
        "rated_gwh_per_year.ev": Kpi(1.0, "GWh/y"), "bottleneck": Kpi("wind", "station"),
    }  # fmt: skip
    table = page._station_table(kpis, ["wind", "store"])
    assert table is not None
    assert [row[0] for row in table.rows] == ["wind", "store"]
    assert [heading for heading, _ in table.columns] == ["station or buffer", "oee", "wait mean s"]
    assert page._station_table({"escape_ppm.leak": Kpi(3.0, "ppm")}, ["wind"]) is None
