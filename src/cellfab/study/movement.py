"""Which figures have moved: differences over what chance makes of them, at a stated rate of false alarms.

With the same seed, replicates are compared in pairs. Where the code has not changed what a replicate does, each pair is
equal; where it has, what the random numbers did to both cancels; and where it draws other numbers, the pairs are
independent, and the test holds as well. With another seed Welch's test is used. The level is shared out among all
figures that scatter, by Holm's procedure, so that it is the chance of any false alarm in the whole check.

References
----------
S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6 (1979), 65-70.
B. L. Welch, "The generalization of Student's problem", Biometrika 34 (1947), 28-35.
R. A. Fisher, Statistical Methods for Research Workers, 5th ed. 1934, section 21.02: the exact test of two shares.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from cellfab.study.statistics import mean_and_variance

SAME = 1e-9
"""Numbers are the same if they differ by less than this share: sums in another order, another library of functions."""
Value = float | str | None
Verdict = Literal["same", "chance", "moved", "gone", "new"]


@dataclass(frozen=True, slots=True)
class Movement:
    """What became of one figure of one scenario.

    Attributes
    ----------
    scenario, metric, unit : str
    before, after : float, str or None
        Mean of the replicates that have a number; of a figure that is a name, how often which came.
    verdict : str
        same: equal in every replicate; chance: no further apart than chance makes them; moved; gone: nobody computes it
        any more; new.
    difference : float or None
        After less before.
    standard_error : float or None
        Of the difference; 0 where nothing scatters.
    probability : float
        Of a difference at least as large by chance; 1 where there is none, 0 where there is no chance in it.
    freedom : float or None
        Of Student's t; None where it is not what decides.
    limit : float or None
        Standard errors from which on it has moved.
    reason : str
        What it is besides a difference of numbers.
    """

    scenario: str
    metric: str
    unit: str
    before: Value
    after: Value
    verdict: Verdict = "same"
    difference: float | None = None
    standard_error: float | None = None
    probability: float = 1.0
    freedom: float | None = None
    limit: float | None = None
    reason: str = ""
    by_chance: bool = False
    """Whether chance has a part in it, so that it is one of those among which the level is shared out."""

    @property
    def standard_errors(self) -> float | None:
        """The difference in standard errors; infinite where it is certain, None where there are no numbers."""
        if self.difference is None or self.standard_error is None:
            return None
        if self.standard_error == 0.0:
            return math.copysign(math.inf, self.difference) if self.difference else 0.0
        return self.difference / self.standard_error

    @property
    def regression(self) -> bool:
        """Whether a check fails for it."""
        return self.verdict in ("moved", "gone")


def figure_movements(
    scenario: str, metric: str, unit: str, before: Sequence[Value], after: Sequence[Value], *, paired: bool
) -> Iterator[Movement]:
    """What became of a figure, not yet judged where chance has a part in it (`judged`).

    Parameters
    ----------
    scenario, metric, unit : str
    before, after : sequence of float, str or None
        By replicate.
    paired : bool
        Whether the same replicate had the same random numbers.

    Yields
    ------
    Movement
        One for the numbers, and one for whether there are numbers at all, where that differs or there are none.
    """
    if paired:
        common = min(len(before), len(after))
        before, after = before[:common], after[:common]
    kinds = [[_kind(value) for value in side] for side in (before, after)]
    first, second = Counter(kinds[0]), Counter(kinds[1])
    numbers = first["a number"] and second["a number"]
    as_often = all(first[kind] * len(after) == second[kind] * len(before) for kind in first | second)
    alike = kinds[0] == kinds[1] if paired else as_often
    if not numbers or not alike:
        yield _of_kinds(Movement(scenario, metric, unit, _words(first), _words(second)), first, second, alike=alike)
    if numbers:
        yield _of_numbers(Movement(scenario, metric, unit, None, None), before, after, paired=paired)


def judged(movements: Sequence[Movement], level: float) -> list[Movement]:
    """Verdicts where chance has a part, so that the chance of any false alarm is at most `level` (Holm 1979).

    Parameters
    ----------
    movements : sequence of Movement
    level : float
        In (0, 1).

    Returns
    -------
    list of Movement
        In the same order, with the limit that each was held against.
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"a level lies between 0 and 1, not {level:g}")
    found = list(movements)
    ranked = sorted(
        (place for place, one in enumerate(found) if one.by_chance), key=lambda place: found[place].probability
    )
    stopped = False
    share = level
    for rank, place in enumerate(ranked):
        one = found[place]
        if not stopped:
            share = level / (len(ranked) - rank)
            stopped = one.probability > share
        verdict: Verdict = "moved" if not stopped else "same" if one.difference == 0.0 else "chance"
        limit = None if one.freedom is None else _quantile(one.freedom, share)
        found[place] = replace(one, verdict=verdict, limit=limit)
    return found


