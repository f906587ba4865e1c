"""Pictures of a study's variants: what each figure is, how they differ, and curves by week with their bands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd
import plotly.graph_objects as go

from cellfab.report import labels, style
from cellfab.report.numbers import percent, scaled
from cellfab.report.parts import Chart, make_chart
from cellfab.report.study_bands_text import SHOWN
from cellfab.report.study_text import shown_cases, shown_metrics
from cellfab.result import Kpi
from cellfab.study.bands import CurveBand
from cellfab.study.plan import Case, label
from cellfab.study.result import StudyResult
from cellfab.study.statistics import Interval

_MOST_ROWS, _MOST_CURVES = 30, 6


def figure_charts(result: StudyResult) -> Iterator[Chart]:
    """Each figure that the study names: of all cases, and less the reference."""
    cases = shown_cases(result)
    comparison = result.study.spec.comparison
    for place, metric in enumerate(shown_metrics(result)):
        means = [
            (one.case, one.unit, one.interval)
            for one in result.estimates
            if one.metric == metric and one.case.number in cases and one.interval is not None
        ]
        differences = [
            (one.case, one.unit, one.interval)
            for one in result.differences
            if one.metric == metric and one.case.number in cases
        ]
        name, confidence = labels.kpi_label(metric)[0], percent(result.study.spec.confidence_share, 0)
        if len(means) > 1:
            yield _rows(f"figure-{place}", name, f"Mean over replicates with its {confidence} interval.", metric, means)
        if differences and comparison is not None:
            pairs = "replicate by replicate" if comparison.paired else "of independent replicates"
            told = f"Difference to {comparison.reference}, {pairs}, with its {confidence} interval."
            title = f"{name}: what changes it"
            yield _rows(f"difference-{place}", title, told, metric, differences, comparison.reference)


def _rows(
    name: str, title: str, told: str, metric: str, found: Sequence[tuple[Case, str, Interval]], reference: str = ""
) -> Chart:
    """One row for each case: a point with its interval."""
    shown = found[:_MOST_ROWS]
    divisor, unit = _scale(metric, found[0][1], max(abs(interval.mean) for _, _, interval in found))
    half_widths = [interval.half_width / divisor for _, _, interval in shown]
    drawn = go.Figure()
    drawn.add_scatter(
        x=[interval.mean / divisor for _, _, interval in shown], y=list(range(len(shown))), mode="markers",
        error_x={"type": "data", "array": half_widths, "thickness": 1.4, "width": 5},
        marker={"size": 8, "color": labels.BLUE}, showlegend=False,
        hovertemplate="%{x:,.5g}" + f" {unit}<extra></extra>",
    )  # fmt: skip
    axis = f"{metric} less {reference}" if reference else metric
    drawn.update_xaxes(title_text=style.label(f"{axis}, {unit}" if unit else axis))
    if reference:
        drawn.update_xaxes(rangemode="tozero", zerolinewidth=2, zerolinecolor=style.FAINT)
    style.finish(drawn, 110 + 34 * len(shown))
    style.name_rows(drawn, [case.label for case, _, _ in shown], 44)
    if len(shown) < len(found):
        told += f" The first {len(shown)} of {len(found)} cases; the table has all."
    rows = [
        {"case": case.label, "mean": one.mean, "low": one.low, "high": one.high, "n": one.n, "unit": written}
        for case, written, one in found
    ]
    return make_chart(name, title, told, drawn, pd.DataFrame(rows))


def curve_charts(bands: Sequence[CurveBand]) -> Iterator[Chart]:
    """The main curves by week: the median of each case, and between what nine tenths of the replicates lie."""
    for place, curve in enumerate(SHOWN):
        of_curve = [one for one in bands if one.curve == curve and one.band.n.any()]
        if of_curve:
            yield _curve(f"curve-{place}", of_curve)


def _curve(name: str, bands: Sequence[CurveBand]) -> Chart:
    first, shown = bands[0], bands[:_MOST_CURVES]
    frame = pd.concat([_frame(one) for one in bands], ignore_index=True)
    divisor, unit = _scale(first.curve, first.unit, float(frame["p50"].abs().max()))
    drawn = go.Figure()
    names = [label(one.variant, one.factors) for one in bands]
    for one, case, colour in zip(shown, names, labels.colours(names[: len(shown)]).values(), strict=False):
        table = _frame(one)
        weeks = (table["week"] + 0.5).tolist()
        x, y = style.outline(weeks, table["p5"] / divisor, table["p95"] / divisor)
        drawn.add_scatter(
            x=x, y=y, mode="lines", line={"width": 0}, fill="toself", fillcolor=style.faded(colour),
            legendgroup=case, showlegend=False, hoverinfo="skip",
        )  # fmt: skip
        drawn.add_scatter(
            x=weeks, y=[None if pd.isna(value) else value / divisor for value in table["p50"]],
            mode="lines+markers", line={"color": colour, "width": 2}, marker={"size": 3}, legendgroup=case,
            name=style.label(case), customdata=table["week"].tolist(),
            hovertemplate="week %{customdata}: %{y:,.4g}" + f" {unit}<extra>%{{fullData.name}}</extra>",
        )  # fmt: skip
    drawn.update_xaxes(title_text="Week")
    drawn.update_yaxes(title_text=style.label(f"{first.curve}, {unit}"), rangemode="tozero")
    style.finish(drawn, 360, showlegend=len(shown) > 1)
    told = f"Median and the middle nine tenths of {max(int(one.band.n.max()) for one in shown)} replicates."
    if len(shown) < len(bands):
        told += f" The first {len(shown)} of {len(bands)} cases; the table has all."
    return make_chart(name, f"{labels.kpi_label(first.curve)[0]} by week", told, drawn, frame)


def _scale(metric: str, unit: str, largest: float) -> tuple[float, str]:
    """Divisor and unit of an axis; yields are shown in per cent."""
    return scaled(labels.kpi_unit(metric, Kpi(largest, unit)), largest)


def _frame(one: CurveBand) -> pd.DataFrame:
    band = one.band
    quantiles = {f"p{100 * share:g}": row for share, row in zip(band.shares, band.values, strict=True)}
    weeks = range(band.n.size)
    return pd.DataFrame(
        {"case": label(one.variant, one.factors), "week": weeks, "n": band.n, **quantiles, "unit": one.unit}
    )
