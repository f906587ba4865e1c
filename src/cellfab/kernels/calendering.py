"""Calendering: line load, porosity and thickness of a coating, and a whole web pressed and measured.

The laws of a coating take floats or arrays of one shape and return the same.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.random import fill_normal

Values = Any  # a float, or an array of floats; results have the arguments' shape


def meyer_porosity(line_load_n_per_mm: Values, gamma_n_per_mm: float, before: float, least: float) -> Values:
    """Porosity after a line load q: least + (before - least) exp(-q / gamma) (Meyer et al. 2017)."""
    decay = np.exp(-line_load_n_per_mm / gamma_n_per_mm)
    return least + (before - least) * decay


def meyer_line_load_n_per_mm(porosity: float, gamma_n_per_mm: float, before: float, least: float) -> float:
    """Line load that brings a coating from porosity `before` to `porosity`: the inverse of `meyer_porosity`.

    Raises
    ------
    ValueError
        Unless least < porosity <= before: no load can do it.
    """
    if not least < porosity <= before:
        raise ValueError(
            f"porosity {porosity:.3f} cannot be reached by calendering: it must lie above the coating's limit"
            f" {least:.3f} and not above its porosity before, {before:.3f}"
        )
    return gamma_n_per_mm * math.log((before - least) / (porosity - least))


def porosity(loading_mg_per_cm2: Values, coating_um: Values, solid_density_g_per_cm3: float) -> Values:
    """1 - w / (t rho): what is not solid in one coated side."""
    return 1.0 - 10.0 * loading_mg_per_cm2 / (coating_um * solid_density_g_per_cm3)


def coating_um(loading_mg_per_cm2: Values, porosity: Values, solid_density_g_per_cm3: float) -> Values:
    """Thickness of one coated side of a given porosity, um: the inverse of `porosity`."""
    return 10.0 * loading_mg_per_cm2 / ((1.0 - porosity) * solid_density_g_per_cm3)


@kernel
def press_web(
    lane_key: np.uint64,
    roll_key: np.uint64,
    entity: int,
    lane_um: float,
    roll_um: float,
    noise_um: float,
    along: npt.NDArray[np.float32],
    set_um: float,
    set_um_per_loading: float,
    foil_um: float,
    solid_density_g_per_cm3: float,
    loading: npt.NDArray[np.float32],
    porosity: npt.NDArray[np.float32],
    thickness_um: npt.NDArray[np.float32],
) -> None:
    """Thickness of every segment, set + set_per_loading x loading + errors, and its coating's porosity.

    Parameters
    ----------
    lane_key, roll_key : numpy.uint64
        Streams of the errors of lanes and of the roll.
    entity : int
        The web.
    lane_um, roll_um, noise_um : float
        1 sigma of the errors of lanes, of the roll and along the web.
    along : ndarray of float32, shape (positions,)
        Error along the web, of unit variance at a point.
    set_um, set_um_per_loading : float
        The thickness aimed at: fixed in gap mode (the second 0), foil and a share of the loading in force mode.
    foil_um, solid_density_g_per_cm3 : float
    loading : ndarray of float32, shape (lanes * positions,)
        mg/cm2 and side.
    porosity, thickness_um : ndarray of float32, shape (lanes * positions,)
        Written: 1 - w / (t rho), and both coatings with the foil.
    """
    positions = along.size
    lanes = loading.size // max(positions, 1)
    across, roll = np.empty(lanes, np.float32), np.empty(1, np.float32)
    fill_normal(lane_key, entity, across)
    fill_normal(roll_key, entity, roll)
    middle = np.float32(set_um + roll_um * float(roll[0]))
    slope, solid = np.float32(set_um_per_loading), np.float32(20.0 / solid_density_g_per_cm3)
    noise, foil, one = np.float32(noise_um), np.float32(foil_um), np.float32(1.0)
    for lane in range(lanes):
        base, first = middle + np.float32(lane_um) * across[lane], lane * positions
        for position in range(positions):
            coated = loading[first + position]
            thickness = base + slope * coated + noise * along[position]
            thickness_um[first + position] = thickness
            porosity[first + position] = one - solid * coated / (thickness - foil)
