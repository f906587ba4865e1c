"""Figures that need the output of the mature line, which takes a simulation of its own for every scenario."""

from __future__ import annotations

_FAMILIES = ("rated_gwh_per_year", "weeks_to_90pct_rate")


def needs_rated(metric: str) -> bool:
    """Whether a figure needs it; of a product (NAME.PRODUCT) or of a line (NAME.line.LINE) as well."""
    return metric.split(".", 1)[0] in _FAMILIES
