"""Pictures of a study as one HTML page: figures and curves, bars of what moves them, laws of what is not known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from cellfab.report import labels, style
from cellfab.report.levers_chart import lever_charts
from cellfab.report.numbers import number, percent, scaled
from cellfab.report.parts import Chart, fill, make_chart, write_whole
from cellfab.report.study_charts import curve_charts, figure_charts
from cellfab.report.study_sensitivity_text import ends_of, full_bar
from cellfab.report.study_text import ENDINGS
from cellfab.study.analysis_parts import FigureSensitivity, FigureSpread, Measure, Sensitivity, Subject, Uncertainty
from cellfab.study.bands import Bands
from cellfab.study.levers import LeverRanking
from cellfab.study.result import StudyResult
from cellfab.study.sensitivity import Effect, Share
from cellfab.study.tornado import Change, Swing, size_of

_MOST_BARS = 20
_LOW, _HIGH = labels.BLUE, labels.ORANGE


def write_study_page(result: StudyResult, path: Path) -> Path | None:
    """Write the pictures of a study as one self-contained HTML file, made like the report of a run.

    Parameters
    ----------
    result : StudyResult
    path : Path
        File to write; its folder must exist. It appears whole or not at all.

    Returns
    -------
    Path or None
        The file; None of a study that has no pictures.
    """
    ranked = [part for part in result.parts if isinstance(part, LeverRanking)]
    if ranked:
        charts = [chart for part in ranked for chart in lever_charts(part)]
    else:
        charts = [*figure_charts(result), *_charts(result)]
    if not charts:
        return None
    study = result.study
    moved = len(study.moved.names) + len(study.spec.factors)
    design = f", {moved} values moved ({study.spec.design.kind})" if moved and study.spec.search is None else ""
    cases = "1 case" if len(study.cases) == 1 else f"{len(study.cases)} cases"
    told = f"{cases}{design}, seed {study.spec.seed}; ended: {ENDINGS[result.ended]}"
    content = {"title": study.name, "description": study.spec.description, "told": told, "charts": charts}
    write_whole(fill("study.html.j2", content), path)
    return path


def _charts(result: StudyResult) -> Iterator[Chart]:
    for part in result.parts:
        match part:
            case Sensitivity():
                for place, figure in enumerate(part.figures):
                    if any(size_of(one) > 0.0 for one in figure.measures):
                        yield _sensitivity(part, figure, place)
            case Bands():
                yield from curve_charts(part.bands)
            case Uncertainty():
                metrics = dict.fromkeys(one.metric for one in part.figures if len(one.values) > 1)
                for place, metric in enumerate(metrics):
                    yield _laws([one for one in part.figures if one.metric == metric and len(one.values) > 1], place)


# ---- what moves a figure --------------------------------------------------------------------------------------------


def _sensitivity(part: Sensitivity, figure: FigureSensitivity, place: int) -> Chart:
    divisor, unit = (0.01, "%") if part.kind == "saltelli" else scaled(figure.unit, figure.base or 0.0)
    shown = [one for one in figure.measures if size_of(one) > 0.0][:_MOST_BARS]
    drawn = go.Figure()
    for name, colour, points in _traces(shown, divisor):
        drawn.add_bar(
            x=[value for value, _ in points],
            y=list(range(len(shown))),
            error_x={"type": "data", "array": [half or 0.0 for _, half in points], "thickness": 1.2, "width": 3},
            orientation="h",
            name=name,
            marker_color=colour,
            hovertemplate="%{x:,.4g}" + f" {unit}<extra>{name}</extra>",
        )
    title = {
        "one_at_a_time": f"Change of {figure.metric}, {unit}",
        "morris": f"Change of {figure.metric} per full range, {unit}",
        "saltelli": f"Share of the variance of {figure.metric}, %",
    }[part.kind]
    reach, largest = full_bar(shown), max(abs(end) for one in shown for end in ends_of(one))
    drawn.update_xaxes(title_text=style.label(title))
    if reach < largest:
        drawn.update_xaxes(range=[-1.05 * reach / divisor, 1.05 * reach / divisor])
    style.finish(
        drawn, 120 + (30 if part.kind != "saltelli" else 40) * len(shown),
        barmode="overlay" if part.kind == "one_at_a_time" else "group", bargap=0.3,
    )  # fmt: skip
    style.name_rows(drawn, [one.name.removeprefix("line.stations.").replace(".", " › ") for one in shown], 44)
    name = f"{labels.sentence(labels.words(figure.metric))}: what moves it most"
    variant = "" if figure.variant == "base" else f"Variant {figure.variant}. "
    caption = variant + _caption(part, figure, shown[0], divisor, unit)
    if reach < largest:
        caption += " Bars that would hide the others are cut: the table has their size."
    return make_chart(f"sensitivity-{place}", name, caption, drawn, _frame(shown, part.subjects[figure.variant]))


def _traces(shown: Sequence[Measure], divisor: float) -> list[tuple[str, str, list[tuple[float | None, float | None]]]]:
    """Name, colour, and value with half-width of each row."""
    match shown[0]:
        case Swing():
            swings = [one for one in shown if isinstance(one, Swing)]
            return [
                ("at its low end", _LOW, [_point(one.at_low, divisor) for one in swings]),
                ("at its high end", _HIGH, [_point(one.at_high, divisor) for one in swings]),
            ]
        case Effect():
            effects = [one.strength for one in shown if isinstance(one, Effect)]
            return [
                ("mean size of the effect", _LOW, [(one.mean / divisor, one.half_width / divisor) for one in effects])
            ]
    shares = [one for one in shown if isinstance(one, Share)]
    return [
        ("by itself", _LOW, [(one.first.mean / divisor, one.first.half_width / divisor) for one in shares]),
        ("with others", _HIGH, [(one.total.mean / divisor, one.total.half_width / divisor) for one in shares]),
    ]


def _point(change: Change | None, divisor: float) -> tuple[float | None, float | None]:
    if change is None:
        return None, None
    return change.value / divisor, None if change.half_width is None else change.half_width / divisor


def _caption(part: Sensitivity, figure: FigureSensitivity, first: Measure, divisor: float, unit: str) -> str:
    size = f"{number(size_of(first) / divisor)} {unit}".rstrip()
    match first:
        case Swing():
            base = number((figure.base or 0.0) / divisor, 4)
            return f"{first.name} moves it by {size} between its ends; as the scenario is, it is {base} {unit}.".strip()
        case Effect():
            return f"{first.name} changes it by {size} over its range, on average over where the others stand."
    return f"{first.name} causes {size} of its variance, together with what it does with others."


def _frame(shown: Sequence[Measure], subjects: dict[str, Subject] | Any) -> pd.DataFrame:
    rows = []
    for one in shown:
        subject = subjects[one.name]
        row = {"value": one.name, "low": subject.low, "now": subject.value, "high": subject.high}
        match one:
            case Swing():
                row |= {
                    f"{name}{what}": None if end is None else number_
                    for name, end in (("at_low", one.at_low), ("at_high", one.at_high))
                    for what, number_ in (("", end and end.value), ("_half_width", end and end.half_width))
                }
            case Effect():
                row |= {"mu_star": one.strength.mean, "half_width": one.strength.half_width, "mu": one.mean,
                        "sigma": one.scatter}  # fmt: skip
            case Share():
                row |= {"first": one.first.mean, "first_half_width": one.first.half_width, "total": one.total.mean,
                        "total_half_width": one.total.half_width}  # fmt: skip
        rows.append(row | {"written_at": subject.place, "source": subject.source})
    return pd.DataFrame(rows)


# ---- laws of figures ------------------------------------------------------------------------------------------------


def _laws(figures: Sequence[FigureSpread], place: int) -> Chart:
    """Share of the points at which a figure is at most so large, one curve for each variant."""
    first = figures[0]
    divisor, unit = scaled(first.unit, first.values[len(first.values) // 2])
    drawn = go.Figure()
    frames = []
    for one, colour in zip(figures, labels.colours([figure.variant for figure in figures]).values(), strict=True):
        n = len(one.values)
        shares = [(rank + 1) / n for rank in range(n)]
        drawn.add_scatter(
            x=[value / divisor for value in one.values], y=[100.0 * share for share in shares], mode="lines",
            line={"shape": "hv", "color": colour, "width": 2}, name=style.label(one.variant),
            hovertemplate="at most %{x:,.4g}" + f" {unit}: %{{y:.0f}} %<extra></extra>",
        )  # fmt: skip
        frames.append(pd.DataFrame({"variant": one.variant, "share": shares, first.metric: one.values}))
    drawn.update_xaxes(title_text=style.label(f"{first.metric}, {unit}"))
    drawn.update_yaxes(title_text="Points at or below, %", range=[0, 100])
    style.finish(drawn, 360, showlegend=len(figures) > 1)
    told = []
    for one in figures:
        assert one.spread is not None
        low, middle, high = (number(found.value / divisor, 4) for found in one.spread.quantiles)
        who = f"{one.variant}: " if len(figures) > 1 else ""
        told.append(f"{who}nine tenths of the points lie between {low} and {high} {unit}, half below {middle}")
        if one.split is not None:
            told[-1] += f"; {percent(one.split.share, 0)} of the variance comes from inputs, the rest from chance"
    title = f"{labels.sentence(labels.words(first.metric))} over what is not known"
    caption = labels.sentence("; ".join(told)) + "."
    return make_chart(f"law-{place}", title, caption, drawn, pd.concat(frames, ignore_index=True))
