"""Calendering: line load, porosity and thickness of a coating, and a whole web pressed and measured.

The laws of a coating take floats or arrays of one shape and return the same.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.random import fill_normal, fill_uniform
from cellfab.kernels.random_rows import REACH, fill_row_normals
from cellfab.kernels.web_field import ou_segment_means

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
def gap_error_um(
    entity: int,
    gap_key: np.uint64,
    mean_key: np.uint64,
    noise_um: float,
    law: tuple[float, float, float, float, float],
    roll_um: float,
    out: npt.NDArray[np.float32],
) -> None:
    """Thickness error common to all lanes: the gap's noise along the web, as segment means, and the roll's offset.

    Parameters
    ----------
    entity : int
        The web.
    gap_key, mean_key, noise_um, law
        Streams, 1 sigma and coefficients of the noise (`web_field.ou_segment_means`, `web_field.ou_coefficients`).
    roll_um : float
    out : ndarray of float32, shape (positions,)
        Written.
    """
    state, mean = np.empty(out.size + 1, np.float32), np.empty(out.size, np.float32)
    fill_normal(gap_key, entity, state)
    fill_normal(mean_key, entity, mean)
    keep, kick, lead, shared, own = law
    ou_segment_means(state, mean, keep, kick, lead, shared, own, out)
    for position in range(out.size):
        out[position] = np.float32(noise_um) * out[position] + np.float32(roll_um)


@kernel
def wrinkled_m(entity: int, key: np.uint64, probability: float, mean_m: float, web_m: float) -> tuple[float, float]:
    """Stretch of a web with a wrinkled margin, m: one per roll at most, uniform start, exponential length.

    Empty (the end not above the start) if there is none.
    """
    u = np.empty(3, np.float32)
    fill_uniform(key, entity, u)
    if u[0] >= probability:
        return 0.0, 0.0
    first_m = float(u[1]) * web_m
    return first_m, first_m - math.log(float(u[2])) * mean_m


@kernel
def press_web(
    entity: int,
    planned: int,
    across_um: npt.NDArray[np.float32],
    along_um: npt.NDArray[np.float32],
    set_um: float,
    set_um_per_loading: float,
    foil_um: float,
    solid_density_g_per_cm3: float,
    gauge_key: np.uint64,
    gauge_um: float,
    design_um: float,
    tolerance_um: float,
    off_code: int,
    loading: npt.NDArray[np.float32],
    porosity: npt.NDArray[np.float32],
    thickness_um: npt.NDArray[np.float32],
    exit_code: npt.NDArray[np.int16],
) -> int:
    """Thickness and porosity of every segment, and which ones the gauge reads as off; it is read where it matters.

    Thickness = set + set_per_loading x loading + across + along; porosity of a coating 1 - w / (t rho).

    Parameters
    ----------
    entity, planned : int
        The web, and positions per lane as planned: number lane * planned + position is that segment's.
    across_um, along_um : ndarray of float32, shapes (lanes,) and (positions,)
        Errors.
    set_um, set_um_per_loading : float
        The thickness aimed at: fixed in gap mode (the second 0), foil and a share of the loading in force mode.
    foil_um, solid_density_g_per_cm3 : float
    gauge_key, gauge_um : numpy.uint64, float
        Stream and 1 sigma of the gauge.
    design_um, tolerance_um, off_code
        Deviation read from the design that scraps a segment; its exit code.
    loading : ndarray of float32, shape (lanes * positions,)
    porosity : ndarray of float32, shape (lanes * positions,)
        Written.
    thickness_um : ndarray of float32, shape (lanes * positions,) or (0,)
        Written if there is room.
    exit_code : ndarray of int16, shape (lanes * positions,)
        Changed.

    Returns
    -------
    int
        Rows scrapped.
    """
    lanes, positions = across_um.size, along_um.size
    thickness = np.empty(positions, np.float32)
    doubtful = np.empty(positions, np.int32)
    gauge = np.empty(positions, np.float32)
    slope, solid = np.float32(set_um_per_loading), np.float32(20.0 / solid_density_g_per_cm3)
    foil, one, design = np.float32(foil_um), np.float32(1.0), np.float32(design_um)
    clear = np.float32(tolerance_um - REACH * gauge_um)
    off = 0
    for lane in range(lanes):
        base, first = np.float32(set_um) + across_um[lane], lane * positions
        for position in range(positions):
            row = first + position
            thickness[position] = base + slope * loading[row] + along_um[position]
            porosity[row] = one - solid * loading[row] / (thickness[position] - foil)
        if thickness_um.size:
            for position in range(positions):
                thickness_um[first + position] = thickness[position]
        doubts = 0
        for position in range(positions):
            doubtful[doubts] = lane * planned + position
            doubts += (abs(thickness[position] - design) > clear) & (exit_code[first + position] == 0)
        fill_row_normals(gauge_key, entity, doubtful[:doubts], gauge)
        for i in range(doubts):
            position = doubtful[i] - lane * planned
            if abs(thickness[position] - design + np.float32(gauge_um) * gauge[i]) > np.float32(tolerance_um):
                exit_code[first + position] = off_code
                off += 1
    return off


@kernel
def scrap_stretch(
    first_m: float, last_m: float, pitch_m: float, lanes: int, code: int, exit_code: npt.NDArray[np.int16]
) -> int:
    """Give the living segments of all lanes that touch the stretch the exit code `code`; return how many there were.

    There are none if the stretch is empty (its end not above its start).
    """
    scrapped = 0
    if last_m <= first_m:
        return scrapped
    positions = exit_code.size // lanes
    for position in range(positions):
        if (position + 1) * pitch_m > first_m and position * pitch_m < last_m:
            for lane in range(lanes):
                row = lane * positions + position
                if exit_code[row] == 0:
                    exit_code[row] = code
                    scrapped += 1
    return scrapped
