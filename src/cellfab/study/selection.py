"""Choosing the best of several systems: which replicates are needed for it, and which system it is.

Two procedures that ask for replicates and never run any. `KimNelson` promises: the best is chosen with at least the
stated probability if it is better than the others by the indifference zone or more, else one within the zone of it;
systems that cannot be the best any more get no further replicates, and common random numbers make it faster. `ocba`
promises nothing but makes the most of a fixed number of replicates: those get most that are nearly as good as the best
and scatter much.

Both depend on the values in the order of their replicates only, so that a study which is resumed chooses the same.

References
----------
S.-H. Kim, B. L. Nelson, "A fully sequential procedure for indifference-zone selection in simulation", ACM TOMACS 11
(2001), 251-273.
C.-H. Chen, J. Lin, E. Yucesan, S. E. Chick, "Simulation budget allocation for further enhancing the efficiency of
ordinal optimization", Discrete Event Dynamic Systems 10 (2000), 251-270.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.study.statistics import CONFIDENCE, mean_and_variance

Floats = npt.NDArray[np.float64]

FIRST_STAGE = 10
"""Replicates of every system before the first decision: 10 to 20 (Kim & Nelson 2001, section 5)."""


class KimNelson:
    """Fully sequential selection of the best with an indifference zone (Kim & Nelson 2001, with c = 1).

    Parameters
    ----------
    systems : sequence of str
        At least two.
    indifference : float
        Smallest difference that matters, in the unit of the values; above 0.
    largest : bool
        Whether the best has the largest mean; false: the smallest.
    confidence : float
        Probability of choosing rightly, in (1 / systems, 1).
    first_stage : int
        Replicates of every system from which the scatter of the differences is estimated.

    Attributes
    ----------
    in_play : tuple of str
        Systems that may still be the best.
    excluded : dict of str to int
        The others, with the replicates after which they were.
    best : str or None
        None while it is not decided.
    replicates : int
        Looked at so far.
    """

    def __init__(
        self,
        systems: Sequence[str],
        indifference: float,
        *,
        largest: bool = True,
        confidence: float = CONFIDENCE,
        first_stage: int = FIRST_STAGE,
    ) -> None:
        k = len(systems)
        if k < 2 or len(set(systems)) < k:
            raise ValueError("a choice needs at least two systems, all with names of their own")
        if indifference <= 0.0:
            raise ValueError(f"the smallest difference that matters is above 0, not {indifference:g}")
        if not 1.0 / k < confidence < 1.0:
            raise ValueError(f"confidence must lie between 1/{k} and 1, not {confidence:g}")
        if first_stage < 2:
            raise ValueError("the first stage needs at least two replicates")
        self.systems = tuple(systems)
        self.indifference, self.first_stage = indifference, first_stage
        self._sign = 1.0 if largest else -1.0
        alpha = 1.0 - confidence
        eta = ((2.0 * alpha / (k - 1)) ** (-2.0 / (first_stage - 1)) - 1.0) / 2.0
        self._h_squared = 2.0 * eta * (first_stage - 1)
        self.in_play = self.systems
        self.excluded: dict[str, int] = {}
        self.best: str | None = None
        self.replicates = 0
        self._places: list[int] = list(range(k))  # of the systems in play
        self._sums: Floats = np.zeros(k)
        self._reach: Floats | None = None  # h^2 S^2 / indifference of every pair in play

    def wanted(self, more: int = 1) -> dict[str, int]:
        """Replicates that each system should have next, counted from the first; empty once the best is known.

        Parameters
        ----------
        more : int
            Replicates to ask for at a time after the first stage; what is chosen does not depend on it.
        """
        if self.best is not None:
            return {}
        return dict.fromkeys(self.in_play, max(self.first_stage, self.replicates + more))

    def tell(self, values: Mapping[str, Sequence[float]]) -> None:
        """Look at the values of each system, in the order of its replicates from the first on.

        Those of systems that are out of play, and those seen before, are not looked at again.

        Raises
        ------
        ValueError
            If a value is not finite: a replicate that failed has no place in a comparison.
        """
        while self.best is None:
            known = min(len(values.get(name, ())) for name in self.in_play)
            if known < max(self.first_stage, self.replicates + 1):
                return
            upto = max(self.first_stage, self.replicates + 1)
            rows = np.array([values[name][self.replicates : upto] for name in self.in_play], dtype=np.float64)
            if not np.isfinite(rows).all():
                place, column = np.argwhere(~np.isfinite(rows))[0]
                raise ValueError(f"{self.in_play[place]} has no value in replicate {self.replicates + int(column)}")
            self._sums[self._places] += self._sign * rows.sum(axis=1)
            self.replicates = upto
            if self._reach is None:
                centred = rows[:, None, :] - rows[None, :, :]
                self._reach = self._h_squared * centred.var(axis=2, ddof=1) / self.indifference
            self._screen(self._reach)

    def _screen(self, reach: Floats) -> None:
        """Exclude what is worse than another by more than chance would have it; decide if that is all."""
        r, places = self.replicates, self._places
        sums, reach = self._sums[places], reach[np.ix_(places, places)]
        # sums: r times means, so r W = max(0, h^2 S^2 / indifference - r indifference) / 2
        slack = np.maximum(0.0, reach - r * self.indifference) / 2.0
        kept: npt.NDArray[np.bool_] = np.all(sums[:, None] >= sums[None, :] - slack, axis=1)
        longest = math.floor(float(reach.max()) / self.indifference)
        for place, stays in zip(list(places), kept.tolist(), strict=True):
            if not stays:
                self.excluded[self.systems[place]] = r
                places.remove(place)
        self.in_play = tuple(self.systems[place] for place in places)
        if len(places) == 1:
            self.best = self.in_play[0]
        elif r > longest:
            self.best = self.systems[places[int(np.argmax(self._sums[places]))]]


def select_best(procedure: KimNelson, replicate: Callable[[str, int], float], more: int = 1) -> str:
    """Run a selection to its end, with a function that gives the value of a system in a replicate."""
    values: dict[str, list[float]] = {name: [] for name in procedure.systems}
    while procedure.best is None:
        for name, count in procedure.wanted(more).items():
            values[name] += [replicate(name, number) for number in range(len(values[name]), count)]
        procedure.tell(values)
    return procedure.best


# ---- a fixed number of replicates -----------------------------------------------------------------------------------


class Leader(NamedTuple):
    """The system with the best mean so far.

    Attributes
    ----------
    system : str
    probability : float
        That it is the best of all, at least (Chen 2000, by Bonferroni's inequality).
    """

    system: str
    probability: float


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
    return Leader(sample.names[sample.best], max(0.0, 1.0 - float(ndtr(-z).sum())))


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
