"""Layers, bands and tracks of the drawn line, and the drawing itself."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pandas as pd
import pytest

from cellfab.report import frames, layout, schematic
from cellfab.result import RunResult

SVG = "{http://www.w3.org/2000/svg}"


def test_longest_path_decides_the_layer() -> None:
    # a feeds d directly and through b and c: d stands behind c.
    layers = layout.layers(["a", "b", "c", "d"], [("a", "b"), ("b", "c"), ("c", "d"), ("a", "d")])
    assert layers == {"a": 0, "b": 1, "c": 2, "d": 3}


def test_a_source_stands_next_to_what_it_feeds() -> None:
    layers = layout.layers(["a", "b", "c", "s"], [("a", "b"), ("b", "c"), ("s", "c")])
    assert layers["s"] == layers["c"] - 1 == 1


def test_nodes_on_a_cycle_are_still_drawn() -> None:
    assert set(layout.layers(["a", "b", "c"], [("a", "b"), ("b", "c"), ("c", "b")])) == {"a", "b", "c"}


def test_buffers_become_marks_on_links_unless_they_join_several() -> None:
    nodes = [("a", "source", ""), ("b", "buffer", ""), ("c", "serial", ""), ("d", "serial", ""), ("e", "buffer", "")]
    edges = [("a", "b"), ("b", "c"), ("c", "e"), ("d", "e")]
    names, links = layout.contract(nodes, edges)
    assert names == ["a", "c", "d", "e"]
    assert layout.Link("a", "c", ("b",)) in links
    assert {(link.start, link.end) for link in links} == {("a", "c"), ("c", "e"), ("d", "e")}


def test_two_buffers_in_a_row_lie_on_one_link() -> None:
    nodes = [("a", "source", ""), ("b", "buffer", ""), ("c", "buffer", ""), ("d", "sink", "")]
    _, links = layout.contract(nodes, [("a", "b"), ("b", "c"), ("c", "d")])
    assert links == [layout.Link("a", "d", ("b", "c"))]


def test_bands_are_no_wider_than_asked_and_no_two_nodes_share_a_place(plant: RunResult) -> None:
    names, links = layout.contract(plant.nodes, plant.edges)
    places = layout.place(names, links, most_columns=8)
    assert set(places) == set(names)
    assert max(place.column for place in places.values()) < 8
    assert len({(p.band, p.column, p.track) for p in places.values()}) == len(names)
    assert {places[name].track for name in names if name.startswith("cathode")} == {0.0}
    assert places["winder"].track == places["anode_vacuum_dryer"].track


def test_tracks_in_one_column_are_at_least_one_apart() -> None:
    names = ["a", "b", "c", "d"]
    links = [layout.Link("a", end) for end in ("b", "c", "d")]
    tracks = sorted(place.track for name, place in layout.place(names, links).items() if name != "a")
    assert tracks[1] - tracks[0] >= 1.0 and tracks[2] - tracks[1] >= 1.0


def test_line_order_goes_branch_by_branch_to_the_sink(plant: RunResult) -> None:
    order = layout.order_of_line(plant.nodes, plant.edges)
    assert order.index("cathode_vacuum_dryer") < order.index("anode_dosing") < order.index("winder")
    assert order[-1] == "shipping"
    assert sorted(order) == sorted(name for name, _, _ in plant.nodes)


@pytest.fixture
def drawing(plant: RunResult) -> ET.Element:
    order = layout.order_of_line(plant.nodes, plant.edges)
    shares = frames.state_shares(plant, order)
    return ET.fromstring(schematic.draw(plant.nodes, plant.edges, shares, frames.buffers(plant), "disc_welder"))


def test_drawing_shows_every_station_buffer_and_end(drawing: ET.Element, plant: RunResult) -> None:
    groups = [group.get("class") for group in drawing.iter(f"{SVG}g")]
    kinds = [kind for _, kind, _ in plant.nodes]
    assert groups.count("end") == kinds.count("source") + kinds.count("sink")
    assert groups.count("station") + groups.count("station bottleneck") == 25
    assert groups.count("station bottleneck") == 1
    marks = [path for path in drawing.iter(f"{SVG}path") if path.get("class") == "buffer"]
    assert len(marks) == kinds.count("buffer")
    assert any("unlimited" in (mark.find(f"{SVG}title").text or "") for mark in marks)  # type: ignore[union-attr]


def test_state_bars_in_the_drawing_have_the_widths_of_the_shares(drawing: ET.Element, plant: RunResult) -> None:
    shares = frames.state_shares(plant, [])
    winder = next(g for g in drawing.iter(f"{SVG}g") if "winder (" in (g.find(f"{SVG}title").text or ""))  # type: ignore[union-attr]
    bars = [rect for rect in winder.iter(f"{SVG}rect") if rect.get("fill")]
    whole = sum(float(bar.get("width", "0")) for bar in bars)
    working = shares[(shares["station"] == "winder") & (shares["state"] == "working")]["share"].item()
    # Widths are rounded to 0.1 px of about 106 px.
    assert float(bars[0].get("width", "0")) / whole == pytest.approx(working, abs=0.002)


def test_drawing_escapes_names_and_stays_inside_its_frame() -> None:
    name = '<script>alert("x")</script> & a very long name that needs more than two lines of the box'
    nodes = [("in", "source", ""), (name, "serial", "<b>"), ("out", "sink", "")]
    shares = pd.DataFrame({"station": [name], "state": ["working"], "share": [1.0]})
    svg = schematic.draw(nodes, [("in", name), (name, "out")], shares, pd.DataFrame(), name)
    assert "<script" not in svg
    root = ET.fromstring(svg)
    _, _, width, height = (float(part) for part in root.get("viewBox", "").split())
    for rect in root.iter(f"{SVG}rect"):
        assert float(rect.get("x", "-1")) >= 0 and float(rect.get("x", "0")) + float(rect.get("width", "0")) <= width
        assert float(rect.get("y", "-1")) >= 0 and float(rect.get("y", "0")) + float(rect.get("height", "0")) <= height
    box = next(group for group in root.iter(f"{SVG}g") if "station" in (group.get("class") or ""))
    assert len(list(box.iter(f"{SVG}tspan"))) == 2


def test_no_nodes_no_drawing() -> None:
    assert schematic.draw((), (), pd.DataFrame(), pd.DataFrame()) == ""
