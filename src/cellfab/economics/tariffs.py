"""Duties on materials by origin: what is paid on top of the price, in an account of its own for each material."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

from cellfab.config.materials_spec import Material
from cellfab.config.policy_spec import Tariff

TARIFFS = "tariff."
"""Prefix of duty accounts: "tariff.graphite"; their quantity is the dutiable value in dollars."""


def weekly_duties(
    tariffs: Mapping[str, Tariff], materials: Mapping[str, Material], start: datetime.date, weeks: int
) -> dict[str, list[float]]:
    """Duty over price of each material that is dutiable in some week, by week.

        duty = sum over origins of (share bought there x sum of the tariffs on that origin and material)

    Parameters
    ----------
    tariffs : mapping of name to Tariff
    materials : mapping of name to Material
    start : date
        First day of week 0.
    weeks : int

    Returns
    -------
    dict of str to list of float
        Materials without duty are left out.
    """
    rates = [(tariff, tariff.share.weekly(start, weeks)) for tariff in tariffs.values()]
    found: dict[str, list[float]] = {}
    for name, material in materials.items():
        duty = [0.0] * weeks
        for tariff, shares in rates:
            bought_there = material.origins.get(tariff.origin, 0.0)
            if bought_there and is_dutiable(tariff, name):
                duty = [before + bought_there * share for before, share in zip(duty, shares, strict=True)]
        if any(duty):
            found[name] = duty
    return found


def is_dutiable(tariff: Tariff, material: str) -> bool:
    """Whether a tariff is on a material, if that comes from its origin."""
    return tariff.materials is None or material in tariff.materials
