"""What `cellfab quality` prints: tables in plain text, and one JSON document."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from cellfab.quality.report import Escape, Grades, QualityReport
from cellfab.report.numbers import MISSING, number, percent
from cellfab.report.plain_table import plain_table

SCHEMA_VERSION = 1
_MOST_CAUSES = 15
_LIKENESS = {
    "icc_capacity_roll": "one pair of mother rolls",
    "icc_capacity_cathode_charge": "one cathode charge",
    "icc_capacity_anode_charge": "one anode charge",
}


def quality_document(found: QualityReport) -> dict[str, Any]:
    """What `cellfab quality --json` prints."""
    return {
        "schema_version": SCHEMA_VERSION,
        "scenario": found.scenario,
        "product": found.product,
        "seed": found.seed,
        "maturity": found.maturity,
        "lots": found.lots,
        "cells_made": found.cells_made,
        "cells_sold": found.cells_sold,
        "final_yield": _plain(found.final_yield),
        "first_pass_yield": _plain(found.first_pass_yield),
        "rolled_throughput_yield": _plain(found.rolled_throughput_yield),
        "steps": [
            {
                "place": step.place, "step": step.step, "row_unit": step.row_unit, "rows_in": step.rows_in,
                "rows_lost": step.rows_lost, "step_yield": _plain(step.step_yield),
                "first_pass_yield": _plain(step.first_pass_yield), "reworked": step.reworked,
                "false_rejects": step.false_rejects,
            }
            for step in found.steps
        ],
        "losses": [
            {"place": loss.place, "cause": loss.cause, "text": loss.text, "rows": loss.rows,
             "cells": _plain(loss.cells), "share": _plain(loss.share)}
            for loss in found.losses
        ],
        "escapes": [
            {
                "mechanism": escape.mechanism, "ppm": _plain(escape.ppm), "ci_low": _plain(escape.low),
                "ci_high": _plain(escape.high), "seen": escape.seen, "method": escape.method,
                "variance_gain": _plain(escape.gain), "sources": dict(escape.sources),
            }
            for escape in found.escapes
        ],
        **{
            name: {"value": _plain(like.icc), "ci_low": _plain(like.low), "ci_high": _plain(like.high),
                   "groups": like.groups, "cells": like.cells}
            for name, like in found.likeness.items()
        },
        "recalls": [
            {"of": recall.of, "number": recall.number, "cells": _plain(recall.cells), "mwh": _plain(recall.mwh)}
            for recall in found.recalls
        ],
        "grades": _grades_document(found.grades),
    }  # fmt: skip


def quality_text(found: QualityReport) -> str:
    """The report in tables."""
    grades = found.grades
    parts = [
        f"{found.scenario}: {found.product} at maturity {found.maturity:g}, {found.lots} lots, seed {found.seed}",
        f"{found.cells_made:,} cells made, {found.cells_sold:,} sold: final yield {percent(found.final_yield, 2)}; all"
        f" steps {percent(found.rolled_throughput_yield, 2)}, at the first try {percent(found.first_pass_yield, 2)}",
        "\nYield by step",
        plain_table(
            ("place", "step", "rows in", "lost", "yield", "reworked", "lost though sound"),
            (
                (step.place, step.step, f"{step.rows_in:,} {step.row_unit}", f"{step.rows_lost:,}",
                 percent(step.step_yield, 2), f"{step.reworked:,}" if step.reworked else "",
                 MISSING if step.false_rejects is None else f"{step.false_rejects:,}")
                for step in found.steps
            ),
        ),
        "\nCauses of scrap, in cells",
        plain_table(
            ("cause", "place", "cells", "share"),
            (
                (loss.text, loss.place, f"{loss.cells:,.0f}", percent(loss.share))
                for loss in found.losses[:_MOST_CAUSES]
            ),
        ),
        "\nCells sold with a hidden defect",
        plain_table(
            ("mechanism", "ppm", "95 % interval", "seen", "how"),
            (
                (escape.mechanism, number(escape.ppm), f"{number(escape.low)} to {number(escape.high)}",
                 f"{escape.seen:,}", _how(escape))
                for escape in found.escapes
            ),
        ),
        "\nHow alike cells are: correlation of true capacity of two cells sold",
        plain_table(
            ("of", "correlation", "95 % interval", "groups"),
            (
                (_LIKENESS.get(name, name), number(like.icc), f"{number(like.low)} to {number(like.high)}",
                 f"{like.groups:,}")
                for name, like in found.likeness.items()
            ),
        ),
        "\nHow much is called back",
        plain_table(
            ("for one", "cells sold", "MWh"),
            ((recall.of, f"{recall.cells:,.0f}", number(recall.mwh)) for recall in found.recalls),
        ),
        *(_by_buyer(grades) if grades.buyers else _by_grade(grades)),
    ]  # fmt: skip
    return "\n".join(parts)


def _by_grade(grades: Grades) -> tuple[str, str]:
    return (
        "\nGrades, and strings of cells in series matched from grade A",
        plain_table(
            ("grade A", "grade B", "strings", "cells waiting", "usable, matched", "usable, unmatched"),
            [(f"{grades.grade_a:,}", f"{grades.grade_b:,}", f"{grades.strings:,}", f"{grades.waiting:,}",
              percent(grades.usable_fraction, 2), percent(grades.unmatched_fraction, 2))],
        ),
    )  # fmt: skip


def _by_buyer(grades: Grades) -> tuple[str, str]:
    return (
        "\nCells by buyer, who pays most first; short: in truth less than the buyer demands",
        plain_table(
            ("buyer", "price", "from Ah", "to mohm", "cells", "share", "short", "strings", "usable, matched"),
            (
                (one.buyer, f"x{one.price_ratio:g}", number(one.least_ah, 4), number(one.most_mohm), f"{one.cells:,}",
                 percent(one.share, 2), f"{one.short:,}", f"{one.strings:,}", percent(one.usable_fraction, 2))
                for one in grades.buyers
            ),
        ),
    )  # fmt: skip


def _grades_document(grades: Grades) -> dict[str, Any]:
    document = {name: _plain_or_whole(value) for name, value in asdict(grades).items() if name != "buyers"}
    if grades.buyers:
        document["buyers"] = [
            {name: _plain_or_whole(value) for name, value in asdict(one).items()} for one in grades.buyers
        ]
    return document


def _plain_or_whole(value: Any) -> Any:
    return _plain(value) if isinstance(value, float) else value


def _how(escape: Escape) -> str:
    if not escape.sources:
        return escape.method
    boosts = ", ".join(f"{name} x {number(factor)}" for name, factor in escape.sources)
    return f"{escape.method}, {number(escape.gain)} times less variance: {boosts}"


def _plain(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
