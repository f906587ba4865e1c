"""Carbon dioxide of a run by where it comes from: energy of the plant, and making each material."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from cellfab.report import labels, style
from cellfab.report.numbers import number, percent
from cellfab.result import RunResult

ENERGY, MATERIALS = "energy", "materials"
_COLOURS = {ENERGY: labels.BLUE, MATERIALS: labels.ORANGE}
_GIVEN_BACK = "returned"
_SMALLEST_SHARE = 1e-3
"""Bars smaller than this share of the whole are not drawn."""


def carbon_by_source(result: RunResult) -> pd.DataFrame:
    """Carbon dioxide by source, the largest first; what was given back to the store is not in it.

    Returns
    -------
    DataFrame
        kind ("energy" or "materials"), source, co2_kg (mean per replicate), kg_per_kwh (per good kWh) and
        scrap_kg_per_kwh (of it, in what was scrapped). Empty where nothing was sold or no material has a factor: the
        chart of energy has the rest.
    """
    energy, materials = result.energy, result.materials
    if energy is None or energy.empty or materials is None or materials.empty or not materials["co2_kg"].any():
        return pd.DataFrame()
    kwh = 1e3 * float(result.weekly["good_energy_mwh"].sum())
    if kwh <= 0.0:
        return pd.DataFrame()
    scrap_kg = energy["co2_kg"] * energy["scrap_share"]
    used = pd.DataFrame({"source": energy["carrier"], "co2_kg": energy["co2_kg"], "scrap_kg": scrap_kg, "kind": ENERGY})
    bought = materials[(materials["fate"] != _GIVEN_BACK) & (materials["co2_kg"] != 0.0)]
    scrapped = bought["co2_kg"].where(bought["fate"].str.startswith("scrapped"), 0.0)
    made = pd.DataFrame(
        {"source": bought["material"], "co2_kg": bought["co2_kg"], "scrap_kg": scrapped, "kind": MATERIALS}
    )
    sums = pd.concat([used, made]).groupby(["kind", "source"], sort=True)[["co2_kg", "scrap_kg"]].sum().reset_index()
    out = pd.DataFrame(
        {
            "kind": sums["kind"],
            "source": sums["source"],
            "co2_kg": sums["co2_kg"] / result.replicates,
            "kg_per_kwh": sums["co2_kg"] / kwh,
            "scrap_kg_per_kwh": sums["scrap_kg"] / kwh,
        }
    )
    return out.sort_values("kg_per_kwh", ascending=False, kind="stable").reset_index(drop=True)


def carbon_text(frame: pd.DataFrame) -> str:
    """Both sums and the largest source, in words."""
    whole = float(frame["kg_per_kwh"].sum())
    energy = float(frame.loc[frame["kind"] == ENERGY, "kg_per_kwh"].sum())
    largest = frame.iloc[0]
    scrap = float(frame["scrap_kg_per_kwh"].sum())
    return (
        f"{number(whole)} kg of carbon dioxide per good kWh: {number(energy)} from the plant's electricity and heat,"
        f" {number(whole - energy)} from making the materials; most from {labels.words(str(largest['source']))}"
        f" ({percent(float(largest['kg_per_kwh']) / whole, 0)}). {percent(scrap / whole)} went into what was scrapped."
    )


def carbon_bars(frame: pd.DataFrame) -> go.Figure:
    """Kilograms per good kWh by source, energy and materials in two colours."""
    shown = frame[frame["kg_per_kwh"] >= _SMALLEST_SHARE * frame["kg_per_kwh"].sum()].reset_index(drop=True)
    figure = go.Figure()
    for kind, colour in _COLOURS.items():
        part = shown[shown["kind"] == kind]
        figure.add_bar(
            x=part["kg_per_kwh"].tolist(), y=part.index.tolist(), orientation="h", name=kind, marker_color=colour,
            text=[f" {number(kg)}" for kg in part["kg_per_kwh"]], textposition="outside", cliponaxis=False,
            customdata=part["scrap_kg_per_kwh"].tolist(),
            hovertemplate="%{x:.3f} kg per good kWh, %{customdata:.3f} of it scrapped<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    style.finish(figure, 96 + 22 * len(shown), barmode="stack", bargap=0.28)
    style.name_rows(figure, [labels.words(str(source)) for source in shown["source"]], 30)
    figure.update_xaxes(title_text="kg of CO2 per good kWh", range=[0, 1.15 * float(shown["kg_per_kwh"].max())])
    return figure