def _of_numbers(one: Movement, before: Sequence[Value], after: Sequence[Value], *, paired: bool) -> Movement:
    pairs = [(a, b) for a, b in zip(before, after, strict=False) if isinstance(a, float) and isinstance(b, float)]
    if paired and len(pairs) > 1:
        sides = [[a for a, _ in pairs], [b for _, b in pairs]]
        mean, variance = mean_and_variance([0.0 if _same(a, b) else b - a for a, b in pairs])
        error, freedom = math.sqrt(variance / len(pairs)), float(len(pairs) - 1)
        scatter = any(mean_and_variance(side)[1] for side in sides)
    else:
        sides = [[value for value in side if isinstance(value, float)] for side in (before, after)]
        if min(map(len, sides)) < 2:
            a, b = (math.fsum(side) / len(side) for side in sides)
            reason = "too few replicates have it to tell a difference from chance"
            return replace(one, before=a, after=b, difference=b - a, verdict="chance", reason=reason)
        (a, variance_a), (b, variance_b) = map(mean_and_variance, sides)
        mean = 0.0 if _same(a, b) and not variance_a + variance_b else b - a
        error, freedom = _welch(variance_a / len(sides[0]), len(sides[0]), variance_b / len(sides[1]), len(sides[1]))
        scatter = error > 0.0
    means = [math.fsum(side) / len(side) for side in sides]
    one = replace(one, before=means[0], after=means[1], difference=mean, standard_error=error)
    if error == 0.0:
        if mean:
            words = "the same in every pair of replicates" if scatter else "without scatter"
            return replace(one, verdict="moved", probability=0.0, reason=words)
        return replace(one, by_chance=scatter, freedom=freedom if scatter else None)
    return replace(one, by_chance=True, freedom=freedom, probability=_two_sided(freedom, mean / error))


def _of_kinds(one: Movement, first: Counter[str], second: Counter[str], *, alike: bool) -> Movement:
    if alike:
        scatter = len(first) > 1
        return replace(one, by_chance=scatter, difference=0.0 if scatter else None)
    if len(first) == len(second) == 1:
        return replace(one, verdict="moved", probability=0.0, reason="in every replicate")
    kind = max(first, key=lambda name: (first[name], name))
    probability = _exact(first[kind], first.total(), second[kind], second.total())
    return replace(one, by_chance=True, probability=probability, reason=f"'{kind}' by Fisher's exact test")


def _kind(value: Value) -> str:
    return "nothing" if value is None else value if isinstance(value, str) else "a number"


def _words(kinds: Counter[str]) -> str:
    """What came, and how often where that was not always."""
    if len(kinds) == 1:
        return next(iter(kinds))
    return ", ".join(f"{count} x {kind}" for kind, count in sorted(kinds.items(), key=lambda one: (-one[1], one[0])))


def _same(a: float, b: float) -> bool:
    return abs(a - b) <= SAME * max(abs(a), abs(b))


def _welch(of_a: float, n_a: int, of_b: float, n_b: int) -> tuple[float, float]:
    """Standard error of the difference of two means, and its degrees of freedom, from the variances of the means."""
    if of_a + of_b == 0.0:
        return 0.0, float(n_a + n_b - 2)
    share = of_a / (of_a + of_b)  # squares of small variances would be too small for a float
    return math.sqrt(of_a + of_b), 1.0 / (share**2 / (n_a - 1) + (1.0 - share) ** 2 / (n_b - 1))


def _two_sided(freedom: float, t: float) -> float:
    from scipy.special import stdtr

    return 2.0 * float(stdtr(freedom, -abs(t)))


def _quantile(freedom: float, share: float) -> float:
    from scipy.special import stdtrit

    return -float(stdtrit(freedom, share / 2.0))


def _exact(hits_a: int, n_a: int, hits_b: int, n_b: int) -> float:
    """Two-sided probability of shares at least as unlikely as these, if both have the same (Fisher's exact test)."""
    hits, total = hits_a + hits_b, n_a + n_b

    def ways(count: int) -> int:
        return math.comb(n_a, count) * math.comb(n_b, hits - count)

    counts = range(max(0, hits - n_b), min(n_a, hits) + 1)
    return sum(ways(one) for one in counts if ways(one) <= ways(hits_a)) / math.comb(total, hits)
