"""Traces and recalls in words and as JSON."""

from __future__ import annotations

import math
from typing import Any

from cellfab.core.causes import in_words
from cellfab.core.columns import COLUMNS
from cellfab.core.defects import MECHANISMS, bit
from cellfab.records.recall import Impact, Roots, Trace
from cellfab.records.recording import SOLD
from cellfab.steps.registry import registry

SCHEMA_VERSION = 1
_SHOWN_LOTS = 8


def trace_document(found: Trace) -> dict[str, Any]:
    """What `cellfab trace --json` prints."""
    return {
        "schema_version": SCHEMA_VERSION,
        "cell": found.cell,
        "facts": {name: _plain(value) for name, value in found.facts.items()},
        "roots": [_roots_document(root) for root in found.roots],
    }


def impact_document(found: Impact) -> dict[str, Any]:
    """What `cellfab impact --json` prints."""
    return {
        "schema_version": SCHEMA_VERSION,
        "lot": found.lot,
        "material": found.material,
        "product": found.product,
        "part": found.part,
        "stretches": [stretch._asdict() for stretch in found.stretches],
        "cells": dict(found.cells),
        "inside": dict(found.inside),
        "sold_mwh": _plain(found.sold_mwh),
        "lots_not_recorded": found.lots_not_recorded,
        "rows": {lot: rows.tolist() for lot, rows in found.rows.items()},
    }


def trace_text(found: Trace) -> str:
    """A cell and its roots, a line for each fact."""
    registry()  # the steps register the columns' meanings
    facts = dict(found.facts)
    ended = f"{facts.pop('outcome')}"
    station, cause = facts.pop("station"), facts.pop("cause")
    if cause:
        ended += f" at {station}: {in_words(cause)}"
    elif station:
        ended += f", last at {station}"
    lines = [f"{found.cell}: {facts.pop('product')}, {ended}"]
    lines += [line for root in found.roots for line in _roots_lines(root)]
    for name, value in facts.items():
        if value is None:
            continue
        if name == "defects":
            carried = ", ".join(kind for kind in MECHANISMS if int(value) & bit(kind))
            lines.append(f"  {name:<28}{carried or 'none'}")
            continue
        unit = COLUMNS[name].unit if name in COLUMNS else ""
        lines.append(f"  {name:<28}{value:.6g} {'' if unit == '1' else unit}".rstrip())
    return "\n".join(lines)


def impact_text(found: Impact) -> str:
    """The size of a recall in a few lines."""
    total = sum(found.cells.values())
    counts = ", ".join(f"{count:,} {word}" for word, count in found.cells.items() if count)
    lines = [f"{found.lot} ({found.part}): {_cells(total)}" + (f" ({counts})" if total else ""),
             f"  {found.material} of {found.product}"]  # fmt: skip
    for name, lanes, segments, from_m, to_m, used in found.stretches:
        if not segments:
            lines.append(f"  where: nothing of it on {name}")
            continue
        lines.append(
            f"  where: {from_m:,.2f} to {to_m:,.2f} m of {name}, {segments:,} segments in each of {lanes} lanes"
        )
        lines.append(f"  of these {lanes * segments:,} segments in cells: {used:,}")
    if not total:
        lines.append("  no cell has been made of it")
        return "\n".join(lines)
    energy = "" if math.isnan(found.sold_mwh) else f", {found.sold_mwh:.4g} MWh"
    lines.append(f"  to call back: {_cells(found.cells[SOLD])} sold{energy}")
    if found.inside:
        places = ", ".join(f"{count:,} last at {place or 'no station'}" for place, count in found.inside.items())
        lines.append(f"  to stop in the line: {places}")
    lots = [f"{lot} ({rows.size:,})" for lot, rows in found.rows.items() if rows.size]
    more = f" and {len(lots) - _SHOWN_LOTS} more" if len(lots) > _SHOWN_LOTS else ""
    lines.append(f"  in lots: {', '.join(lots[:_SHOWN_LOTS])}{more}")
    if found.lots_not_recorded:
        lots_missing = "1 more lot" if found.lots_not_recorded == 1 else f"{found.lots_not_recorded:,} more lots"
        lines.append(f"  not counted: cells of {lots_missing} outside the sample")
    return "\n".join(lines)


def _cells(number: int) -> str:
    return "1 cell" if number == 1 else f"{number:,} cells"


def _roots_document(root: Roots) -> dict[str, Any]:
    pieces = [{name: _plain(value) for name, value in piece._asdict().items()} for piece in root.pieces]
    return {"side": root.side, "roll": root.roll, "lane": root.lane, "charges": root.charges, "pieces": pieces}


def _roots_lines(root: Roots) -> list[str]:
    """Roll, lane and metres of an electrode; of several pieces all of their rows, too."""
    pieces = root.pieces
    first, last = pieces[0], pieces[-1]
    where = f"row {first.row}" if math.isnan(first.from_m) else (
        f"lane {root.lane}, {first.from_m:,.2f} to {last.to_m:,.2f} m"
    )  # fmt: skip
    charges = list(dict.fromkeys(str(piece.charge) for piece in pieces))
    powder = f", of charge{'s' * (len(charges) > 1)} {' and '.join(charges)} in {root.charges}" if root.charges else ""
    lines = [f"  {root.side:<10}{root.roll}, {where}{powder}"]
    if len(pieces) > 1:
        skipped = last.row - first.row + 1 - len(pieces)
        between = f"; {skipped} between them scrapped" if skipped else ""
        lines.append(f"  {'':<10}{len(pieces)} pieces: rows {_ranges([piece.row for piece in pieces])}{between}")
    return lines


def _ranges(rows: list[int]) -> str:
    """Ascending numbers in words: 3, 5 to 9."""
    runs: list[list[int]] = []
    for row in rows:
        if runs and row == runs[-1][1] + 1:
            runs[-1][1] = row
        else:
            runs.append([row, row])
    return ", ".join(str(first) if first == last else f"{first} to {last}" for first, last in runs)


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
