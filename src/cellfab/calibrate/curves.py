"""The fast ramp laws for many sets of parameters at once: yield, output rate and sum of a plant's output.

A plant is one station with the laws of `cellfab.ramp.laws`. Its output over nameplate is
attained_share * (rate / mature rate) * (availability / mature availability) * (yield / mature yield). What is installed
later starts with the share 1 - copy_loss_share of what the first part had then reached in maturity, in released rate
and in operating hours (learning transfer to a copied line).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from cellfab.ramp.laws import HOURS_PER_MONTH

Floats = npt.NDArray[np.float64]
Values = Mapping[str, Floats | float]
"""Parameters by their name in `PARAMETERS`, each of shape (n,) or one number for all."""

WEEKS_PER_MONTH = HOURS_PER_MONTH / 168.0

PARAMETERS = (
    "time_constant_months", "maturity_at_start", "calendar_weight", "utilisation_weight", "rate_start",
    "rate_mature", "rate_time_constant_months", "reliability_start", "growth_exponent", "mature_after_h",
    "repair_start", "repair_time_constant_months", "utilisation_share", "delay_months", "yield_start",
    "yield_mature", "attained_share", "copy_loss_share", "availability_share", "spacing_months",
)  # fmt: skip


def yield_at(values: Values, months: Floats) -> Floats:
    """Yield of the first part of the plant.

    Parameters
    ----------
    values : mapping
    months : ndarray, shape (t,)
        Since the stated start of production.

    Returns
    -------
    ndarray, shape (n, t)
        Before the real start as at the start.
    """
    return _yield(values, _experience(values, _running(values, months)))


def output_at(values: Values, months: Floats, installed: Sequence[tuple[float, Floats]]) -> Floats:
    """Output in units of the nameplate.

    Parameters
    ----------
    values : mapping
    months : ndarray, shape (t,)
        Since the stated start of production.
    installed : sequence of (float, ndarray)
        Month from which a part runs, and its nameplate, of shape (n,) or one number; the first ones from the start on.

    Returns
    -------
    ndarray, shape (n, t)
        0 before the real start.
    """
    total = np.zeros((1, len(months)))
    for month, nameplate in installed:
        total = total + np.atleast_1d(nameplate)[:, None] * _load(values, months, max(month, 0.0))
    return total


def produced_at(values: Values, months: Floats, installed: Sequence[tuple[float, Floats]]) -> Floats:
    """Sum of the output since the start, `installed` being per week; the integral is taken week by week (midpoints).

    Returns
    -------
    ndarray, shape (n, t)
    """
    weeks = max(1, math.ceil(float(np.max(months)) * WEEKS_PER_MONTH))
    middles = np.asarray((np.arange(weeks) + 0.5) / WEEKS_PER_MONTH, dtype=np.float64)
    sums = np.cumsum(output_at(values, middles, installed), axis=1)
    ends = np.concatenate([np.zeros((len(sums), 1)), sums], axis=1)
    places = np.clip(months * WEEKS_PER_MONTH, 0.0, weeks)
    left = np.minimum(places.astype(np.int64), weeks - 1)
    return np.asarray(ends[:, left] + (ends[:, left + 1] - ends[:, left]) * (places - left))


def lines_at(values: Values, months: Floats) -> Floats:
    """Lines that run, of a plant that starts one every `spacing_months`; between two starts, a fraction.

    Returns
    -------
    ndarray, shape (n, t)
        0 before the start.
    """
    gone = months[None, :] - _column(values, "delay_months")
    return np.asarray(np.where(gone < 0.0, 0.0, 1.0 + gone / _column(values, "spacing_months")))


def _column(values: Values, name: str) -> Floats:
    return np.atleast_1d(np.asarray(values[name], dtype=np.float64))[:, None]


def _running(values: Values, months: Floats) -> Floats:
    return np.maximum(0.0, months[None, :] - _column(values, "delay_months"))


def _experience(values: Values, running: Floats) -> Floats:
    """Over the time constant, so that maturity is 1 - exp(-it)."""
    head_start = -np.log1p(-_column(values, "maturity_at_start"))
    pace = _column(values, "calendar_weight") + _column(values, "utilisation_weight") * _column(
        values, "utilisation_share"
    )
    return head_start + pace * running / _column(values, "time_constant_months")


def _yield(values: Values, experience: Floats) -> Floats:
    mature = _column(values, "yield_mature")
    return mature - (mature - _column(values, "yield_start")) * np.exp(-experience)


def _load(values: Values, months: Floats, since: float) -> Floats:
    """Output over nameplate of the part that runs since a month."""
    lead = _running(values, np.array([since]))  # how long the first part has run by then
    kept = np.where(lead > 0.0, 1.0 - _column(values, "copy_loss_share"), 0.0)
    begin = np.maximum(_column(values, "delay_months"), since)
    own = np.maximum(0.0, months[None, :] - begin)
    rate_tau = _column(values, "rate_time_constant_months")
    first = _experience(values, np.zeros((1, 1)))
    learnt = -np.log1p(kept * np.expm1(-_experience(values, lead)))
    experience = np.maximum(first, learnt) + _experience(values, own) - first
    released = own / rate_tau - np.log1p(kept * np.expm1(-lead / rate_tau))
    mature_rate = _column(values, "rate_mature")
    rate = 1.0 - (1.0 - _column(values, "rate_start") / mature_rate) * np.exp(-released)
    good = _yield(values, experience) / _column(values, "yield_mature")
    running = months[None, :] >= begin
    return np.asarray(
        running * _column(values, "attained_share") * rate * good * _availability(values, own, kept * lead)
    )


def _availability(values: Values, own: Floats, inherited: Floats) -> Floats:
    """Availability over its mature value, by mean times to failure that grow (Duane) and repairs that get faster."""
    exponent, mature_h = _column(values, "growth_exponent"), _column(values, "mature_after_h")
    head_start = mature_h * _column(values, "reliability_start") ** (1.0 / exponent)
    hours = head_start + _column(values, "utilisation_share") * HOURS_PER_MONTH * (own + inherited)
    growth = np.minimum(1.0, hours / mature_h) ** exponent
    repair = 1.0 + (_column(values, "repair_start") - 1.0) * np.exp(
        -(own + inherited) / _column(values, "repair_time_constant_months")
    )
    down = 1.0 / _column(values, "availability_share") - 1.0
    return (1.0 + down) / (1.0 + down * repair / growth)
