"""Traces and recalls in words and as JSON."""

from __future__ import annotations

import math
from typing import Any

from cellfab.core.columns import COLUMNS
from cellfab.core.defects import MECHANISMS, bit
from cellfab.recall import Impact, Roots, Trace
from cellfab.recording import SOLD
from cellfab.steps.registry import registry

SCHEMA_VERSION = 1
_SHOWN_LOTS = 8


def trace_document(found: Trace) -> dict[str, Any]:
    """What `cellfab trace --json` prints."""
    return {
        "schema_version": SCHEMA_VERSION,
        "cell": found.cell,
        "facts": {name: _plain(value) for name, value in found.facts.items()},
        "roots": [{name: _plain(getattr(root, name)) for name in Roots.__dataclass_fields__} for root in found.roots],
    }


def impact_document(found: Impact) -> dict[str, Any]:
    """What `cellfab impact --json` prints."""
    return {
        "schema_version": SCHEMA_VERSION,
        "lot": found.lot,
        "part": found.part,
        "cells": dict(found.cells),
        "sold_mwh": _plain(found.sold_mwh),
        "rows": {lot: rows.tolist() for lot, rows in found.rows.items()},
    }


def trace_text(found: Trace) -> str:
    """A cell and its roots, a line for each fact."""
    registry()  # the steps register the columns' meanings
    facts = dict(found.facts)
    ended = f"{facts.pop('outcome')}"
    station, cause = facts.pop("station"), facts.pop("cause")
    if cause:
        ended += f" at {station}: {cause}"
    lines = [f"{found.cell}: {facts.pop('product')}, {ended}"]
    for root in found.roots:
        where = f"row {root.row}" if math.isnan(root.metre) else f"lane {root.lane}, {root.metre:.2f} m"
        powder = f", of charge {root.charge} in {root.charges}" if root.charges else ""
        lines.append(f"  {root.side:<10}{root.roll}, {where}{powder}")
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
    if not total:
        return f"{found.lot} ({found.part}): no recorded cell was made of it"
    counts = ", ".join(f"{count:,} {word}" for word, count in found.cells.items() if count)
    energy = "" if math.isnan(found.sold_mwh) else f", {found.sold_mwh:.4g} MWh"
    lots = [f"{lot} ({rows.size:,})" for lot, rows in found.rows.items() if rows.size]
    more = f" and {len(lots) - _SHOWN_LOTS} more" if len(lots) > _SHOWN_LOTS else ""
    return (
        f"{found.lot} ({found.part}): {total:,} cells ({counts})\n"
        f"  to call back: {found.cells[SOLD]:,} cells sold{energy}\n"
        f"  in lots: {', '.join(lots[:_SHOWN_LOTS])}{more}"
    )


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
