"""Tables in plain text, for what the terminal prints outside of a run's summary."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cellfab.report.numbers import MISSING


def plain_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns side by side, as wide as they must be; a column whose entries all begin like numbers to the right."""
    grid = [tuple(headings), *(tuple(row) for row in rows)]
    columns = list(zip(*grid, strict=True))
    widths = [max(map(len, column)) for column in columns]
    right = [
        all(not text or text.lstrip("+-")[:1].isdigit() or text == MISSING for text in column[1:]) for column in columns
    ]
    lines = (
        "  ".join(text.rjust(w) if r else text.ljust(w) for text, w, r in zip(row, widths, right, strict=True))
        for row in grid
    )
    return "\n".join("  " + line.rstrip() for line in lines)
