"""Flaws of a coated web: spots and particles of random size that a camera may see, and patches that come off.

A segment's charge decides how often each happens; what a camera reads decides who is scrapped.
"""

from __future__ import annotations

import math
from typing import NamedTuple

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

    @property
    def read_spread(self) -> float:
        """Standard deviation of the logarithm of the size as read."""
        return math.hypot(self.spread, self.camera_spread)

    @property
    def seen_share(self) -> float:
        """Of all flaws, share read as larger than the limit."""
        reach, read_spread = math.log(self.limit / self.median), self.read_spread
        if read_spread == 0.0:
            return float(reach < 0.0)
        return 0.5 * math.erfc(reach / read_spread / math.sqrt(2.0))

    def sizes(self, words: npt.NDArray[np.uint32], share: float, sign: float) -> Floats:
        """True sizes of flaws of which it is known what they are read as.

        The logarithm as read is normal and cut off: the `share` of it that is highest (`sign` 1) or lowest (-1). Given
        that, the true one is normal, with mean and variance of two normal numbers whose sum is known.

        Parameters
        ----------
        words : ndarray of uint32, shape (m, 2)
            Two random words per flaw.
        share, sign : float
        """
        from cellfab.kernels.random import normals_of_words

        n, read_spread = len(words), self.read_spread
        if read_spread == 0.0 or not n:
            return np.full(n, self.median, np.float32)
        cut, z = np.empty(2 * n, np.uint32), np.empty(2 * n, np.float32)
        cut[:n] = words[:, 0] * share
        cut[n:] = words[:, 1]
        normals_of_words(cut, z)
        read, rest = z[:n], z[n:]
        known = np.float32(-sign * self.spread**2 / read_spread)
        own = np.float32(self.spread * self.camera_spread / read_spread)
        sizes: Floats = np.float32(self.median) * np.exp(known * read + own * rest)
        return sizes


class Found(NamedTuple):
    """Flaws of a web: rows of the lot (one with two flaws comes twice), and the flaws' true sizes."""

    rows: npt.NDArray[np.int32]
    sizes: Floats

    def counts(self, n: int) -> npt.NDArray[np.uint8]:
        """Flaws of each of n rows; a rate of at most ten per row leaves them far below 255."""
        out = np.zeros(n, np.uint8)
        np.add.at(out, self.rows, 1)
        return out

    def largest(self, n: int) -> Floats:
        """Largest flaw of each of n rows, 0 where there is none."""
        out = np.zeros(n, np.float32)
        np.maximum.at(out, self.rows, self.sizes)
        return out


def inspect_flaws(
    lot: Lot, draws: Draws, decision: str, rate: Rates, law: Sizes, cause: int, *, keep: bool = False
) -> Found | None:
    """Flaws scattered over a web, and the segments scrapped on which one is read as too large.

    A segment on which none of those is truly too large is a false reject. Flaws that are seen and flaws that pass are
    two independent Poisson processes: those that pass are drawn only if they are asked for.

    Parameters
    ----------
    lot : Lot
        A web.
    draws, decision
        Name the flaws' places and sizes: `decision` of those that are seen, `decision` + "_passed" of the others.
    rate : float or ndarray of float64, shape (positions,)
        Expected flaws per segment.
    law : Sizes
    cause : int
        Exit code.
    keep : bool
        Return all flaws.

    Returns
    -------
    Found, or None unless `keep`

    Raises
    ------
    InvariantError
        If a rate is not a number.
    """
    share = law.seen_share
    seen = web.events(lot, draws, decision, rate * share)
    sizes = law.sizes(seen.words, share, 1.0)
    if sizes.size:
        large = sizes > law.limit
        web.reject(lot, seen.rows[large], seen.rows[~large], cause)
    else:
        web.note_false_rejects(lot, cause, 0)
    if not keep:
        return None
    passed = web.events(lot, draws, f"{decision}_passed", rate * (1.0 - share))
    return Found(
        np.concatenate((seen.rows, passed.rows)),
        np.concatenate((sizes, law.sizes(passed.words, 1.0 - share, -1.0))),
    )


class Patches(NamedTuple):
    """Peel strength of patches by charge, arrays of shape (charges,): see `cellfab.kernels.film.peel_of_charges`."""

    median_n_per_m: npt.NDArray[np.float64]
    spread: npt.NDArray[np.float64]
    """Standard deviation of the logarithm."""
    weak: npt.NDArray[np.float64]
    """Expected patches of a segment that are too weak."""
    number: float
    """Patches of a segment."""


def inspect_peel(
    lot: Lot, draws: Draws, decision: str, patches: Patches, charge: npt.NDArray[np.int32], seen_share: float,
    cause: int, *, keep: bool = False,
) -> Floats | None:  # fmt: skip
    """Scrap the segments of which a patch comes off the foil and is seen.

    Parameters
    ----------
    lot : Lot
        A web.
    draws, decision
        Name the draws: `decision` which segments have weak patches and whether these are seen; `decision` +
        "_strength" how strong the weakest one is, which is drawn only if it is asked for.
    patches : Patches
    charge : ndarray of int32, shape (positions,)
        Charge of each position.
    seen_share, cause
        Of the segments with a weak patch, share that is seen; exit code.
    keep : bool
        Return the strength of every segment's weakest patch.

    Returns
    -------
    ndarray of float32, shape (n,), N/m, or None unless `keep`

    Raises
    ------
    InvariantError
        If the number of weak patches is not a number.
    """
    from cellfab.kernels.film import weakest_peel

    found = web.events(lot, draws, decision, patches.weak[charge])
    if found.rows.size:
        # A segment with several weak patches is looked at once: its first one's number decides.
        rows, first = np.unique(found.rows, return_index=True)
        web.scrap_rows(lot, rows[found.words[first, 0] < seen_share * web.WORDS], cause)
    if not keep:
        return None
    is_weak, peel = np.zeros(lot.n, np.uint8), np.empty(lot.n, np.float32)
    is_weak[found.rows] = 1
    u = draws.uniform(f"{decision}_strength", lot)
    weakest_peel(is_weak, u, charge, patches.median_n_per_m, patches.spread, patches.weak, patches.number, peel)
    return peel
