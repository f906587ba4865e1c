"""A comparison in words and as JSON: a waterfall of plain characters, and key figures side by side."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from cellfab.compare import Bar, Comparison, Figure
from cellfab.economics.waterfall import KINDS
from cellfab.report import labels
from cellfab.report.numbers import MISSING, joined, number

SCHEMA_VERSION = 1
_PLOT = 40
"""Characters of the widest bar."""
_SHOWN_ACCOUNTS = 3
_KNOWN = (
    "good_energy_mwh", "good_energy_mwh_last_quarter", "line_yield_last_quarter", "rolled_throughput_yield",
    "final_yield", "cost_usd_per_kwh", "cost_usd_per_kwh_last_quarter", "cash_cost_usd_per_kwh", "net_cost_usd_per_kwh",
    "price_usd_per_kwh", "levelised_cost_usd_per_kwh", "npv_musd", "irr_share_per_year", "payback_weeks", "capex_musd",
    "installed_capital_musd", "scrap_cost_usd", "energy_kwh_per_kwh", "weeks_to_90pct_rate", "weeks_to_90pct_yield",
    "escape_ppm", "bottleneck", "throughput_per_h", "lead_time_mean_h", "wip_mean",
)  # fmt: skip
"""Key figures that the terminal shows; all of them are in the JSON document and the page."""


def comparison_document(found: Comparison) -> dict[str, Any]:
    """What `cellfab compare --json` prints: bars in full precision and in cents that add up."""
    sides = [
        {"name": name, "weeks": list(weeks), "good_mwh": mwh, "usd_per_kwh": usd, "cents": cents}
        for name, weeks, mwh, usd, cents in zip(
            found.names, found.weeks, found.good_mwh, found.usd_per_kwh, found.cents, strict=True
        )
    ]
    return {
        "schema_version": SCHEMA_VERSION,
        "cost": found.kind,
        "a": sides[0],
        "b": sides[1],
        "pairs": found.pairs,
        "paired": found.paired,
        "bars": [
            {
                "name": bar.name,
                "usd_per_kwh": bar.usd_per_kwh,
                "cents": bar.cents,
                "ci_low": None if bar.half_width is None else bar.usd_per_kwh - bar.half_width,
                "ci_high": None if bar.half_width is None else bar.usd_per_kwh + bar.half_width,
                "accounts": dict(bar.accounts),
            }
            for bar in found.bars
        ],
        "kpi": {
            figure.name: {
                "unit": figure.unit, "a": _plain(figure.before), "b": _plain(figure.after),
                "difference": _plain(figure.difference),
            }
            for figure in found.figures
        },
    }  # fmt: skip


def comparison_text(found: Comparison) -> str:
    """The waterfall and the figures most looked at."""
    figures = ("", *_figures(found)) if any(figure.before != figure.after for figure in found.figures) else ()
    return "\n".join((*_waterfall(found), *figures))


def titles(found: Comparison) -> tuple[str, str]:
    """What the two sides are called: run and weeks."""
    (first, last), (first_weeks, last_weeks) = found.names, found.weeks
    return f"{first}, {first_weeks}", f"{last}, {last_weeks}"


def account_words(account: str) -> str:
    """A ledger account, short: the material's own name for a material."""
    return labels.words(account.removeprefix("materials.")).replace(".", ": ")


def money(cents: int, signed: bool = True) -> str:
    """Cents as dollars with two decimals; with a sign unless it is a total."""
    return f"{cents / 100:{'+' if signed else ''},.2f}"


def shown_bars(found: Comparison) -> list[Bar]:
    """Bars of at least a cent: the others are printed as zero and left out."""
    return [bar for bar in found.bars if bar.cents]


def main_accounts(bar: Bar) -> str:
    """The accounts that make up most of a bar, where there are several."""
    large = sorted(bar.accounts.items(), key=lambda item: -abs(item[1]))
    told = [(account, usd) for account, usd in large if abs(usd) >= 0.005]
    if len(told) < 2:
        return ""
    words = [f"{account_words(account)} {usd:+,.2f}" for account, usd in told[:_SHOWN_ACCOUNTS]]
    return ", ".join(words) + (", ..." if len(told) > _SHOWN_ACCOUNTS else "")


def _waterfall(found: Comparison) -> Iterator[str]:
    before, after = titles(found)
    bars = shown_bars(found)
    running = [found.cents[0]]
    for bar in bars:
        running.append(running[-1] + bar.cents)
    low, high = min(running), max(running)
    low = max(0, low - (high - low) // 4) if low > 0 else low
    per_character = max(1e-9, (high - low) / _PLOT)

    def place(cents: int) -> int:
        return round((cents - low) / per_character)

    wide = max(len(name) for name in (before, after, *(f"  {bar.name}" for bar in bars)))
    yield f"$/kWh, {KINDS[found.kind]}"
    yield f"{before:<{wide}}  {money(found.cents[0], signed=False):>9}  {'#' * place(found.cents[0])}"
    for bar, start, end in zip(bars, running, running[1:], strict=False):
        first, last = sorted((place(start), place(end)))
        drawn = " " * first + ("+" if end > start else "-") * max(1, last - first)
        sure = f" +-{bar.half_width:.2f}" if bar.half_width is not None else ""
        told = main_accounts(bar)
        line = f"  {bar.name:<{wide - 2}}  {money(bar.cents):>9}{sure}  {drawn:<{_PLOT + 2}}{told}"
        yield line.rstrip()
    yield f"{after:<{wide}}  {money(found.cents[1], signed=False):>9}  {'#' * place(found.cents[1])}"
    if found.pairs > 1:
        sure = "paired by seed; +- is half of the 95 % confidence interval" if found.paired else "each with each"
        yield f"means over {found.pairs} pairs of replicates, {sure}"


def _figures(found: Comparison) -> Iterator[str]:
    by_name: Mapping[str, Figure] = {figure.name: figure for figure in found.figures}
    rows = [(figure, *figure_texts(figure)) for name in _KNOWN if (figure := by_name.get(name)) is not None]
    heads = ("whole run", found.names[0], found.names[1], "difference")
    table = [heads, *((labels.kpi_label(figure.name)[0], *texts) for figure, *texts in rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(heads))]
    for row in table:
        cells = [row[0].ljust(widths[0]), *(text.rjust(width) for text, width in zip(row[1:], widths[1:], strict=True))]
        yield "  ".join(cells).rstrip()


def figure_texts(figure: Figure) -> tuple[str, str, str]:
    """Before, after and difference with their units."""
    shown = [MISSING if value is None else joined(value, figure.unit) for value in (figure.before, figure.after)]
    difference = figure.difference
    if difference is None or not math.isfinite(difference):
        told = "" if figure.before == figure.after else MISSING
    else:
        told = ("+" if difference > 0 else "") + (joined(difference, figure.unit) if difference else number(0))
    return shown[0], shown[1], told


def _plain(value: float | str | None) -> float | str | None:
    return None if isinstance(value, float) and not math.isfinite(value) else value
