"""Hidden defects in cells that were sold, and what becomes of them in the field."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from cellfab.config.quality_spec import REFERENCE_YEARS
from cellfab.plant import Plant
from cellfab.result import NOTHING_SOLD, Kpi

FIELD_YEARS = (1, 5, 10, 20)
"""Ages at which failures of escaped defects are reported."""
ESCAPES = ("mechanism", "cells", "cells_sold", "ppm", *(f"failed_ppm_{age}y" for age in FIELD_YEARS))
"""Columns of `RunResult.escapes`, after `replicate`."""


def escape_rows(plant: Plant) -> Iterator[dict[str, Any]]:
    """Rows of `RunResult.escapes`."""
    sold = sum(plant.cells_good.values())
    quality = plant.scenario.spec.quality
    for mechanism, cells in sorted(plant.escapes.items()):
        ppm = 1e6 * cells / sold if sold else math.nan
        hazard = quality.field.get(mechanism) if quality is not None else None
        yield {
            "mechanism": mechanism,
            "cells": cells,
            "cells_sold": sold,
            "ppm": ppm,
            **{
                f"failed_ppm_{age}y": ppm * hazard.failed_share(age) if hazard is not None else math.nan
                for age in FIELD_YEARS
            },
        }


def escape_kpis(plant: Plant) -> dict[str, Kpi]:
    """Cells sold with any hidden defect, and with each, per million sold."""
    sold = sum(plant.cells_good.values())
    counts = {"escape_ppm": plant.escaped_cells}
    counts |= {f"escape_ppm.{mechanism}": cells for mechanism, cells in sorted(plant.escapes.items())}
    return {name: Kpi.ratio(1e6 * cells, sold, "ppm", NOTHING_SOLD) for name, cells in counts.items()}


def field_failure_kpis(plant: Plant) -> dict[str, Kpi]:
    """Cells that fail within ten years because of a defect that no test found, per million sold.

    A cell with two defects counts for both: an upper bound, and close, for such cells are rare among the rare.
    """
    sold, quality = sum(plant.cells_good.values()), plant.scenario.spec.quality
    if quality is None or not quality.field:
        reason = "the scenario has no `quality.field`"
        return {"field_failures_ppm_10y": Kpi(None, "ppm", reason=reason)} if plant.escapes else {}
    kpis: dict[str, Kpi] = {}
    whole, unknown = 0.0, []
    for mechanism, cells in sorted(plant.escapes.items()):
        hazard = quality.field.get(mechanism)
        if hazard is not None:
            failed = cells * hazard.failed_share(REFERENCE_YEARS)
            whole += failed
            kpis[f"field_failures_ppm_10y.{mechanism}"] = Kpi.ratio(1e6 * failed, sold, "ppm", NOTHING_SOLD)
        elif cells:
            unknown.append(mechanism)
    if unknown:
        reason = f"`quality.field` does not say what becomes of cells with: {', '.join(unknown)}"
        in_all = Kpi(None, "ppm", reason=reason)
    else:
        in_all = Kpi.ratio(1e6 * whole, sold, "ppm", NOTHING_SOLD)
    return {"field_failures_ppm_10y": in_all, **kpis}
