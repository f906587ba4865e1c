"""The summary of a run for the terminal: what came out, how it ramped, what was lost, what held the line up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from cellfab.report import findings, frames, labels
from cellfab.report.layout import order_of_line
from cellfab.report.numbers import MISSING, kpi_interval, number, percent, quantity
from cellfab.result import Kpi, RunResult

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_MOST_RAMP_ROWS = 14
_MOST_CAUSES = 6
_SHORTEST_COLUMN = 8
"""Letters to which words are broken where a terminal is too narrow for them."""
_SPANS = (1, 4, 13, 26, 52)
_SPAN_NAMES = {1: "week", 4: "four weeks", 13: "quarter", 26: "half year", 52: "year"}


def print_result(result: RunResult, folder: Path) -> None:
    """Print a result to standard output with where it was written and what to try next.

    Parameters
    ----------
    result : RunResult
    folder : Path
        Holds report.html and resolved.yaml of the run.
    """
    from rich.console import Console

    again = f"cellfab run {folder / 'resolved.yaml'}"
    more = f"{again} --reps 5" if result.replicates == 1 else f"{again} --seed {result.seed + 1}"
    print_summary(result, Console(), [more], report=folder / "report.html")


def print_summary(
    result: RunResult, console: Console, next_commands: Sequence[str] = (), report: Path | None = None
) -> None:
    """Print a result as tables.

    Colours and lines appear on a terminal only, and follow the console's own reading of NO_COLOR and COLUMNS; where its
    encoding is not Unicode, everything is ASCII.

    Parameters
    ----------
    result : RunResult
    console : rich.console.Console
        To print to.
    next_commands : sequence of str
        Commands worth trying next, printed last.
    report : Path, optional
        The HTML report, named before them.
    """
    writer = _Writer(console)
    weeks = 0 if result.weekly.empty else int(result.weekly["week"].nunique())
    length = f"{weeks} weeks, " if weeks else ""
    plural = "s" if result.replicates != 1 else ""
    writer.line(f"{result.name}: {length}{result.replicates} replicate{plural}, seed {result.seed}", bold=True)
    if converted := findings.conversion(result):
        writer.line(converted)
    _headlines(result, writer)
    _ramp(result, writer)
    _scrap(result, writer)
    _stations(result, writer)
    if report is not None:
        writer.line(f"Report: {report}")
    if next_commands:
        writer.line("Next", bold=True)
        for command in next_commands:
            writer.line(f"  {command}")


class _Writer:
    """Prints to one console, as text that is never read as markup."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.ascii = bool(console.options.ascii_only)
        self.plain = not console.is_terminal

    def text(self, text: str) -> str:
        clean = "".join(letter if letter.isprintable() else "?" for letter in text)
        if not self.ascii:
            return clean
        for letter, instead in (("–", "-"), ("…", "..."), ("·", "|"), ("\u202f", " "), ("\u00a0", " ")):
            clean = clean.replace(letter, instead)
        return clean.encode("ascii", "replace").decode("ascii")

    def line(self, text: str, bold: bool = False) -> None:
        from rich.text import Text

        self.console.print(Text(self.text(text), style="bold" if bold else ""), soft_wrap=True)

    def table(self, title: str, columns: Sequence[tuple[str, bool]], rows: Sequence[Sequence[str]]) -> None:
        """Print a titled table; a column with True holds numbers and is set to the right."""
        from rich import box
        from rich.table import Table
        from rich.text import Text

        self.console.print()
        self.line(title, bold=True)
        table: Table = Table(
            box=None if self.plain else box.SIMPLE_HEAD,
            pad_edge=False,
            header_style="" if self.plain else "bold",
            padding=(0, 1, 0, 0) if self.plain else (0, 1),
        )
        for (heading, numeric), width in zip(columns, self._least_widths(columns, rows), strict=True):
            table.add_column(
                Text("\n".join(map(self.text, heading.split("\n")))),
                justify="right" if numeric else "left",
                no_wrap=numeric,
                overflow="fold",
                min_width=width,
            )
        for row in rows:
            table.add_row(*(Text(self.text(cell)) for cell in row))
        self.console.print(table)

    def _least_widths(self, columns: Sequence[tuple[str, bool]], rows: Sequence[Sequence[str]]) -> list[int]:
        """Columns of numbers as wide as they are, of text as their longest word; shorter where that is too wide."""
        texts = [[*heading.split("\n"), *(row[at] for row in rows)] for at, (heading, _) in enumerate(columns)]
        whole = [max(map(len, column)) for column in texts]
        words = [max((len(word) for text in column for word in text.split()), default=0) for column in texts]
        least = whole
        for longest in range(self.console.width, _SHORTEST_COLUMN - 1, -1):
            ends = zip(columns, whole, words, strict=True)
            least = [wide if numeric else min(word, longest) for (_, numeric), wide, word in ends]
            if sum(least) + 2 * len(columns) <= self.console.width:
                break
        return least


