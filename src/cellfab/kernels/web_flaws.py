"""Flaws of a web and what a camera makes of them: spots of random size, and patches that come off the foil."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.random import normals_of_words
from cellfab.kernels.web_events import scatter_events

_WORDS = 2.0**32


@kernel
def find_flaws(
    seen_key: np.uint64,
    passed_key: np.uint64,
    entity: int,
    rate: npt.NDArray[np.float64],
    charge: npt.NDArray[np.int32],
    share: float,
    known: float,
    own: float,
    passed: bool,
    lanes: int,
    positions: int,
    planned: int,
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.float32], int]:
    """Flaws that a camera sees, and those that pass if they are asked for: where, and how large.

    The logarithm of the size as read is normal and cut off: the `share` of it that is highest is seen. Given that, the
    true one is normal, with mean and variance of two normal numbers whose sum is known.

    Parameters
    ----------
    seen_key, passed_key : numpy.uint64
        Streams of `web_events.scatter_events`.
    entity : int
        The web.
    rate : ndarray of float64, shape (charges,)
        Expected flaws of a segment.
    charge : ndarray of int32, shape (positions,)
        Which of the rates holds at a position.
    share : float
        Of the flaws, those that are seen.
    known, own : float
        Deviation of the logarithm of the true size with the one read, negative, and its own.
    passed : bool
        Find those that pass as well.
    lanes, positions, planned : int
        As in `web_events.scatter_events`.

    Returns
    -------
    rows : ndarray of uint32, shape (m,)
        Row of each flaw, first of those that are seen; a row may come twice.
    deviations : ndarray of float32, shape (m,)
        Logarithm of the true size over the median one.
    seen : int
        How many are seen.

    Raises
    ------
    ValueError
        If a rate is not a number.
    """
    rows, first, second = scatter_events(seen_key, entity, rate, charge, share, lanes, positions, planned)
    seen = rows.size
    if passed:
        more = scatter_events(passed_key, entity, rate, charge, 1.0 - share, lanes, positions, planned)
        rows = np.concatenate((rows, more[0]))
        first, second = np.concatenate((first, more[1])), np.concatenate((second, more[2]))
    m = rows.size
    for i in range(m):
        first[i] = np.uint32(first[i] * (share if i < seen else 1.0 - share))
    read, rest, deviations = np.empty(m, np.float32), np.empty(m, np.float32), np.empty(m, np.float32)
    normals_of_words(first, read)
    normals_of_words(second, rest)
    for i in range(m):
        with_read = np.float32(known if i < seen else -known)
        deviations[i] = with_read * read[i] + np.float32(own) * rest[i]
    return rows, deviations, seen


@kernel
def judge_flaws(
    rows: npt.NDArray[np.uint32],
    sizes: npt.NDArray[np.float32],
    seen: int,
    limit: float,
    code: int,
    exit_code: npt.NDArray[np.int16],
    largest: npt.NDArray[np.float32],
) -> tuple[int, int]:
    """Scrap the living rows on which a flaw is seen.

    Parameters
    ----------
    rows, sizes : ndarray of uint32 and float32, shape (m,)
        Row and true size of each flaw, first of those that are seen.
    seen : int
    limit : float
        A flaw that is truly no larger is seen without reason.
    code : int
    exit_code : ndarray of int16, shape (n,)
        Changed.
    largest : ndarray of float32, shape (n,) or (0,)
        Zeros; written: the largest flaw of each row, if there is room for it.

    Returns
    -------
    tuple of int
        Rows scrapped with a flaw that is too large, and without one.
    """
    right, wrong = 0, 0
    for i in range(seen):
        if sizes[i] > np.float32(limit) and exit_code[rows[i]] == 0:
            exit_code[rows[i]] = code
            right += 1
    for i in range(seen):
        if exit_code[rows[i]] == 0:
            exit_code[rows[i]] = code
            wrong += 1
    if largest.size > 0:
        for i in range(rows.size):
            largest[rows[i]] = max(largest[rows[i]], sizes[i])
    return right, wrong


@kernel
def inspect_patches(
    key: np.uint64,
    entity: int,
    rate: npt.NDArray[np.float64],
    charge: npt.NDArray[np.int32],
    seen_share: float,
    lanes: int,
    positions: int,
    planned: int,
    code: int,
    exit_code: npt.NDArray[np.int16],
) -> tuple[npt.NDArray[np.uint8], int]:
    """Find the segments with weak patches and scrap those of them that are seen.

    A segment with several weak patches is looked at once: its first one's random word decides.

    Parameters
    ----------
    key, entity, rate, charge, lanes, positions, planned
        As in `find_flaws`.
    seen_share : float
        Of the segments with a weak patch.
    code : int
    exit_code : ndarray of int16, shape (n,)
        Changed.

    Returns
    -------
    is_weak : ndarray of uint8, shape (n,)
    scrapped : int
        Rows newly scrapped.

    Raises
    ------
    ValueError
        If a rate is not a number.
    """
    rows, words, _ = scatter_events(key, entity, rate, charge, 1.0, lanes, positions, planned)
    is_weak, scrapped = np.zeros(exit_code.size, np.uint8), 0
    for i in range(rows.size):
        row = rows[i]
        if is_weak[row] == 0 and words[i] < seen_share * _WORDS and exit_code[row] == 0:
            exit_code[row] = code
            scrapped += 1
        is_weak[row] = 1
    return is_weak, scrapped


@kernel
def inspect_cuts(
    cut_key: np.uint64,
    alarm_key: np.uint64,
    entity: int,
    rates: npt.NDArray[np.float64],
    seen_share: float,
    lanes: int,
    positions: int,
    planned: int,
    code: int,
    exit_code: npt.NDArray[np.int16],
    is_flawed: npt.NDArray[np.uint8],
) -> tuple[int, int]:
    """Find flawed cuts and false alarms, and scrap what a camera takes for flawed.

    Parameters
    ----------
    cut_key, alarm_key : numpy.uint64
        Streams.
    entity, lanes, positions, planned
        As in `find_flaws`.
    rates : ndarray of float64, shape (2,)
        Expected flaws and false alarms of a segment.
    seen_share : float
        Of the flaws.
    code : int
    exit_code : ndarray of int16, shape (n,)
        Changed.
    is_flawed : ndarray of uint8, shape (n,)
        Written.

    Returns
    -------
    tuple of int
        Rows newly scrapped with a flaw, and without one.
    """
    everywhere = np.empty(0, np.int32)
    cuts, words, _ = scatter_events(cut_key, entity, rates[:1], everywhere, 1.0, lanes, positions, planned)
    alarms, _, _ = scatter_events(alarm_key, entity, rates[1:], everywhere, 1.0, lanes, positions, planned)
    is_flawed[:] = 0
    right, wrong = 0, 0
    for i in range(cuts.size):
        is_flawed[cuts[i]] = 1
        if words[i] < seen_share * _WORDS and exit_code[cuts[i]] == 0:
            exit_code[cuts[i]] = code
            right += 1
    for i in range(alarms.size):
        if exit_code[alarms[i]] == 0:
            exit_code[alarms[i]] = code
            right += int(is_flawed[alarms[i]])
            wrong += 1 - int(is_flawed[alarms[i]])
    return right, wrong
