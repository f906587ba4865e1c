"""A web from charges: which charge feeds which position, how far they reach, and how the lanes differ."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.random import fill_normal, uniform
from cellfab.kernels.web_field import add_along, wander_web


@kernel
def lay_charges(
    film_kg: npt.NDArray[np.float64], segment_kg: float, lanes: int, pitch_m: float, charge: npt.NDArray[np.int32]
) -> None:
    """Charges follow one another along the web; a position belongs to the charge that feeds its middle.

    Parameters
    ----------
    film_kg : ndarray of float64, shape (charges,)
        Film of each charge; 0 for a rejected one.
    segment_kg : float
        Coating of one segment with its share of the edge strips.
    lanes : int
    pitch_m : float
        Length of a segment.
    charge : ndarray of int32, shape (positions,)
        Written; past the powder's end the last charge that has any.
    """
    last = 0
    for i in range(film_kg.size):
        if film_kg[i] > 0.0:
            last = i
    at, end_kg = 0, film_kg[0]
    for position in range(charge.size):
        middle_kg = (position + 0.5) * lanes * segment_kg
        while end_kg < middle_kg and at < last:
            at += 1
            end_kg += film_kg[at]
        charge[position] = at


@kernel
def lay_along(
    keys: npt.NDArray[np.uint64],
    web: int,
    charges: int,
    roll_cv: float,
    charge_cv: float,
    drift_cv: float,
    keep: float,
    kick: float,
    lead: float,
    shared: float,
    own: float,
    ripple: float,
    step_radians: float,
    charge: npt.NDArray[np.int32],
    number: int,
    along: npt.NDArray[np.float32],
) -> float:
    """Relative error of loading common to all lanes: of the roll, of its charges, slow drift and ripple.

    Parameters
    ----------
    keys : ndarray of uint64, shape (5,)
        Streams: the roll's two normal numbers, charges, phase of the ripple, and the two of the drift.
    web, charges : int
        Identities of the web and of the lot of charges.
    roll_cv, charge_cv, drift_cv : float
        1 sigma; of the drift, its point value.
    keep, kick, lead, shared, own : float
        From `web_field.ou_coefficients`.
    ripple, step_radians : float
        From `web_field.ripple_law`.
    charge : ndarray of int32, shape (positions,)
        Charge of each position.
    number : int
        Charges.
    along : ndarray of float32, shape (positions,)
        Written.

    Returns
    -------
    float
        The roll's second number, which the loading does not need.
    """
    roll, offset = np.empty(2, np.float32), np.empty(number, np.float32)
    fill_normal(keys[0], web, roll)
    fill_normal(keys[1], charges, offset)
    for i in range(number):
        offset[i] *= np.float32(charge_cv)
    phase = 2.0 * math.pi * uniform(keys[2], web, 0) + 0.5 * step_radians
    wander_web(keys[3], keys[4], web, keep, kick, lead, shared, own, along)
    add_along(drift_cv, ripple, step_radians, phase, roll_cv * float(roll[0]), offset, charge, along)
    return float(roll[1])


@kernel
def positions_filled(along: npt.NDArray[np.float32], across: float, position_kg: float, powder_kg: float) -> int:
    """How many positions the powder fills when each takes `position_kg` (1 + across + along)."""
    used_kg = 0.0
    for position in range(along.size):
        used_kg += position_kg * (1.0 + across + along[position])
        if used_kg > powder_kg:
            return position
    return int(along.size)


@kernel
def lane_offsets(
    key: np.uint64,
    setting: int,
    offset_cv: float,
    drift_cv: float,
    age: float,
    age_per_position: float,
    across: npt.NDArray[np.float32],
    per_position: npt.NDArray[np.float32],
) -> None:
    """Lanes keep an offset from one setting of the gap to the next, and drift away from it in proportion to its age.

    Parameters
    ----------
    key : numpy.uint64
        Stream of the offsets, then the drifts.
    setting : int
        Number of the setting.
    offset_cv, drift_cv : float
        1 sigma of the offset, and of the drift over the whole time between two settings.
    age, age_per_position : float
        Share of that time that is over at the start of the roll, and that a position adds.
    across, per_position : ndarray of float32, shape (lanes,)
        Written: relative error at the start of the roll, and what each position adds.
    """
    lanes = across.size
    z = np.empty(2 * lanes, np.float32)
    fill_normal(key, setting, z)
    for lane in range(lanes):
        drift = np.float32(drift_cv) * z[lanes + lane]
        across[lane] = np.float32(offset_cv) * z[lane] + np.float32(age) * drift
        per_position[lane] = np.float32(age_per_position) * drift
