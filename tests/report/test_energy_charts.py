"""Energy and supply: the charts hold the numbers of the result."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cellfab.report import energy_charts
from cellfab.report.page import render
from cellfab.result import Phase

SHOCKS = (Phase("graphite_control", 30.0, 40.0, "export control graphite"),)


def test_energy_by_place_adds_up_and_keeps_the_order_of_the_line(plant):
    stations = [name for name, kind, _ in plant.nodes if kind not in ("source", "sink", "buffer")]
    frame = energy_charts.energy_by_place(plant, stations)
    assert list(dict.fromkeys(frame["place"])) == [stations[0], stations[-1], "plant"]
    assert frame["kwh"].sum() == pytest.approx(plant.energy["kwh"].sum() / plant.replicates)
    heat = frame[(frame["place"] == stations[0]) & (frame["part"] == "heat, in use")]
    assert heat["scrap_share"].item() == pytest.approx(1e5 / 9e5)
    assert frame.loc[frame["place"] == "plant", "part"].item() == "heat, standing by"
    figure = energy_charts.energy_bars(frame)
    shown = sum(sum(trace.x) for trace in figure.data if trace.type == "bar")
    assert shown == pytest.approx(frame["kwh_per_kwh"].sum())
    text = energy_charts.energy_text(frame)
    assert "89 % of it heat" in text
    assert "most at plant" in text


def test_without_sales_there_is_no_energy_per_kwh(make_plant):
    assert energy_charts.energy_by_place(make_plant(1, sales=False), []).empty


def test_prices_that_change_are_shown_and_others_are_not(plant):
    frame = energy_charts.supply(plant)
    assert list(frame.columns) == ["week", "idle_cost_usd", "graphite"]
    assert set(frame.loc[frame["week"].between(30, 39), "graphite"]) == {3.0}
    figure = energy_charts.supply_curves(frame, SHOCKS)
    assert [trace.name for trace in figure.data] == ["graphite", "idle capacity"]
    band = next(shape for shape in figure.layout.shapes if shape.type == "rect")
    assert (band.x0, band.x1) == (30.0, 40.0)


def test_constant_prices_without_shocks_make_no_chart_and_a_shock_alone_does(plant):
    constant = replace(plant, prices=plant.prices[plant.prices["item"] == "lfp"])
    assert energy_charts.supply(constant).empty
    drop = energy_charts.supply(replace(constant, shocks=SHOCKS))
    assert list(drop.columns) == ["week", "idle_cost_usd"]
    assert len(energy_charts.supply_curves(drop, SHOCKS).data) == 1


def test_shocks_are_bands_of_the_ramp_and_words_of_the_page(plant):
    page = render(replace(plant, shocks=SHOCKS))
    assert page.count("graphite control") >= 2
    assert "Week 30 to 40: export control graphite." in page
    assert "Energy and carbon" in page
