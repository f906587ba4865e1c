"""Two studies side by side: every figure of every case that both have, the difference, and how surely it is one.

Replicates of the same number are pairs where both studies have the same seed and the same lots, since their random
numbers then do the same things; elsewhere the two are independent.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from cellfab.config.problems import did_you_mean
from cellfab.errors import UsageError
from cellfab.study.footing import other_lots
from cellfab.study.opened import OpenedCase, OpenedStudy, Place, Sample
from cellfab.study.statistics import Interval, independent_difference, mean_interval, paired_difference


class Mean(NamedTuple):
    """A figure of one study, of the replicates that are compared.

    Attributes
    ----------
    mean : float
    interval : Interval or None
        None with a single replicate.
    n : int
        Replicates that are compared.
    left_out : int
        Replicates that have the figure too, and no partner in the other study.
    """

    mean: float
    interval: Interval | None
    n: int
    left_out: int


@dataclass(frozen=True, slots=True)
class Change:
    """A figure of a case in both studies.

    Attributes
    ----------
    place : Place
    metric, unit : str
    before, after : Mean
    difference : float
        After less before.
    interval : Interval or None
        Of the difference: Student's of pairs, or Welch's; None where a study has a single replicate.
    paired : bool
    correlation, variance_ratio, independent_n : float or None
        What pairing was worth (`cellfab.study.statistics.Difference`); None where there are no pairs.
    """

    place: Place
    metric: str
    unit: str
    before: Mean
    after: Mean
    difference: float
    interval: Interval | None
    paired: bool
    correlation: float | None = None
    variance_ratio: float | None = None
    independent_n: int | None = None

    @property
    def certain(self) -> bool:
        """Whether zero lies outside the interval."""
        return self.interval is not None and (self.interval.low > 0.0 or self.interval.high < 0.0)


class Usual(NamedTuple):
    """The name that a figure had most often, in how many of how many replicates."""

    text: str
    times: int
    n: int


class NameChange(NamedTuple):
    """A figure that is a name, such as the bottleneck, in both studies."""

    place: Place
    metric: str
    before: Usual
    after: Usual


class Pairing(NamedTuple):
    """How the replicates of a case are compared.

    Attributes
    ----------
    place : Place
    obstacle : str
        Why they are not taken in pairs; empty where they are.
    same_scenario : bool
        Nothing that was simulated differs.
    """

    place: Place
    obstacle: str
    same_scenario: bool


class Refusal(NamedTuple):
    """A figure of a case that is not compared, and why."""

    place: Place
    metric: str
    reason: str


class Only(NamedTuple):
    """What one study has and the other has not."""

    places: tuple[Place, ...]
    metrics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StudyComparison:
    """Two studies, compared.

    Attributes
    ----------
    before, after : OpenedStudy
    confidence_share : float
        Of all intervals: the higher one of the two studies.
    pairings : tuple of Pairing
        Of every case that both have.
    changes : tuple of Change
    names : tuple of NameChange
    refusals : tuple of Refusal
    only_before, only_after : Only
    """

    before: OpenedStudy
    after: OpenedStudy
    confidence_share: float
    pairings: tuple[Pairing, ...]
    changes: tuple[Change, ...]
    names: tuple[NameChange, ...]
    refusals: tuple[Refusal, ...]
    only_before: Only
    only_after: Only

    @property
    def same_code(self) -> bool:
        """Whether the same code computed both."""
        return self.before.code == self.after.code


def compare_studies(before: OpenedStudy, after: OpenedStudy, match: Sequence[tuple[str, str]] = ()) -> StudyComparison:
    """Two studies, case by case and figure by figure.

    Cases are the same if their variants have the same name and their factors the same values.

    Parameters
    ----------
    before, after : OpenedStudy
    match : sequence of pairs of str
        Variants of the one and the other that are compared although their names differ.

    Raises
    ------
    UsageError
        If they have no case or no figure in common, or nothing of what they have in common can be compared; or if a
        variant that is to be matched does not exist, or is matched twice.
    """
    if match:
        before, after = (
            _matched(study, [pair[side] for pair in match], match) for side, study in enumerate((before, after))
        )
    places = [place for place in before.cases if place in after.cases]
    if not places:
        raise UsageError(_nothing_in_common(before, after))
    metrics = [_metrics(study, places) for study in (before, after)]
    common = sorted(metrics[0] & metrics[1])
    if not common:
        raise UsageError("the studies have no figure in common: " + _against(metrics[0], metrics[1]))
    confidence = max(before.confidence_share, after.confidence_share)
    pairings, changes, names, refusals = [], [], [], []
    for place in places:
        pairing = _pairing(before, after, place)
        pairings.append(pairing)
        cases = (before.cases[place], after.cases[place])
        for metric in common:
            samples = [case.samples.get(metric, Sample()) for case in cases]
            if not any(sample.values or sample.texts for sample in samples):
                continue
            reason = _not_comparable(before, after, cases, samples)
            if reason:
                refusals.append(Refusal(place, metric, reason))
            elif samples[0].texts:
                names.append(NameChange(place, metric, _usual(samples[0]), _usual(samples[1])))
            else:
                changes.append(_change(place, metric, samples, confidence, paired=not pairing.obstacle))
    if not changes and not names:
        told = f": {refusals[0].metric} of {refusals[0].place.label} {refusals[0].reason}" if refusals else ""
        raise UsageError(f"nothing that the studies have in common can be compared{told}")
    return StudyComparison(
        before, after, confidence, tuple(pairings), tuple(changes), tuple(names), tuple(refusals),
        _only(before, after, metrics[0] - metrics[1]), _only(after, before, metrics[1] - metrics[0]),
    )  # fmt: skip


def _matched(study: OpenedStudy, names: Sequence[str], match: Sequence[tuple[str, str]]) -> OpenedStudy:
    """The study with the variants that are matched called by both names."""
    known = list(dict.fromkeys(place.variant for place in study.cases))
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known)
            raise UsageError(f"{study.folder} has no variant '{name}' to match" + (f": {hint}" if hint else ""))
        if names.count(name) > 1:
            raise UsageError(f"variant '{name}' of {study.folder} is matched twice")
    called = {name: " = ".join(pair) for name, pair in zip(names, match, strict=True)}
    cases = {
        place._replace(variant=called.get(place.variant, place.variant)): case for place, case in study.cases.items()
    }
    return replace(study, cases=cases)


def _metrics(study: OpenedStudy, places: Collection[Place]) -> set[str]:
    return {metric for place in places for metric in study.cases[place].samples}


def _only(study: OpenedStudy, other: OpenedStudy, metrics: Collection[str]) -> Only:
    return Only(tuple(place for place in study.cases if place not in other.cases), tuple(sorted(metrics)))


def _nothing_in_common(before: OpenedStudy, after: OpenedStudy) -> str:
    if set(before.factors) != set(after.factors):
        return "the studies have no case in common, because they move different factors: " + _against(
            before.factors, after.factors
        )
    variants = [dict.fromkeys(place.variant for place in study.cases) for study in (before, after)]
    if not variants[0].keys() & variants[1].keys():
        return (
            "the studies have no variant in common: "
            + _against(variants[0], variants[1])
            + f"; to compare two of them: --match '{next(iter(variants[0]))}={next(iter(variants[1]))}'"
        )
    return "the studies have no case in common: their factors have different values"


def _against(before: Collection[str], after: Collection[str]) -> str:
    return " against ".join(", ".join(one) or "none" for one in (before, after))


def _pairing(before: OpenedStudy, after: OpenedStudy, place: Place) -> Pairing:
    scenarios = before.cases[place].scenario, after.cases[place].scenario
    obstacle = ""
    if before.seed != after.seed:
        obstacle = f"seeds {before.seed} and {after.seed}"
    else:
        source = other_lots(before.footings[scenarios[0]].lots, after.footings[scenarios[1]].lots)
        if source is not None:
            obstacle = f"the material is cut into different lots (line.sources.{source})"
    return Pairing(place, obstacle, scenarios[0] == scenarios[1])


def _not_comparable(
    before: OpenedStudy, after: OpenedStudy, cases: tuple[OpenedCase, OpenedCase], samples: Sequence[Sample]
) -> str:
    """Why a figure cannot be compared; empty if it can."""
    for letter, case, sample in zip("AB", cases, samples, strict=True):
        if not sample.values and not sample.texts:
            reason = sample.reason or ("its replicates failed" if case.failed else "this case has no such figure")
            return f"has no value in {letter}: {reason}"
    if bool(samples[0].texts) != bool(samples[1].texts):
        return "is a name in one study and a number in the other"
    units = [sample.unit for sample in samples]
    if units[0] != units[1]:
        return f"is in {units[0] or '1'} in A and in {units[1] or '1'} in B"
    if "usd" in units[0].lower():
        years = [
            study.footings[case.scenario].currency_year for study, case in zip((before, after), cases, strict=True)
        ]
        if years[0] != years[1]:
            return f"is in dollars of {years[0]} in A and of {years[1]} in B"
    return ""


def _change(place: Place, metric: str, samples: Sequence[Sample], confidence: float, *, paired: bool) -> Change:
    before, after = (sample.values for sample in samples)
    shared = [replicate for replicate in before if replicate in after]
    unit = samples[0].unit
    if paired and (len(shared) > 1 or (shared and min(len(before), len(after)) == 1)):
        a, b = [before[replicate] for replicate in shared], [after[replicate] for replicate in shared]
        means = [_mean(values, len(sample.values), confidence) for values, sample in zip((a, b), samples, strict=True)]
        if len(shared) == 1:
            return Change(place, metric, unit, means[0], means[1], b[0] - a[0], None, True)
        found = paired_difference(b, a, confidence)
        return Change(place, metric, unit, means[0], means[1], found.interval.mean, found.interval, True, *found[1:])
    a, b = list(before.values()), list(after.values())
    means = [_mean(values, len(values), confidence) for values in (a, b)]
    interval = independent_difference(b, a, confidence) if min(len(a), len(b)) > 1 else None
    difference = means[1].mean - means[0].mean if interval is None else interval.mean
    return Change(place, metric, unit, means[0], means[1], difference, interval, False)


def _mean(values: Sequence[float], known: int, confidence: float) -> Mean:
    interval = mean_interval(values, confidence) if len(values) > 1 else None
    return Mean(values[0] if interval is None else interval.mean, interval, len(values), known - len(values))


def _usual(sample: Sample) -> Usual:
    text = statistics.mode(sample.texts.values())
    return Usual(text, Counter(sample.texts.values())[text], len(sample.texts))
