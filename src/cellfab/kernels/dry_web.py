"""A web from charges: which charge feeds which position, and what each segment is."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.film import (
    hole_count,
    largest_of_holes,
    weak_share,
)
from cellfab.kernels.random import fill_normal, normals_of_words, uniform
from cellfab.kernels.random_rows import REACH, fill_row_normals, fill_words_from, last_word_below
from cellfab.kernels.web_field import ou_segment_means

_WORD = 2.0**-32


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
def loading_along(
    entity: int,
    drift_key: np.uint64,
    mean_key: np.uint64,
    drift_cv: float,
    drift_law: tuple[float, float, float, float, float],
    ripple: float,
    step_radians: float,
    phase: float,
    roll: float,
    offset: npt.NDArray[np.float32],
    charge: npt.NDArray[np.int32],
    along: npt.NDArray[np.float32],
) -> None:
    """Relative error of loading common to all lanes: drift + ripple + the charge's offset + the roll's.

    Parameters
    ----------
    entity : int
        The web.
    drift_key, mean_key : numpy.uint64
        Streams of the drift's state and means (see `ou_segment_means`).
    drift_cv : float
        Point value of the drift, 1 sigma.
    drift_law : tuple of float
        `ou_coefficients`.
    ripple, step_radians, phase : float
        Amplitude of the ripple's means; the sine's angle from one position to the next, and at the first one.
    roll : float
    offset : ndarray of float32, shape (charges,)
    charge : ndarray of int32, shape (positions,)
    along : ndarray of float32, shape (positions,)
        Written.
    """
    n = along.size
    state, mean = np.empty(n + 1, np.float32), np.empty(n, np.float32)
    fill_normal(drift_key, entity, state)
    fill_normal(mean_key, entity, mean)
    keep, kick, lead, shared, own = drift_law
    ou_segment_means(state, mean, keep, kick, lead, shared, own, along)
    # The angle grows by a fixed step: turning a pointer is ten times as fast as a sine (and loses 1e-13 in 1000 steps).
    sine, cosine = ripple * math.sin(phase), ripple * math.cos(phase)
    turn_sine, turn_cosine = math.sin(step_radians), math.cos(step_radians)
    for position in range(n):
        along[position] = np.float32(drift_cv * along[position] + sine + offset[charge[position]] + roll)
        sine, cosine = sine * turn_cosine + cosine * turn_sine, cosine * turn_cosine - sine * turn_sine


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
def laminate(
    entity: int,
    planned: int,
    across: npt.NDArray[np.float32],
    along: npt.NDArray[np.float32],
    short_key: np.uint64,
    short_cv: float,
    design_mg_per_cm2: float,
    gauge_key: np.uint64,
    gauge_cv: float,
    tolerance: float,
    off_code: int,
    position_code: npt.NDArray[np.int16],
    loading: npt.NDArray[np.float32],
    exit_code: npt.NDArray[np.int16],
) -> tuple[float, int]:
    """Loading of every segment, and which ones the inline gauge reads as off; the gauge is read only where it matters.

    Parameters
    ----------
    entity, planned : int
        The web, and positions per lane as planned: number lane * planned + position is that segment's.
    across, along : ndarray of float32, shapes (lanes,) and (positions,)
        Relative errors.
    short_key, short_cv
        Stream and 1 sigma of the noise of single segments.
    design_mg_per_cm2 : float
    gauge_key, gauge_cv, tolerance, off_code
        Stream and 1 sigma of the gauge, relative deviation read that scraps a segment, and its exit code.
    position_code : ndarray of int16, shape (positions,)
        Exit codes of whole positions.
    loading, exit_code : ndarray of float32 and int16, shape (lanes * positions,)
        Written.

    Returns
    -------
    tuple of (float, int)
        Sum of the loading; rows scrapped by the gauge.
    """
    positions = along.size
    words = np.empty(positions + 3, np.uint32)
    relative = np.empty(positions, np.float32)
    doubtful = np.empty(positions, np.int32)
    gauge = np.empty(positions, np.float32)
    totals = np.empty(positions)
    design, noise, one = np.float32(design_mg_per_cm2), np.float32(short_cv), np.float32(1.0)
    error, limit = np.float32(gauge_cv), np.float32(tolerance)
    reach = np.float32(REACH) * error
    low = (one - limit) / max(one - reach, np.float32(1e-6))  # an error of more than all leaves no row clear
    high = (one + limit) / (one + reach)
    off = 0
    for lane in range(across.size):
        first = lane * positions
        normals_of_words(fill_words_from(short_key, entity, lane * planned, words), relative)
        for position in range(positions):
            value = one + across[lane] + along[position] + noise * relative[position]
            relative[position] = value
            loading[first + position] = design * value
            exit_code[first + position] = position_code[position]
            totals[position] = design * value + (totals[position] if lane else 0.0)
        doubts = 0
        for position in range(positions):
            doubtful[doubts] = lane * planned + position
            value = relative[position]
            doubts += ((value < low) | (value > high)) & (position_code[position] == 0)
        fill_row_normals(gauge_key, entity, doubtful[:doubts], gauge)
        for i in range(doubts):
            position = doubtful[i] - lane * planned
            if abs(relative[position] * (one + error * gauge[i]) - one) > limit:
                exit_code[first + position] = off_code
                off += 1
    total = 0.0
    for position in range(positions):
        total += totals[position]
    return total, off


@kernel
def inspect_holes(
    entity: int,
    planned: int,
    count_key: np.uint64,
    size_key: np.uint64,
    camera_key: np.uint64,
    mean: npt.NDArray[np.float64],
    median_mm: float,
    spread: float,
    camera_spread: float,
    limit_mm: float,
    hole_code: int,
    charge: npt.NDArray[np.int32],
    exit_code: npt.NDArray[np.int16],
    count: npt.NDArray[np.uint8],
    largest_mm: npt.NDArray[np.float32],
) -> int:
    """Poisson holes of lognormal size, seen by a camera with lognormal error; sizes are drawn where there are holes.

    Parameters
    ----------
    entity, planned : int
        As in `laminate`.
    count_key, size_key, camera_key : numpy.uint64
        Streams: the number of holes of row i is made of word i of the first, size and reading of normal number i of the
        others.
    mean : ndarray of float64, shape (charges,)
        Expected holes of a segment made of this charge.
    median_mm, spread : float
        Median size and standard deviation of its logarithm.
    camera_spread, limit_mm, hole_code
        Standard deviation of the logarithm of the camera's error; size read that scraps a segment; its exit code.
    charge : ndarray of int32, shape (positions,)
    exit_code : ndarray of int16, shape (lanes * positions,)
        Changed.
    count, largest_mm : ndarray of uint8 and float32, shape (lanes * positions,) or (0,)
        Written if there is room, where there are holes: their true number (at most 255) and the largest one's size.

    Returns
    -------
    int
        Rows scrapped.
    """
    positions = charge.size
    record = count.size > 0
    words = np.empty(positions + 3, np.uint32)
    none = np.empty(positions, np.uint32)
    rows = np.empty(positions, np.int32)
    size, camera = np.empty(positions, np.float32), np.empty(positions, np.float32)
    for position in range(positions):
        none[position] = last_word_below(math.exp(-mean[charge[position]]))
    limit = math.log(limit_mm / median_mm)
    scrapped = 0
    for lane in range(exit_code.size // max(positions, 1)):
        first = lane * positions
        drawn = fill_words_from(count_key, entity, lane * planned, words)
        found = 0
        for position in range(positions):
            rows[found] = lane * planned + position
            found += (drawn[position] > none[position]) & (record | (exit_code[first + position] == 0))
        fill_row_normals(size_key, entity, rows[:found], size)
        fill_row_normals(camera_key, entity, rows[:found], camera)
        for i in range(found):
            position = rows[i] - lane * planned
            holes = max(hole_count((drawn[position] + 0.5) * _WORD, mean[charge[position]]), 1)
            ln_size = spread * largest_of_holes(float(size[i]), holes)
            if record:
                count[first + position] = min(holes, 255)
                largest_mm[first + position] = median_mm * math.exp(ln_size)
            if exit_code[first + position] == 0 and ln_size + camera_spread * camera[i] > limit:
                exit_code[first + position] = hole_code
                scrapped += 1
    return scrapped


@kernel
def inspect_peel(
    entity: int,
    planned: int,
    patch_key: np.uint64,
    seen_key: np.uint64,
    median_n_per_m: npt.NDArray[np.float32],
    spread: npt.NDArray[np.float32],
    patches: float,
    limit_n_per_m: float,
    seen_share: float,
    blister_code: int,
    charge: npt.NDArray[np.int32],
    exit_code: npt.NDArray[np.int16],
) -> int:
    """Scrap segments whose weakest patch is below the limit and is seen; only that comparison is drawn.

    Parameters
    ----------
    entity, planned : int
        As in `laminate`.
    patch_key, seen_key : numpy.uint64
        Streams: the weakest patch of row i comes from word i of the first, as its extreme's probability; whether it is
        seen from ``uniform(key, entity, i)`` of the second.
    median_n_per_m, spread : ndarray of float32, shape (charges,)
        Of a patch, lognormal.
    patches : float
        Of a segment.
    limit_n_per_m, seen_share, blister_code
        Weaker patches come off; share of them seen; exit code.
    charge : ndarray of int32, shape (positions,)
    exit_code : ndarray of int16, shape (lanes * positions,)
        Changed.

    Returns
    -------
    int
        Rows scrapped.
    """
    positions = charge.size
    weak = np.empty(median_n_per_m.size, np.uint32)
    most = np.uint32(0)
    for i in range(weak.size):
        weak[i] = last_word_below(weak_share(limit_n_per_m, float(median_n_per_m[i]), float(spread[i]), patches))
        most = max(most, weak[i])
    if most == 0:
        return 0
    words = np.empty(positions + 3, np.uint32)
    scrapped = 0
    for lane in range(exit_code.size // max(positions, 1)):
        first = lane * positions
        drawn = fill_words_from(patch_key, entity, lane * planned, words)
        for position in range(positions):
            if drawn[position] > most or drawn[position] > weak[charge[position]] or exit_code[first + position] != 0:
                continue
            if uniform(seen_key, entity, lane * planned + position) < seen_share:
                exit_code[first + position] = blister_code
                scrapped += 1
    return scrapped


@kernel
def spread_charges(
    charge: npt.NDArray[np.int32], values: npt.NDArray[np.float32], lanes: int, out: npt.NDArray[np.float32]
) -> None:
    """Give every segment the value of its charge: out, shape (lanes * positions,), from values, shape (charges,)."""
    positions = charge.size
    for position in range(positions):
        out[position] = values[charge[position]]
    for lane in range(1, lanes):
        for position in range(positions):
            out[lane * positions + position] = out[position]
