"""Making the most of a fixed number of replicates when the best of several systems is to be chosen.

Those get most that are nearly as good as the best and scatter much. Nothing is promised; how probable it is that the
best was found is said in the end. What is chosen depends on the values in the order of their replicates only.

References
----------
C.-H. Chen, J. Lin, E. Yucesan, S. E. Chick, "Simulation budget allocation for further enhancing the efficiency of
ordinal optimization", Discrete Event Dynamic Systems 10 (2000), 251-270.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.config.selection_spec import OcbaSelection
from cellfab.study.course import Ended, Known, Wanted
from cellfab.study.plan import Study
from cellfab.study.selection import Choice, candidates, gap, whole_values
from cellfab.study.statistics import mean_and_variance

Floats = npt.NDArray[np.float64]

STAGES = 20
"""Times that replicates are handed out after the first ones: 5 % of them at a time (Chen 2000 advises 5 to 20 %)."""


class Leader(NamedTuple):
    """The system with the best mean so far.

    Attributes
    ----------
    system : str
    probability : float
        That it is the best of all, at least (Chen 2000, by Bonferroni's inequality).
    rivals : dict of str to float
        Probability of each of the others that it is better.
    """

    system: str
    probability: float
    rivals: dict[str, float]


@dataclass(frozen=True, slots=True)
class _Sample:
    names: tuple[str, ...]
    means: Floats
    variances: Floats
    counts: npt.NDArray[np.int64]
    best: int


def _sample(values: Mapping[str, Sequence[float]], largest: bool) -> _Sample:
    if len(values) < 2:
        raise ValueError("a choice needs at least two systems")
    moments = [mean_and_variance(one) for one in values.values()]
    means = np.array([mean for mean, _ in moments])
    counts = np.array([len(one) for one in values.values()])
    best = int(np.argmax(means if largest else -means))
    return _Sample(tuple(values), means, np.array([variance for _, variance in moments]), counts, best)


def leader(values: Mapping[str, Sequence[float]], *, largest: bool = True) -> Leader:
    """The system with the best mean, and how probable it is that no other is better.

    Systems are taken to be independent of each other: with common random numbers it is more probable than this.
    """
    from scipy.special import ndtr

    sample = _sample(values, largest)
    errors = sample.variances / sample.counts
    lead = np.abs(np.delete(sample.means, sample.best) - sample.means[sample.best])
    spread = np.sqrt(np.delete(errors, sample.best) + errors[sample.best])
    z = np.divide(lead, spread, out=np.where(lead > 0.0, np.inf, 0.0), where=spread > 0.0)
    doubt = ndtr(-z)
    others = [name for place, name in enumerate(sample.names) if place != sample.best]
    rivals = dict(zip(others, doubt.tolist(), strict=True))
    return Leader(sample.names[sample.best], max(0.0, 1.0 - float(doubt.sum())), rivals)


def ocba(values: Mapping[str, Sequence[float]], more: int, *, largest: bool = True) -> dict[str, int]:
    """How many replicates each system should have after `more` further ones (Chen 2000, theorem 1).

    Numbers in proportion to (scatter / distance to the best)^2, and for the best its scatter times the root of the sum
    of (number / scatter)^2 of the others. Nobody loses replicates that it has: who is above its share waits.

    Parameters
    ----------
    values : mapping of str to sequence of float
        Of each system at least two, better five.
    more : int
        Replicates to hand out, at least one.

    Returns
    -------
    dict of str to int
        Replicates in total; their sum is that of now plus `more`.
    """
    if more < 1:
        raise ValueError(f"{more} replicates cannot be handed out")
    sample = _sample(values, largest)
    shares = ocba_shares(sample.means, sample.variances, largest=largest)
    counts = sample.counts
    left = int(counts.sum()) + more
    open_ = np.ones(len(counts), dtype=bool)
    while True:  # whoever is above its share keeps what it has; the rest is shared anew
        weight = shares[open_].sum()
        ideal = np.where(open_, shares * left / weight if weight > 0.0 else left / open_.sum(), counts)
        above = open_ & (ideal <= counts)
        if not above.any():
            break
        left -= int(counts[above].sum())
        open_ &= ~above
    target = np.where(open_, np.maximum(np.floor(ideal).astype(np.int64), counts), counts)
    spare = int(counts.sum()) + more - int(target.sum())
    for place in np.argsort(-(ideal - target), kind="stable")[:spare]:
        target[place] += 1
    return dict(zip(sample.names, target.tolist(), strict=True))


def ocba_shares(means: Floats, variances: Floats, *, largest: bool = True) -> Floats:
    """Shares of all replicates that make the probability of choosing rightly largest (Chen 2000), shape (systems,).

    Two that tie for the best share what there is; a system that does not scatter needs nothing more.
    """
    best = int(np.argmax(means if largest else -means))
    distance = np.abs(means - means[best])
    others = np.arange(means.size) != best
    if not (variances > 0.0).any():
        return np.full(means.size, 1.0 / means.size)
    least = distance[others].min()
    tied = others & (distance == 0.0)
    if tied.any():  # an infinite share each: the limit of equal small distances
        weights = np.where(tied, variances, 0.0)
    else:
        weights = np.where(others, variances * (least / np.where(others, distance, 1.0)) ** 2, 0.0)
    scatters = others & (variances > 0.0)
    weights[best] = math.sqrt(variances[best] * float((weights[scatters] ** 2 / variances[scatters]).sum()))
    if weights.sum() == 0.0:  # only the best scatters, or only systems that are not tied
        weights[:] = np.where(variances > 0.0, 1.0, 0.0)
    shares: Floats = weights / weights.sum()
    return shares


class OcbaCourse:
    """The course of a study that hands out its replicates so; its systems are the cases, by number."""

    def __init__(self, study: Study, selection: OcbaSelection) -> None:
        self.study, self.selection = study, selection
        self.metrics: tuple[str, ...] = (selection.metric,)
        first = selection.first * len(study.cases)
        self._stage = max(1, math.ceil((selection.total - first) / STAGES))
        self._counts = [0] * len(study.cases)
        self._reason = ""

    def next(self, known: Known) -> Wanted | Ended:
        """The first replicates of every case; then as many as a stage has, to those that need them."""
        selection, total = self.selection, self.selection.total
        if not any(self._counts):
            self._counts = [selection.first] * len(self._counts)
        else:
            values = whole_values(self.study, known, selection.metric, self._counts)
            for case, found in zip(self.study.cases, values, strict=True):
                if len(found) < self._counts[case.number]:
                    self._reason = gap(self.study, known, case, len(found), selection.metric)
                    return "unmeasured"
            left = total - sum(self._counts)
            if not left:
                return "fixed"
            named = {str(number): found for number, found in enumerate(values)}
            handed = ocba(named, min(left, self._stage), largest=selection.goal == "largest")
            self._counts = [handed[name] for name in named]
        return Wanted(self.study, tuple(self._counts), later=total - sum(self._counts))

    def remark(self, known: Known) -> str:
        """How many replicates are handed out."""
        return f"{sum(self._counts)} of {self.selection.total} handed out"

    def part(self, known: Known) -> Choice:
        """The one that leads, and how probable it is that each other one is better."""
        selection = self.selection
        values = whole_values(self.study, known, selection.metric, self._counts)
        ahead, best = None, None
        if min(map(len, values)) > 1:
            named = {str(number): one for number, one in enumerate(values)}
            ahead = leader(named, largest=selection.goal == "largest")
            best = self.study.cases[int(ahead.system)]
        found = tuple(
            one._replace(doubt=None if ahead is None else ahead.rivals.get(str(one.case.number)))
            for one in candidates(self.study, known, selection, self._counts, best)
        )
        return Choice(selection, best, None if ahead is None else ahead.probability, found, self._reason)
