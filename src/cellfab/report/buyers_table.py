"""Cells, energy and sales by buyer, as a table of the report."""

from __future__ import annotations

from cellfab.report import labels
from cellfab.report.numbers import joined, percent
from cellfab.report.parts import Table, as_csv
from cellfab.result import RunResult

_HEADINGS = (
    ("buyer", False), ("cells", True), ("share of cells", True), ("energy", True), ("sales", True),
    ("share of sales", True), ("short of it", True), ("usable in racks", True),
)  # fmt: skip


def buyer_table(result: RunResult) -> Table | None:
    """One row per buyer, mean over replicates; None where nothing is sold by specifications."""
    if result.buyers is None or result.buyers.empty:
        return None
    sums = result.buyers.groupby("buyer", sort=False)[["cells", "kwh", "usd", "short_cells"]].sum(min_count=1)
    sums /= max(result.replicates, 1)
    shares, short = sums / sums.sum(), sums.short_cells / sums.cells
    rows = []
    for name in sums.index:
        usable = result.kpi.get(f"rack_usable_fraction.buyer.{name}")
        rows.append((
            labels.words(str(name)), joined(float(sums.cells[name]), ""), percent(float(shares.cells[name])),
            joined(float(sums.kwh[name]) / 1e3, "MWh"), joined(float(sums.usd[name]) / 1e6, "MUSD"),
            percent(float(shares.usd[name])), percent(float(short[name]), 3),
            joined(usable.value, "share") if usable else "–",
        ))  # fmt: skip
    return Table("buyers", _HEADINGS, tuple(rows), len(rows), as_csv(sums.reset_index()))
