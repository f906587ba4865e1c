"""Numbers as people read them: a sensible number of digits, thousands separated, always with a unit."""

from __future__ import annotations

import math

from cellfab.result import Kpi

MISSING = "–"
"""Shown where there is no number."""

_SHARES = {"share", "fraction", "ratio"}
_WRITTEN = {
    "usd": "$",
    "musd": "M$",
    "usd/kwh": "$/kWh",
    "usd_per_kwh": "$/kWh",
    "$/kwh": "$/kWh",
    "kwh/kwh": "kWh/kWh",
    "per_h": "per h",
    "1/h": "per h",
    "/h": "per h",
    "1": "",
    "text": "",
    "station": "",
    "name": "",
    "wk": "weeks",
    "week": "weeks",
}
_LADDERS: dict[str, tuple[tuple[float, str], ...]] = {
    "$": ((1e9, "bn $"), (1e6, "M$"), (1e4, "k$")),
    "M$": ((1e3, "bn $"),),
    "MWh": ((1e4, "GWh"),),
    "s": ((2 * 86_400.0, "d"), (2 * 3_600.0, "h"), (120.0, "min")),
    "h": ((72.0, "d"),),
    "cells": ((1e6, "M cells"),),
}
_SMALL: dict[str, tuple[tuple[float, str, float], ...]] = {
    "h": ((1 / 60.0, "s", 1 / 3_600.0), (1.0, "min", 1 / 60.0)),
}
_DIVISORS = {
    "bn $": {"$": 1e9, "M$": 1e3},
    "M$": {"$": 1e6},
    "k$": {"$": 1e3},
    "GWh": {"MWh": 1e3},
    "d": {"s": 86_400.0, "h": 24.0},
    "h": {"s": 3_600.0},
    "min": {"s": 60.0},
    "M cells": {"cells": 1e6},
}


def is_number(value: object) -> bool:
    """Whether `value` is a finite number (texts, None, NaN and infinities are not)."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def number(value: float | None, digits: int = 3) -> str:
    """`value` with at least `digits` significant digits, thousands separated by commas.

    Whole digits are never rounded away: 12345.6 becomes "12,346". None, NaN and infinities become a dash.
    """
    if value is None or not is_number(value):
        return MISSING
    if value == 0:
        return "0"
    magnitude = math.floor(math.log10(abs(value)))
    if magnitude < -4 or magnitude >= 15:
        return f"{value:.{digits - 1}e}"
    decimals = max(0, digits - 1 - magnitude)
    text = f"{value:,.{decimals}f}"
    if float(value).is_integer():
        text = f"{value:,.0f}"
    return "0" if text.strip("-0.") == "" else text


def as_written(value: float | None) -> str:
    """An input value with the digits it was given, up to six."""
    if value is None or not is_number(value):
        return MISSING
    return f"{value:,.6g}" if 1e-4 <= abs(value) < 1e6 or value == 0 else number(value, 4)


def percent(share: float | None, decimals: int = 1) -> str:
    """A share (0-1) in per cent, with the sign set off by a thin space that does not break."""
    if share is None or not is_number(share):
        return MISSING
    return f"{100.0 * share:,.{decimals}f} %"


def unit_text(unit: str) -> str:
    """A unit as it is written in the report: "usd_per_kwh" becomes "$/kWh"."""
    return _WRITTEN.get(unit.lower(), unit)


def scaled(unit: str, reference: float) -> tuple[float, str]:
    """The divisor and the unit that suit a number of size `reference`, so that an interval shares its value's unit."""
    if unit.lower() in _SHARES:
        return 0.01, "%"
    written = unit_text(unit)
    for ceiling, smaller, divisor in _SMALL.get(written, ()):
        if 0.0 < abs(reference) < ceiling:
            return divisor, smaller
    for floor, larger in _LADDERS.get(written, ()):
        if abs(reference) >= floor:
            return _DIVISORS[larger][written], larger
    return 1.0, written


def quantity(value: float | str | None, unit: str) -> tuple[str, str]:
    """Number and unit as two texts, in the unit that suits the size.

    Parameters
    ----------
    value : float, str or None
        A text is passed through; None and NaN become a dash without a unit.
    unit : str
        As a `Kpi` carries it; "share" is shown in per cent.
    """
    if isinstance(value, str):
        return value, ""
    if value is None or not is_number(value):
        return MISSING, ""
    divisor, shown = scaled(unit, value)
    return number(value / divisor), shown


def joined(value: float | str | None, unit: str) -> str:
    """Number and unit as one text."""
    return " ".join(part for part in quantity(value, unit) if part)


def kpi_interval(kpi: Kpi) -> str:
    """The 95 % confidence interval in the unit its value is shown in; empty without one."""
    if kpi.ci_low is None or kpi.ci_high is None or not is_number(kpi.value):
        return ""
    if not (is_number(kpi.ci_low) and is_number(kpi.ci_high)):
        return ""
    assert isinstance(kpi.value, int | float)
    divisor, _ = scaled(kpi.unit, kpi.value)
    return f"{number(kpi.ci_low / divisor)} to {number(kpi.ci_high / divisor)}"


def duration(seconds: float | None) -> str:
    """A time span in seconds as a number with s, min, h or d."""
    return joined(seconds, "s")
