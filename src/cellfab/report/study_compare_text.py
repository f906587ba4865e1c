"""Two studies side by side in words, and as one JSON document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from cellfab.report import labels
from cellfab.report.numbers import as_written, percent, scaled, unit_text
from cellfab.report.plain_table import plain_table
from cellfab.report.study_words import finite, interval_document, mean_and_width, pairing_worth, without_repeats
from cellfab.result import Kpi
from cellfab.study.compare import Change, Mean, Only, StudyComparison, Usual
from cellfab.study.opened import OpenedStudy, Place

SCHEMA_VERSION = 1
_MOST_TOLD = 10


def study_comparison_text(found: StudyComparison) -> str:
    """Tables for the terminal: the figures that either study is about, or the headline figures."""
    shown = shown_metrics(found)
    parts = ["\n".join(f"{letter}: {_study_words(study)}" for letter, study in _sides(found)), "\n".join(_how(found))]
    factors = found.before.factors
    rows = [row for name in shown for row in _change_rows(found, name)]
    if rows:
        confidence = percent(found.confidence_share, 0)
        headings = ("figure", "variant", *factors, "A", "B", "B less A", f"± {confidence}", "unit", "n",
                    "variance cut by pairing", "")  # fmt: skip
        parts.append(plain_table(headings, without_repeats(rows)))
    names = [row for name in shown for row in _name_rows(found, name)]
    if names:
        parts.append(plain_table(("figure", "variant", *factors, "A", "B"), without_repeats(names)))
    parts += _only_words(found)
    if found.refusals:
        parts.append("\n".join(_refused(found)))
    parts += [f"warning: {line}" for line in study_comparison_warnings(found)]
    return "\n\n".join(parts)


def study_comparison_document(found: StudyComparison) -> dict[str, Any]:
    """What `cellfab compare --json` prints of two studies."""
    figures: dict[Place, dict[str, Any]] = {pairing.place: {} for pairing in found.pairings}
    for one in found.changes:
        figures[one.place][one.metric] = {
            "unit": one.unit, "a": _mean_document(one.before), "b": _mean_document(one.after),
            "difference": one.difference, **interval_document(one.interval), "paired": one.paired,
            "correlation": one.correlation, "variance_ratio": finite(one.variance_ratio),
            "independent_n": one.independent_n,
        }  # fmt: skip
    for name in found.names:
        figures[name.place][name.metric] = {"unit": "", "a": name.before._asdict(), "b": name.after._asdict()}
    return {
        "schema_version": SCHEMA_VERSION,
        **{
            letter.lower(): {
                "study": study.name, "digest": study.digest, "folder": str(study.folder), "seed": study.seed,
                "code": study.code,
            }
            for letter, study in _sides(found)
        },
        "confidence_share": found.confidence_share,
        "cases": [
            {
                **_place_document(pairing.place), "paired": not pairing.obstacle, "reason": pairing.obstacle,
                "same_scenario": pairing.same_scenario, "figures": dict(sorted(figures[pairing.place].items())),
            }
            for pairing in found.pairings
        ],
        "refused": [
            {**_place_document(one.place), "metric": one.metric, "reason": one.reason} for one in found.refusals
        ],
        "only_a": _only_document(found.only_before),
        "only_b": _only_document(found.only_after),
        "warnings": list(study_comparison_warnings(found)),
    }  # fmt: skip


def study_comparison_warnings(found: StudyComparison) -> Iterator[str]:
    """What to know before believing a difference."""
    if found.before.code != found.after.code:
        yield "A and B were computed by different code: a difference may be the code's"
    for letter, study in _sides(found):
        failed = sum(study.cases[pairing.place].failed for pairing in found.pairings)
        if failed:
            counted = "1 replicate" if failed == 1 else f"{failed} replicates"
            yield f"{counted} of {letter} failed, and what they would have shown is not in its means"


def shown_metrics(found: StudyComparison) -> list[str]:
    """The figures that either study names; if neither names any, the headline figures."""
    named = list(dict.fromkeys((*found.before.metrics, *found.after.metrics)))
    if named:
        return named
    kpis = {one.metric: Kpi(one.after.mean, one.unit) for one in found.changes}
    return labels.headline_names(kpis | {one.metric: Kpi(one.after.text, "") for one in found.names})


def _sides(found: StudyComparison) -> tuple[tuple[str, OpenedStudy], ...]:
    return ("A", found.before), ("B", found.after)


def _study_words(study: OpenedStudy) -> str:
    cases = "1 case" if len(study.cases) == 1 else f"{len(study.cases)} cases"
    return f"{study.name}, {cases}, seed {study.seed} ({study.folder})"


def _how(found: StudyComparison) -> Iterator[str]:
    """How replicates are compared, said once for all cases that it is true of."""
    by_obstacle: dict[str, list[Place]] = {}
    for pairing in found.pairings:
        by_obstacle.setdefault(pairing.obstacle, []).append(pairing.place)
    for obstacle, places in by_obstacle.items():
        who = "" if len(by_obstacle) == 1 else f"{_listed(place.label for place in places)}: "
        if obstacle:
            yield f"{who}compared as independent of each other (Welch's interval): {obstacle}"
        else:
            yield f"{who}compared in pairs of replicates: the same seed, and the same lots"
    same = [pairing.place.label for pairing in found.pairings if pairing.same_scenario]
    if same:
        yield f"the same scenario in both: {_listed(same)}"


def _change_rows(found: StudyComparison, metric: str) -> Iterator[tuple[str, ...]]:
    changes = [one for one in found.changes if one.metric == metric]
    largest = max((max(abs(one.before.mean), abs(one.after.mean)) for one in changes), default=0.0)
    for one in changes:
        divisor, unit = scaled(one.unit, largest)
        width = None if one.interval is None else one.interval.half_width
        difference, half_width = mean_and_width(one.difference, width, divisor)
        yield (
            metric, *_place_words(one.place, found.before.factors), *(_mean_words(m, divisor) for m in _means(one)),
            difference, half_width, unit or unit_text(one.unit), _counts(one),
            pairing_worth(one.variance_ratio), _remark(one),
        )  # fmt: skip


def _name_rows(found: StudyComparison, metric: str) -> Iterator[tuple[str, ...]]:
    for one in found.names:
        if one.metric == metric:
            place = _place_words(one.place, found.before.factors)
            yield metric, *place, _usual_words(one.before), _usual_words(one.after)


def _means(one: Change) -> tuple[Mean, Mean]:
    return one.before, one.after


def _mean_words(mean: Mean, divisor: float) -> str:
    return mean_and_width(mean.mean, None if mean.interval is None else mean.interval.half_width, divisor)[0]


def _counts(one: Change) -> str:
    if one.paired:
        return "1 pair" if one.before.n == 1 else f"{one.before.n} pairs"
    return f"{one.before.n} and {one.after.n}"


def _remark(one: Change) -> str:
    remarks = []
    if one.interval is not None and not one.certain:
        remarks.append("may be zero" if one.interval.half_width else "always the same")
    left_out = [f"{mean.left_out} of {letter}" for letter, mean in zip("AB", _means(one), strict=True) if mean.left_out]
    if left_out:
        remarks.append(f"without a partner: {' and '.join(left_out)}")
    return "; ".join(remarks)


def _usual_words(usual: Usual) -> str:
    return usual.text if usual.times == usual.n else f"{usual.text} ({usual.times} of {usual.n})"


def _place_words(place: Place, factors: Sequence[str]) -> tuple[str, ...]:
    values = dict(place.factors)
    return (place.variant, *(one if isinstance(one := values[name], str) else as_written(one) for name in factors))


def _only_words(found: StudyComparison) -> Iterator[str]:
    for letter, only in (("A", found.only_before), ("B", found.only_after)):
        if only.places:
            yield f"cases only in {letter}: {_listed(place.label for place in only.places)}"
        if only.metrics:
            yield f"figures only in {letter}: {_listed(only.metrics)}"


def _refused(found: StudyComparison) -> Iterator[str]:
    """Each reason once, of the figures that are shown first."""
    by_reason: dict[tuple[str, str], list[str]] = {}
    shown = set(shown_metrics(found))
    for one in sorted(found.refusals, key=lambda one: one.metric not in shown):
        by_reason.setdefault((one.metric, one.reason), []).append(one.place.label)
    for (metric, reason), places in list(by_reason.items())[:_MOST_TOLD]:
        yield f"not compared: {metric} of {_listed(places)} {reason}"
    if len(by_reason) > _MOST_TOLD:
        yield f"and {len(by_reason) - _MOST_TOLD} more: see --json"


def _listed(names: Iterable[str]) -> str:
    told = list(names)
    more = len(told) - _MOST_TOLD
    return "; ".join(told[:_MOST_TOLD]) + (f"; and {more} more" if more > 0 else "")


def _place_document(place: Place) -> dict[str, Any]:
    return {"variant": place.variant, "factors": dict(place.factors)}


def _only_document(only: Only) -> dict[str, Any]:
    return {"cases": [_place_document(place) for place in only.places], "metrics": list(only.metrics)}


def _mean_document(mean: Mean) -> dict[str, Any]:
    return {"mean": mean.mean, **interval_document(mean.interval), "n": mean.n, "left_out": mean.left_out}
