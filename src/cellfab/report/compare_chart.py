"""A comparison as an HTML page: the waterfall, what makes up its bars, and all key figures side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from cellfab.compare import Comparison
from cellfab.economics.waterfall import KINDS
from cellfab.report import labels, style
from cellfab.report.compare_text import account_words, figure_texts, main_accounts, money, shown_bars, titles
from cellfab.report.parts import Table, as_csv, fill, make_chart, make_table, write_whole


def write_comparison(found: Comparison, path: Path) -> None:
    """Write a comparison as one self-contained HTML file, made like the report of a run.

    Parameters
    ----------
    found : Comparison
    path : Path
        File to write; its folder must exist. It appears whole or not at all.
    """
    write_whole(render(found), path)


def render(found: Comparison) -> str:
    """The page as text (see `write_comparison`)."""
    before, after = titles(found)
    chart = make_chart(
        "waterfall",
        f"From {before} to {after}",
        f"{labels.sentence(KINDS[found.kind])}. {_sums(found)}",
        waterfall(found),
        _bars_frame(found),
    )
    content: dict[str, Any] = {
        "title": " and ".join(dict.fromkeys(found.names)),
        "before": before,
        "after": after,
        "chart": chart,
        "accounts": make_table("accounts", accounts_frame(found)),
        "figures": _figures_table(found),
    }
    return fill("compare.html.j2", content)


def waterfall(found: Comparison, ends: tuple[str, str] | None = None) -> go.Figure:
    """Horizontal waterfall of whole cents, so that the bars add up as they are printed; `ends` names the totals."""
    bars = shown_bars(found)
    before, after = ends or titles(found)
    names = [before, *(bar.name for bar in bars), after]
    hover = [_in_dollars(found.cents[0]), *(main_accounts(bar) for bar in bars), _in_dollars(found.cents[1])]
    return bridge(names, found.cents, [bar.cents for bar in bars], hover)


def bridge(names: Sequence[str], ends: tuple[int, int], cents: Sequence[int], hover: Sequence[str]) -> go.Figure:
    """Bars from one total to another.

    Parameters
    ----------
    names, hover : sequences of str
        Of the first total, of each bar and of the last total.
    ends : pair of int
        Cents per kWh; the first and all bars add up to the last.
    cents : sequence of int
    """
    start, end = (total / 100 for total in ends)
    changes = [cent / 100 for cent in cents]
    figure = go.Figure(
        go.Waterfall(
            orientation="h",
            x=[start, *changes, end],
            y=list(range(len(names))),
            measure=["absolute", *["relative"] * len(changes), "total"],
            text=[
                money(ends[0], signed=False),
                *(money(c).replace("-", "−") for c in cents),
                money(ends[1], signed=False),
            ],
            textposition="outside",
            cliponaxis=False,
            increasing={"marker": {"color": labels.VERMILION}},
            decreasing={"marker": {"color": labels.GREEN}},
            totals={"marker": {"color": labels.GREY}},
            connector={"line": {"color": style.FAINT, "width": 1}},
            customdata=[style.label(text) for text in hover],
            hovertemplate="%{y}: %{text} $/kWh<br>%{customdata}<extra></extra>",
        )
    )
    style.finish(figure, 90 + 28 * len(names), showlegend=False, bargap=0.3)
    style.name_rows(figure, names, 34)
    running = [start]
    for change in changes:
        running.append(running[-1] + change)
    low = min(0.0, *running)
    figure.update_xaxes(title_text="$ per good kWh", range=[1.1 * low, 1.12 * max(running)])
    return figure


def _sums(found: Comparison) -> str:
    smallest = len(found.bars) - len(shown_bars(found))
    bars = "1 bar of less than a cent is" if smallest == 1 else f"{smallest} bars of less than a cent are"
    left_out = f" {bars} not drawn." if smallest else ""
    return f"The bars add up to the cent: each is what one cause changes when all others change too.{left_out}"


def _in_dollars(cents: int) -> str:
    return f"{money(cents, signed=False)} $/kWh"


def _bars_frame(found: Comparison) -> pd.DataFrame:
    before, after = titles(found)
    rows: list[tuple[str, float, float, float | None]] = [(before, found.cents[0] / 100, found.usd_per_kwh[0], None)]
    rows += [(bar.name, bar.cents / 100, bar.usd_per_kwh, bar.half_width) for bar in found.bars]
    rows.append((after, found.cents[1] / 100, found.usd_per_kwh[1], None))
    frame = pd.DataFrame(rows, columns=["bar", "usd_per_kwh_to_the_cent", "usd_per_kwh", "half_width_95"])
    return frame if found.bars and found.bars[0].half_width is not None else frame.drop(columns="half_width_95")


def accounts_frame(found: Comparison) -> pd.DataFrame:
    """What each bar is made of, the largest contributions first."""
    rows = [(bar.name, account_words(account), usd) for bar in found.bars for account, usd in bar.accounts.items()]
    frame = pd.DataFrame(rows, columns=["bar", "account", "usd_per_kwh"])
    order = frame["usd_per_kwh"].abs().sort_values(ascending=False, kind="stable").index
    return frame.reindex(order).reset_index(drop=True)


def _figures_table(found: Comparison) -> Table:
    rows = tuple((figure.name, *figure_texts(figure)) for figure in found.figures)
    frame = pd.DataFrame(
        [(figure.name, figure.unit, figure.before, figure.after, figure.difference) for figure in found.figures],
        columns=["figure", "unit", "a", "b", "difference"],
    )
    headings = (("figure", False), (found.names[0], True), (found.names[1], True), ("difference", True))
    return Table("figures", headings, rows, len(rows), as_csv(frame))
