"""What levers are worth: the change of each figure that one of them alone brings, replicate by replicate, ranked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cellfab.config.levers_spec import Lever, Ranking
from cellfab.outcome.ramp_dates import first_week_at
from cellfab.study.part import Sheet
from cellfab.study.plan import Case, Study
from cellfab.study.statistics import Interval, paired_difference
from cellfab.study.task import unpacked
from cellfab.units import HOURS_PER_WEEK

if TYPE_CHECKING:
    from cellfab.study.result import StudyResult

TARGET = "weeks_to_target"
"""Name of the figure that `ranking.target` adds."""


def divided(found: Interval, by: float) -> Interval:
    """The interval of a figure divided by a number above 0."""
    return Interval(found.mean / by, found.low / by, found.high / by, found.half_width / by, found.n)


@dataclass(frozen=True, slots=True)
class Effect:
    """What a lever does.

    Attributes
    ----------
    name : str
    lever : Lever
        As written.
    changes : mapping of str to Interval
        Difference of each figure to the scenario without the lever; figures with fewer than two pairs are left out.
    reached : int
        Replicates that reach the target; 0 without one.
    """

    name: str
    lever: Lever
    changes: Mapping[str, Interval]
    reached: int

    @property
    def text(self) -> str:
        """What is done, in words."""
        return self.lever.text or self.name.replace("_", " ")

    def certain(self, metric: str) -> bool:
        """Whether the interval of a change leaves out zero."""
        found = self.changes.get(metric)
        return found is not None and (found.low > 0.0 or found.high < 0.0)

    def each(self, metric: str) -> Interval | None:
        """Change for one unit of `amount`; None where no amount was given."""
        found, amount = self.changes.get(metric), self.lever.amount
        if found is None or amount is None:
            return None
        return divided(found, amount)


@dataclass(frozen=True)
class LeverRanking:
    """All levers, the one that is worth most first.

    Attributes
    ----------
    study : Study
    ranking : Ranking
    reference : str
        The variant that they change.
    base : mapping of str to float
        Means of the figures without any lever.
    units : mapping of str to str
    weeks : float
        Length of the run.
    reached, replicates : int
        Replicates of the reference that reach the target, of how many.
    effects : tuple of Effect
    """

    study: Study
    ranking: Ranking
    reference: str
    base: Mapping[str, float]
    units: Mapping[str, str]
    weeks: float
    reached: int
    replicates: int
    effects: tuple[Effect, ...]

    @property
    def key(self) -> str:
        """Name of the part."""
        return "levers"

    @property
    def metrics(self) -> tuple[str, ...]:
        """Figures of which changes are told: the one by which is ranked first."""
        target = () if self.ranking.target is None else (TARGET,)
        return tuple(dict.fromkeys((self.ranking.metric, *self.study.spec.metrics, *target)))

    def sheets(self) -> Mapping[str, Sheet]:
        """levers.csv: one row for each lever and figure."""
        head = ("rank", "lever", "text", "metric", "unit", "change", "low", "high", "half_width", "n", "amount",
                "amount_unit", "change_of_one", "reached")  # fmt: skip
        rows = []
        for rank, one in enumerate(self.effects, 1):
            for metric in self.metrics:
                found, each = one.changes.get(metric), one.each(metric)
                rows.append((
                    rank, one.name, one.text, metric, self.units.get(metric, ""),
                    *((None,) * 5 if found is None else found), one.lever.amount, one.lever.unit,
                    None if each is None else each.mean, one.reached if metric == TARGET else None,
                ))  # fmt: skip
        return {"levers": Sheet(head, rows)}


def rank_levers(result: StudyResult) -> LeverRanking | None:
    """What each lever of a study is worth; None of a study without levers."""
    spec = result.study.spec
    if spec.levers is None or spec.ranking is None or spec.comparison is None:
        return None
    by_variant = {case.variant: case for case in result.study.cases}
    reference = by_variant[spec.comparison.reference]
    subject = unpacked(result.study.payloads[reference.scenario])
    weeks = {case.variant: _weeks_to_target(result, case) for case in result.study.cases}
    own = weeks[reference.variant]
    effects = []
    for name, lever in spec.levers.items():
        changes = {one.metric: one.interval for one in result.differences if one.case is by_variant[name]}
        pairs = [(a, b) for a, b in zip(weeks[name], own, strict=True) if a is not None and b is not None]
        if len(pairs) > 1:
            sides = [a for a, _ in pairs], [b for _, b in pairs]
            changes[TARGET] = paired_difference(*sides, spec.confidence_share).interval
        effects.append(Effect(name, lever, changes, sum(week is not None for week in weeks[name])))
    known = [week for week in own if week is not None]
    base = {one.metric: one.mean for one in result.estimates if one.case is reference and one.mean is not None}
    units = {one.metric: one.unit for one in result.differences} | {TARGET: "weeks"}
    if known:
        base[TARGET] = math.fsum(known) / len(known)
    return LeverRanking(
        result.study, spec.ranking, reference.variant, base, units, subject.spec.run.horizon_h / HOURS_PER_WEEK,
        len(known), result.counts[reference.number], tuple(_ranked(effects, spec.ranking)),
    )  # fmt: skip


def _ranked(effects: Sequence[Effect], ranking: Ranking) -> list[Effect]:
    """The best first; those without the figure last; equal ones as written."""
    sign = -1.0 if ranking.goal == "largest" else 1.0

    def place(one: Effect) -> tuple[bool, float]:
        found = one.changes.get(ranking.metric)
        return found is None, 0.0 if found is None else sign * found.mean

    return sorted(effects, key=place)


def _weeks_to_target(result: StudyResult, case: Case) -> list[float | None]:
    """Of each replicate of a case, weeks until the target is reached; None where it is not, or there is none."""
    ranking = result.study.spec.ranking
    target = None if ranking is None else ranking.target
    found: list[float | None] = []
    for replicate in range(result.counts[case.number]):
        outcome = result.outcomes[result.study.task(case, replicate)]
        curve = None if target is None else next((one for one in outcome.curves if one.name == target.curve), None)
        week = None if curve is None or target is None else first_week_at(curve.values.tolist(), target.least, 0)
        found.append(None if week is None else week + 1.0)
    return found
