"""Flaws of a coated web: spots and particles of random size that a camera may see, and patches that come off.

A segment's charge decides how often each happens; what a camera reads decides who is scrapped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.core import web
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot

Floats = npt.NDArray[np.float32]
Rates = float | npt.NDArray[np.float64]


class Sizes(NamedTuple):
    """Lognormal sizes, and a camera's lognormal error: a flaw is seen with probability Phi(ln(d / limit) / error)."""

    median: float
    spread: float
    """Standard deviation of the logarithm."""
    camera_spread: float
    """Of the camera's error, likewise."""
    limit: float
    """Flaws read as larger are marked bad."""


class Found(NamedTuple):
    """Flaws of a web: rows of the lot (one with two flaws comes twice), and the flaws' true sizes."""

    rows: npt.NDArray[np.int32]
    sizes: Floats

    def counts(self, n: int) -> npt.NDArray[np.uint8]:
        """Flaws of each of n rows, at most 255."""
        return np.minimum(np.bincount(self.rows, minlength=n), 255).astype(np.uint8)

    def largest(self, n: int) -> Floats:
        """Largest flaw of each of n rows, 0 where there is none."""
        out = np.zeros(n, np.float32)
        if self.rows.size:
            np.maximum.at(out, self.rows, self.sizes)
        return out


def inspect_flaws(lot: Lot, draws: Draws, decision: str, rate: Rates, law: Sizes, cause: int) -> Found:
    """Flaws scattered over a web, and the segments scrapped on which one is read as too large.

    Parameters
    ----------
    lot : Lot
        A web.
    draws, decision
        Name the flaws' places, sizes and readings.
    rate : float or ndarray of float64, shape (positions,)
        Expected flaws per segment.
    law : Sizes
    cause : int
        Exit code.
    """
    found = web.events(lot, draws, decision, rate)
    if not found.rows.size:
        return Found(found.rows, np.empty(0, np.float32))
    z = found.normals()
    ln_size = np.float32(law.spread) * z[:, 0]
    read = ln_size + np.float32(law.camera_spread) * z[:, 1]
    web.scrap_rows(lot, found.rows[read > math.log(law.limit / law.median)], cause)
    return Found(found.rows, np.float32(law.median) * np.exp(ln_size))


class Patches(NamedTuple):
    """Peel strength of the patches that a segment's charge is made of: lognormal, N/m."""

    median_n_per_m: float
    spread: float
    """Standard deviation of the logarithm."""


def inspect_peel(
    lot: Lot, draws: Draws, decision: str, laws: Sequence[Patches], charge: npt.NDArray[Any], count: float,
    limit_n_per_m: float, seen_share: float, cause: int, *, keep: bool = False,
) -> Floats | None:  # fmt: skip
    """Scrap the segments whose weakest patch is below a limit and is seen.

    Parameters
    ----------
    lot : Lot
        A web.
    draws, decision
        Name the draws: `decision` which segments are too weak, whether it is seen and how weak they are; `decision` +
        "_strength" the others' strength, which is drawn only if it is asked for.
    laws : sequence of Patches
        Of each charge.
    charge : ndarray of int, shape (positions,)
        Charge of each position.
    count : float
        Patches of a segment.
    limit_n_per_m, seen_share, cause
        Weaker patches come off; share of such segments that is seen; exit code.
    keep : bool
        Return the strength of every segment's weakest patch.

    Returns
    -------
    ndarray of float32, shape (n,), N/m, or None unless `keep`
    """
    from cellfab.kernels.film import weak_share
    from cellfab.kernels.web_events import rate_of

    weak = [weak_share(limit_n_per_m, *law, count) for law in laws]
    found = web.events(lot, draws, decision, np.array([rate_of(share) for share in weak])[charge])
    # A segment is too weak if it has an event at all: only its first counts.
    rows, first = np.unique(found.rows, return_index=True) if found.rows.size else (found.rows, found.rows)
    words = found.words[first]
    web.scrap_rows(lot, rows[words[:, 0] < seen_share * web.WORDS], cause)
    if not keep:
        return None
    share = web.repeat(lot, np.array(weak)[charge])
    below = share + (1.0 - share) * draws.uniform(f"{decision}_strength", lot)
    below[rows] = share[rows] * ((words[:, 1] + 0.5) / web.WORDS)
    median, spread = np.array(laws, np.float32).T
    strength: Floats = web.repeat(lot, median[charge]) * np.exp(web.repeat(lot, spread[charge]) * _lowest(below, count))
    return strength


def _lowest(probability: npt.NDArray[np.float64], count: float) -> Floats:
    """The lowest of `count` standard normal values, from the probability that it is lower."""
    from cellfab.kernels.extremes import lowest_of
    from cellfab.kernels.random import normals_of_words

    z = np.empty(probability.size, np.float32)
    normals_of_words(np.minimum(probability * web.WORDS, web.WORDS - 1.0).astype(np.uint32), z)
    return lowest_of(z, count)
