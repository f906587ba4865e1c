"""Where the cost per kWh comes from, down to the station, and when money moves: numbers, sentences and charts."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from cellfab.report import labels, style
from cellfab.report.frames import borne
from cellfab.report.numbers import joined, number
from cellfab.result import RunResult

_QUARTER_WEEKS = 13
_PARTS = (
    ("sales_usd", "sales", labels.GREEN, 1.0),
    ("credits_usd", "tax credits", labels.SKY, 1.0),
    ("recycling_usd", "recycling", labels.YELLOW, 1.0),
    ("operating_usd", "materials, people, energy, services", labels.VERMILION, -1.0),
    ("capital_usd", "capital", labels.GREY, -1.0),
)
"""Column of `RunResult.cash`, name, colour and sign."""
_SMALLEST_SHARE = 1e-4
"""Boxes smaller than this share of the whole are not drawn."""


def breakdown(result: RunResult) -> pd.DataFrame:
    """Full cost per good kWh of the whole run by account and station.

    An account's cost is what the output bears; it is shared among stations as it was posted to them.

    Returns
    -------
    DataFrame
        group (first word of the account), account, station, usd (posted there, mean per replicate) and usd_per_kwh
        (borne; "recycling" is negative, and all add up to the headline). Empty where nothing was sold.
    """
    whole = borne(result)
    kwh = 1_000.0 * float(result.weekly["good_energy_mwh"].sum()) if not result.weekly.empty else 0.0
    if whole.empty or kwh <= 0.0:
        return pd.DataFrame()
    posted: dict[str, dict[str, float]] = {}
    sums = result.costs.groupby(["account", "station"], sort=True)["usd"].sum().reset_index()
    for row in sums.to_dict("records"):
        posted.setdefault(str(row["account"]), {})[str(row["station"])] = float(row["usd"])
    earned: dict[str, dict[str, float]] = {}
    incomes = pd.DataFrame(columns=["account", "place", "usd"]) if result.incomes is None else result.incomes
    for row in incomes.groupby(["account", "place"], sort=True)["usd"].sum().reset_index().to_dict("records"):
        sites = earned.setdefault(str(row["account"]), {})
        station = str(row["place"]).partition(".")[0]
        sites[station] = sites.get(station, 0.0) - float(row["usd"])
    rows: list[tuple[str, str, str, float, float]] = []
    for row in whole.groupby("account", sort=True)["usd"].sum().reset_index().to_dict("records"):
        account, usd = str(row["account"]), float(row["usd"])
        sites = posted.get(account) or earned.get(account) or {"": usd}
        total = sum(sites.values())
        for station, here in sites.items():
            part = usd * here / total / kwh if total else 0.0
            rows.append((account.partition(".")[0], account, station, here / result.replicates, part))
    out = pd.DataFrame(rows, columns=["group", "account", "station", "usd", "usd_per_kwh"])
    order = out["usd_per_kwh"].abs().sort_values(ascending=False, kind="stable").index
    return out.reindex(order).reset_index(drop=True)


def breakdown_text(frame: pd.DataFrame) -> str:
    """The headline, its largest account and station, and what is not in the boxes."""
    total = float(frame["usd_per_kwh"].sum())
    account = frame.groupby("account", sort=True)["usd_per_kwh"].sum().sort_values(ascending=False, kind="stable")
    text = (
        f"Full cost {number(total)} $/kWh; the largest account is {labels.account(str(account.index[0]))} with "
        f"{number(float(account.iloc[0]))} $/kWh. Click a box to look inside: account, then station."
    )
    back = float(frame.loc[frame["usd_per_kwh"] < 0.0, "usd_per_kwh"].sum())
    if back <= -0.005:
        text += f" Recyclers paid {number(-back)} $/kWh back, which the boxes do not show."
    return text


def breakdown_map(frame: pd.DataFrame) -> go.Figure:
    """Boxes within boxes: groups of accounts, accounts, stations; the area is $ per good kWh."""
    smallest = _SMALLEST_SHARE * float(frame["usd_per_kwh"].sum())
    shown = frame[frame["usd_per_kwh"] > smallest]
    values: dict[str, float] = {}
    names: dict[str, str] = {"cost": "full cost"}
    parents: dict[str, str] = {"cost": ""}
    for row in shown.to_dict("records"):
        group, account, station = str(row["group"]), str(row["account"]), str(row["station"])
        path = ["cost"]
        for key, name in (
            (group, labels.words(group)),
            (account, account.partition(".")[2] and labels.words(account.partition(".")[2])),
            (f"{account}|{station}", station and labels.words(station)),
        ):
            if name:
                names.setdefault(key, name)
                parents.setdefault(key, path[-1])
                path.append(key)
        for key in path:
            values[key] = values.get(key, 0.0) + float(row["usd_per_kwh"])
    groups = list(dict.fromkeys(shown["group"]))
    colours = {group: labels.ACCOUNT_COLOURS[i % len(labels.ACCOUNT_COLOURS)] for i, group in enumerate(groups)}
    figure = go.Figure(
        go.Treemap(
            ids=list(values),
            labels=[style.label(names[key]) for key in values],
            parents=[parents[key] for key in values],
            values=list(values.values()),
            branchvalues="total",
            marker={
                "colors": [_colour(key, parents, colours) for key in values],
                "line": {"width": 1, "color": "#ffffff"},
            },
            texttemplate="%{label}<br>%{value:,.2f} $/kWh",
            hovertemplate="%{label}: %{value:,.2f} $/kWh<br>%{percentRoot:.1%} of the full cost<extra></extra>",
            textfont={"color": "#1b1f24"},
            maxdepth=3,
            sort=True,
        )
    )
    return style.finish(figure, 520, margin={"l": 8, "r": 8, "t": 8, "b": 8})


def cash(result: RunResult) -> pd.DataFrame:
    """Money by week, mean over replicates: the columns of `RunResult.cash` without `replicate`; empty without sales."""
    if result.cash is None or result.cash.empty or not result.cash["sales_usd"].any():
        return pd.DataFrame()
    columns = [name for name, *_ in _PARTS]
    sums = result.cash.groupby("week", sort=True)[[*columns, "net_usd"]].sum() / result.replicates
    sums.insert(0, "simulated", result.cash.groupby("week", sort=True)["simulated"].max())
    # Replicates end in different weeks where their last payments do: a sum that has ended stays as it is.
    sums["cumulative_usd"] = sums["net_usd"].cumsum()
    return sums.reset_index()


def cash_text(frame: pd.DataFrame) -> str:
    """The deepest point, the end, and what is assumed after the run."""
    weeks, total = frame["week"].tolist(), [float(usd) for usd in frame["cumulative_usd"]]
    text = f"At the end {joined(total[-1], 'usd')} have come in, undiscounted and before tax"
    deepest = min(total)
    if deepest < 0.0:
        text += f"; the most that is out is {joined(-deepest, 'usd')}, in week {weeks[total.index(deepest)]}"
    later = int((frame["simulated"] == 0).sum())
    if later:
        text += ". After the run the plant goes on as in its last quarter, at the prices and credits of their dates"
    return f"{text}."


def cash_chart(frame: pd.DataFrame) -> go.Figure:
    """The sum of all money by week, and what it is made of by quarter; what is not simulated is shaded."""
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.06, row_heights=[0.55, 0.45])
    figure.add_scatter(
        x=(frame["week"] + 1.0).tolist(),
        y=[usd / 1e6 for usd in frame["cumulative_usd"]],
        mode="lines",
        line={"color": labels.BLUE, "width": 2},
        name="sum of all money",
        hovertemplate="end of week %{x:.0f}: %{y:,.2f} M$<extra></extra>",
        row=1,
        col=1,
    )
    quarters = frame.groupby(frame["week"] // _QUARTER_WEEKS, sort=True)[[name for name, *_ in _PARTS]].sum()
    middle = [(quarter + 0.5) * _QUARTER_WEEKS for quarter in quarters.index.tolist()]
    for column, name, colour, sign in _PARTS:
        if frame[column].any():
            figure.add_bar(
                x=middle,
                y=[sign * usd / 1e6 for usd in quarters[column]],
                width=0.8 * _QUARTER_WEEKS,
                name=name,
                marker_color=colour,
                hovertemplate="13 weeks around week %{x:.0f}: %{y:,.2f} M$<extra>%{fullData.name}</extra>",
                row=2,
                col=1,
            )
    last = float(frame["week"].max()) + 1.0
    simulated = float(frame["simulated"].sum())
    if simulated < last:
        figure.add_shape(
            type="rect", x0=simulated, x1=last, y0=0, y1=1, xref="x", yref="paper", layer="below",
            fillcolor="rgba(140,140,140,0.12)", line={"width": 0}, name="after the run",
        )  # fmt: skip
        figure.add_annotation(
            x=simulated, y=1.0, xref="x", yref="paper", xanchor="left", yanchor="bottom", text="after the run",
            showarrow=False, font={"size": 12},
        )  # fmt: skip
    style.finish(figure, 520, barmode="relative", legend={"y": -0.11, "yanchor": "top"}, margin={"t": 34, "l": 60})
    figure.update_xaxes(range=[0.0, last], zeroline=False)
    figure.update_xaxes(title_text="Week", row=2, col=1)
    figure.update_yaxes(title_text="Sum, M$", row=1, col=1)
    figure.update_yaxes(title_text="M$ per 13 weeks", row=2, col=1)
    return figure


def _colour(key: str, parents: dict[str, str], colours: dict[str, str]) -> str:
    while key != "cost" and key not in colours:
        key = parents[key]
    return colours.get(key, "rgba(0,0,0,0)")