def _headlines(result: RunResult, writer: _Writer) -> None:
    rows = []
    for name in labels.headline_names(dict(result.kpi)):
        kpi = result.kpi[name]
        unit = labels.kpi_unit(name, kpi)
        value, shown = quantity(labels.words(kpi.value) if isinstance(kpi.value, str) else kpi.value, unit)
        interval = kpi_interval(Kpi(kpi.value, unit, kpi.ci_low, kpi.ci_high, kpi.n))
        rows.append((labels.kpi_label(name)[0], value, shown, interval or MISSING, str(kpi.n)))
    if rows:
        columns = (("figure", False), ("value", True), ("unit", False), ("95 % CI", True), ("n", True))
        writer.table("Headline figures", columns, rows)


def _ramp(result: RunResult, writer: _Writer) -> None:
    """The weekly series in at most `_MOST_RAMP_ROWS` stretches, costs as sums over sums."""
    weekly = result.weekly
    if weekly.empty:
        return
    weeks = int(weekly["week"].max()) - int(weekly["week"].min()) + 1
    span = next((size for size in _SPANS if weeks <= size * _MOST_RAMP_ROWS), math.ceil(weeks / _MOST_RAMP_ROWS))
    rows = []
    for _, part in weekly.groupby((weekly["week"] // span) * span, sort=True):
        energy = float(part["good_energy_mwh"].sum())
        first, last = int(part["week"].min()), int(part["week"].max())
        rows.append(
            (
                f"{first}" if first == last else f"{first}-{last}",
                _names(part, "phase"),
                _names(part, "product"),
                percent(_mean_yield(part)),
                number(energy / result.replicates),
                _per_kwh(float(part["full_cost_usd"].sum()), energy),
                _per_kwh(float(part["cash_cost_usd"].sum()), energy),
            )
        )
    columns = (
        ("weeks", False),
        ("phase", False),
        ("product", False),
        ("line\nyield", True),
        ("good\nMWh", True),
        ("$/kWh\nfull", True),
        ("$/kWh\ncash", True),
    )
    writer.table(f"Ramp by {_SPAN_NAMES.get(span, f'{span} weeks')}", columns, rows)


def _scrap(result: RunResult, writer: _Writer) -> None:
    causes = frames.scrap_causes(result)
    if causes.empty:
        return
    total = float(causes["usd"].sum())
    rows = []
    for _, group in list(causes.groupby("rank", sort=True))[:_MOST_CAUSES]:
        usd = float(group["usd"].sum())
        first = group.iloc[0]
        rows.append(
            (
                str(first["text"]),
                labels.words(str(first["station"])),
                number(float(group["cell_equivalents"].sum())),
                " ".join(quantity(usd, "usd")),
                percent(usd / total if total else None),
            )
        )
    columns = (("cause of scrap", False), ("station", False), ("cells", True), ("value lost", True), ("share", True))
    writer.table("Largest causes of scrap", columns, rows)


def _stations(result: RunResult, writer: _Writer) -> None:
    """Each station's calendar; setup, planned and converting time are told as one."""
    shares = frames.state_shares(result, order_of_line(result.nodes, result.edges))
    if shares.empty:
        return
    limiting = findings.bottleneck(result)
    table = shares.pivot(index="station", columns="state", values="share").fillna(0.0)
    table = table.reindex(list(dict.fromkeys(shares["station"])))
    shown = ("working", "starved", "blocked")
    rows = []
    for station, row in table.iterrows():
        values = {str(state): float(share) for state, share in row.items()}
        down = values.get("down", 0.0) + values.get("waiting_crew", 0.0)
        other = sum(share for state, share in values.items() if state not in (*shown, "down", "waiting_crew"))
        name = labels.words(str(station)) + (" (bottleneck)" if station == limiting else "")
        rows.append((name, *(percent(values.get(state, 0.0)) for state in shown), percent(down), percent(other)))
    columns = (("station", False), *((state, True) for state in (*shown, "down", "other")))
    writer.table("Station states, share of the calendar", columns, rows)
    if shifting := findings.shifting_bottleneck(result):
        writer.line(shifting)


def _names(part: pd.DataFrame, column: str) -> str:
    """The names a column takes over the weeks, in the order in which they appear."""
    found = dict.fromkeys(str(name) for name in part.sort_values("week", kind="stable")[column] if name)
    return ", ".join(labels.words(name) for name in found)


def _mean_yield(part: pd.DataFrame) -> float | None:
    """Line yield over a stretch, each week counted by the cells started in it."""
    known = part[part["line_yield"].notna()]
    weight = float(known["cells_started"].sum())
    return float((known["line_yield"] * known["cells_started"]).sum()) / weight if weight > 0 else None


def _per_kwh(usd: float, mwh: float) -> str:
    return number(usd / (1_000.0 * mwh)) if mwh > 0 else MISSING
