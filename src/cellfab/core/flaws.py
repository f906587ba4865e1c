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
from cellfab.errors import InvariantError
from cellfab.kernels import AtFirstUse

film = AtFirstUse("film")
web_flaws = AtFirstUse("web_flaws")

Floats = npt.NDArray[np.float32]
Rates = npt.NDArray[np.float64]
Charges = npt.NDArray[np.int32]
_NOT_KEPT = np.empty(0, np.float32)


class Sizes:
    """Lognormal sizes, and a camera's lognormal error: a flaw is seen with probability Phi(ln(d / limit) / error).

    Parameters
    ----------
    median : float
    spread, camera_spread : float
        Standard deviation of the logarithm, and of the camera's error likewise.
    limit : float
        Flaws read as larger are marked bad.

    Attributes
    ----------
    median, limit : float
    seen_share : float
        Of all flaws, share read as larger than the limit.
    known, own : float
        See `cellfab.kernels.web_flaws.find_flaws`.
    """

    __slots__ = ("known", "limit", "median", "own", "seen_share")

    def __init__(self, median: float, spread: float, camera_spread: float, limit: float) -> None:
        self.median = np.float32(median)
        self.limit = limit
        reach, read_spread = math.log(limit / median), math.hypot(spread, camera_spread)
        if read_spread > 0.0:
            self.seen_share = 0.5 * math.erfc(reach / read_spread / math.sqrt(2.0))
            self.known, self.own = -(spread**2) / read_spread, spread * camera_spread / read_spread
        else:
            self.seen_share, self.known, self.own = float(reach < 0.0), 0.0, 0.0


class Found(NamedTuple):
    """Flaws of a web: rows of the lot (one with two flaws comes twice), and the flaws' true sizes."""

    rows: npt.NDArray[np.uint32]
    sizes: Floats
    largest: Floats
    """Of each row of the lot, 0 where there is none; shape (n,)."""

    def counts(self) -> npt.NDArray[np.uint8]:
        """Flaws of each row of the lot; a rate of at most ten per row leaves them far below 255."""
        out = np.zeros(self.largest.size, np.uint8)
        np.add.at(out, self.rows, 1)
        return out


def inspect_flaws(
    lot: Lot, draws: Draws, decision: str, rate: Rates, charge: Charges, law: Sizes, cause: int, *, keep: bool = False
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
    rate : ndarray of float64, shape (charges,)
        Expected flaws per segment.
    charge : ndarray of int32, shape (positions,)
        Charge of each position.
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
    try:
        rows, deviations, seen = web_flaws.find_flaws(
            draws.key(decision), draws.key(f"{decision}_passed"), lot.identity, rate, charge,
            law.seen_share, law.known, law.own, keep, *web.grid(lot),
        )  # fmt: skip
    except ValueError as error:
        raise InvariantError(f"'{decision}': {error}") from None
    sizes = law.median * np.exp(deviations)
    largest = np.zeros(lot.n, np.float32) if keep else _NOT_KEPT
    right, wrong = web_flaws.judge_flaws(rows, sizes, seen, law.limit, cause, web.exit_codes(lot), largest)
    web.rejected(lot, cause, right, wrong)
    return Found(rows, sizes, largest) if keep else None


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
    lot: Lot, draws: Draws, decision: str, patches: Patches, charge: Charges, seen_share: float,
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
    try:
        is_weak, scrapped = web_flaws.inspect_patches(
            draws.key(decision), lot.identity, patches.weak, charge, seen_share, *web.grid(lot), cause,
            web.exit_codes(lot),
        )  # fmt: skip
    except ValueError as error:
        raise InvariantError(f"'{decision}': {error}") from None
    web.scrapped(lot, (cause, scrapped))
    if not keep:
        return None
    peel, u = np.empty(lot.n, np.float32), draws.uniform(f"{decision}_strength", lot)
    film.weakest_peel(is_weak, u, charge, patches.median_n_per_m, patches.spread, patches.weak, patches.number, peel)
    return peel
