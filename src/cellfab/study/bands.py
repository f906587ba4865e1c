"""What the replicates of a study were week by week: quantile bands of every curve.

The output of a ramp, its yield and its cost are curves, and a mean over replicates hides how far apart they lie; a band
says between what and what the middle half, and the middle nine tenths, of the replicates are in each week. Of a design
whose points are drawn there is one band for each variant, over all points: what is not known is in it too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cellfab.study.part import Sheet
from cellfab.study.plan import Case
from cellfab.study.statistics import BAND_SHARES, Band, quantile_band

if TYPE_CHECKING:
    from cellfab.study.result import StudyResult
    from cellfab.study.worker import Curve

FEWEST_WEEKS = 2


@dataclass(frozen=True, slots=True)
class CurveBand:
    """The band of one curve.

    Attributes
    ----------
    variant : str
    point : int or None
        Of the design; None: over all points, which were drawn.
    factors : mapping of str to value
        What the point is; empty over all points.
    curve, unit : str
        As in `cellfab.outcome.curves.CURVES`; of a bare line `throughput_per_h`.
    band : Band
        Its points are weeks, from week 0 on.
    """

    variant: str
    point: int | None
    factors: Mapping[str, Any]
    curve: str
    unit: str
    band: Band


def curve_bands(result: StudyResult, shares: Sequence[float] = BAND_SHARES) -> Iterator[CurveBand]:
    """Bands of every curve that at least two replicates have.

    Parameters
    ----------
    shares : sequence of float
        Quantiles, in [0, 1].
    """
    study = result.study
    together = study.spec.design.sampled
    if study.spec.design.screens:
        return  # its points are placed to tell inputs apart, not as likely as they are
    groups: dict[tuple[str, int | None], list[Case]] = {}
    for case in study.cases:
        groups.setdefault((case.variant, None if together else case.point), []).append(case)
    for (variant, point), cases in groups.items():
        found: dict[str, list[Curve]] = {}
        for case in cases:
            for replicate in range(result.counts[case.number]):
                for curve in result.outcomes[study.task(case, replicate)].curves:
                    found.setdefault(curve.name, []).append(curve)
        factors = {} if together else cases[0].factors
        for name, curves in found.items():
            weeks = {len(curve.packed) for curve in curves}
            if len(curves) > 1 and len(weeks) == 1:  # points may differ in how long they run
                band = quantile_band(np.array([curve.values for curve in curves]), shares)
                yield CurveBand(variant, point, factors, name, curves[0].unit, band)


@dataclass(frozen=True)
class Bands:
    """The bands of a study, as a part of its result."""

    bands: tuple[CurveBand, ...]
    factors: tuple[str, ...]

    @property
    def key(self) -> str:
        """Name in the JSON document."""
        return "bands"

    def sheets(self) -> Mapping[str, Sheet]:
        """`bands.csv`: a row for each week of each curve; `n` replicates have a value in it."""
        percents = tuple(f"p{100 * share:g}" for share in BAND_SHARES)
        head = (
            "variant",
            "point",
            *(f"factor.{name}" for name in self.factors),
            "curve",
            "unit",
            "week",
            "n",
            *percents,
        )
        rows = [
            (
                one.variant, one.point, *(one.factors.get(name) for name in self.factors), one.curve, one.unit, week,
                int(one.band.n[week]),
                *(float(value) if one.band.n[week] else None for value in one.band.values[:, week]),
            )
            for one in self.bands
            for week in range(one.band.n.size)
        ]  # fmt: skip
        return {"bands": Sheet(head, rows)}


def bands_of(result: StudyResult) -> Bands | None:
    """The bands of a study whose runs are longer than a week; else None."""
    found = tuple(one for one in curve_bands(result) if one.band.n.size >= FEWEST_WEEKS)
    return Bands(found, tuple(result.study.spec.factors)) if found else None
