"""A study in words: tables of figures and differences with their half-widths, and one JSON document."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cellfab.report import labels
from cellfab.report.numbers import MISSING, number, percent, scaled, unit_text
from cellfab.report.plain_table import plain_table
from cellfab.report.study_parts import part_documents, part_texts
from cellfab.report.study_words import (
    case_document,
    case_words,
    finite,
    interval_document,
    mean_and_width,
    pairing_worth,
    without_repeats,
)
from cellfab.result import Kpi
from cellfab.study.plan import Study
from cellfab.study.result import Estimate, StudyResult
from cellfab.study.store import DAMAGED, Damage

SCHEMA_VERSION = 1
ENDINGS = {
    "fixed": "the fixed number of replicates is done",
    "precision": "every figure is known as well as was asked for",
    "selected": "the best case is chosen",
    "trials": "all trials of the search are done",
    "replicates": "the largest number of replicates came before the stated precision",
    "budget": "the time was up before everything was done",
    "unmeasured": "a figure that was to be known has no value",
    "infeasible": "no trial of the search keeps within its limits",
}
_MOST_FAILURES = 10
_MOST_REASONS = 5


def study_text(result: StudyResult, folder: Path) -> str:
    """Tables for the terminal."""
    study = result.study
    shown = shown_metrics(result)
    parts = [_heading(result)]
    if study.spec.description:
        parts.append(study.spec.description)
    cases = shown_cases(result)
    rows = [
        (name, *case_words(one.case), *_value(one, scale), *_precision(one))
        for name in shown
        for of_name in ([one for one in result.estimates if one.metric == name and one.case.number in cases],)
        for scale in (_scale(of_name),)
        for one in of_name
    ]
    factors = tuple(study.spec.factors)
    confidence = percent(study.spec.confidence_share, 0)
    headings = ("figure", "variant", *factors, "mean", f"± {confidence}", "unit", "n", "half-width/mean", "")
    if rows:
        parts.append(plain_table(headings, without_repeats(rows)))
    if study.spec.levers is None and any(one.metric in shown for one in result.differences):
        parts += [f"less {_reference(result)}, at the same point:", _differences(result, shown, confidence)]
    parts += part_texts(result)
    parts += [f"warning: {line}" for line in study_warnings(result)]
    parts.append(f"tables: {folder}")
    return "\n\n".join(parts)


def study_warnings(result: StudyResult) -> list[str]:
    """What is not as it should be: replicates that failed, and files of the store that were damaged."""
    seed = result.study.spec.seed
    lines = [
        f"{case.label}: replicate {outcome.task.replicate} (seed {seed}) failed: {outcome.reason}"
        for case, outcome in result.failures[:_MOST_FAILURES]
    ]
    if len(result.failures) > _MOST_FAILURES:
        lines.append(f"{len(result.failures) - _MOST_FAILURES} more replicates failed: see results.csv")
    lines += infeasible_lines(result.study)
    for one in result.estimates:
        if one.metric == "warmup_found" and one.mean is not None and one.mean < 1.0:
            short = round(one.n * (1.0 - one.mean))
            lines.append(
                f"{one.case.label}: in {short} of {one.n} replicates no end of the warm-up was found in the first half;"
                " their figures are those of the second half: make run.horizon_h longer"
            )
    lines += [f"the store's {damage.part} was damaged: {damage.reason}{_remedy(damage)}" for damage in result.damage]
    return lines


def _remedy(damage: Damage) -> str:
    """What was done about a damaged file."""
    if not damage.results:
        return ""
    return f"; it is in {DAMAGED}/, and what this study needs of its {damage.results} replicates was run again"


def infeasible_lines(study: Study) -> list[str]:
    """Points that are no scenario, by reason; and samples that a sequence does not fill the space with."""
    reasons: dict[tuple[str, str], int] = {}
    for one in study.infeasible:
        reasons[one.variant, one.reason] = reasons.get((one.variant, one.reason), 0) + 1
    listed = sorted(reasons.items(), key=lambda item: -item[1])
    lines = [
        f"{variant}: {count} of {len(study.points)} points are no scenario: {reason}"
        for (variant, reason), count in listed[:_MOST_REASONS]
    ]
    if len(listed) > _MOST_REASONS:
        rest = sum(count for _, count in listed[_MOST_REASONS:])
        lines.append(f"{rest} more points are no scenario: see points.csv")
    samples = study.spec.design.samples
    if study.spec.design.kind == "sobol" and samples is not None and samples & (samples - 1):
        below = 1 << (samples.bit_length() - 1)
        lines.append(f"a Sobol sequence fills the space evenly with {below} or {2 * below} samples, not with {samples}")
    return lines


def study_document(result: StudyResult, folder: Path) -> dict[str, Any]:
    """What `cellfab study --json` prints."""
    study = result.study
    return {
        "schema_version": SCHEMA_VERSION,
        "study": {"name": study.name, "digest": study.digest, "file": str(study.file), "seed": study.spec.seed},
        "ended": result.ended,
        "replicates": {"ran": result.ran, "reused": result.reused, "failed": len(result.failures)},
        "cases": [
            {
                **case_document(case),
                "scenario": case.scenario,
                "replicates": result.counts[case.number],
                "figures": {
                    one.metric: {
                        "value": one.text if one.text is not None else one.mean,
                        "unit": one.unit,
                        **interval_document(one.interval),
                        "n": one.n, "failed": one.failed, "missing": one.missing, "reason": one.reason,
                        "wanted_share": one.wanted_share, "reached": one.reached,
                        **_reduction_document(result, one),
                    }
                    for one in result.estimates
                    if one.case is case
                },
            }
            for case in study.cases
        ],
        "differences": [
            {
                **case_document(one.case),
                "reference": one.reference.variant, "metric": one.metric, "unit": one.unit,
                "value": one.interval.mean, **interval_document(one.interval), "n": one.interval.n,
                "correlation": one.correlation, "variance_ratio": finite(one.variance_ratio),
                "independent_n": one.independent_n,
            }
            for one in result.differences
        ],
        **part_documents(result),
        "failures": [
            {
                **case_document(case), "seed": outcome.task.seed, "replicate": outcome.task.replicate,
                "died": outcome.died, "reason": outcome.reason,
            }
            for case, outcome in result.failures
        ],
        "infeasible": [
            {
                "variant": one.variant, "point": one.point, "factors": dict(one.factors), "inputs": dict(one.inputs),
                "reason": one.reason,
            }
            for one in study.infeasible
        ],
        "damage": [{"part": one.part, "reason": one.reason, "results": one.results} for one in result.damage],
        "timing": {"wall_s": result.seconds},
        "out_dir": str(folder),
    }  # fmt: skip


def shown_cases(result: StudyResult) -> set[int]:
    """Numbers of the cases that are shown: all; of a search those that it has found; none of a sample or of levers."""
    cases = result.study.cases
    if result.study.spec.analysed or result.study.spec.levers is not None:
        return set()
    if result.study.spec.search is None:
        return {case.number for case in cases}
    found = {trial.number for trial in result.part("search").front}
    return {case.number for case in cases if case.point in found}


def _reduction_document(result: StudyResult, one: Estimate) -> dict[str, float | None]:
    """What a variance reduction did, if the study has one."""
    if result.study.spec.variance_reduction is None:
        return {}
    plain = None if one.plain is None else one.plain.half_width
    return {"plain_half_width": plain, "variance_ratio": one.variance_ratio}


def shown_metrics(result: StudyResult) -> list[str]:
    """The study's metrics; if it names none, the headline figures, unless a selection or a search tells its own."""
    spec = result.study.spec
    if spec.metrics or spec.selection is not None or spec.search is not None:
        return list(spec.metrics)
    kpis: dict[str, Kpi] = {}
    for one in result.estimates:
        if one.mean is not None or one.text is not None:
            kpis.setdefault(one.metric, Kpi(one.mean if one.text is None else one.text, one.unit))
    return labels.headline_names(kpis)


def _heading(result: StudyResult) -> str:
    cases = "1 case" if len(result.study.cases) == 1 else f"{len(result.study.cases)} cases"
    counts = sorted(set(result.counts))
    each = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return (
        f"{result.study.name}: {cases}, {each} replicates each, {result.ran} run in {number(result.seconds)} s and"
        f" {result.reused} from the store; ended: {ENDINGS[result.ended]}"
    )


def _scale(estimates: Sequence[Estimate]) -> tuple[float, str]:
    """Divisor and unit that suit the largest mean."""
    unit = next((one.unit for one in estimates if one.unit), "")
    return scaled(unit, max((abs(one.mean) for one in estimates if one.mean is not None), default=0.0))


def _value(one: Estimate, scale: tuple[float, str]) -> tuple[str, str, str]:
    divisor, unit = scale
    if one.text is not None:
        return one.text, "", ""
    if one.mean is None:
        return MISSING, "", ""
    mean, width = mean_and_width(one.mean, None if one.interval is None else one.interval.half_width, divisor)
    return mean, width, unit


def _precision(one: Estimate) -> tuple[str, str, str]:
    share = MISSING
    if one.interval is not None and math.isfinite(one.interval.share):
        share = percent(one.interval.share, 2)
    remarks = []
    if one.variance_ratio is not None:
        remarks.append(f"variance {number(one.variance_ratio, 2)} of the plain mean's")
    if one.wanted_share is not None:
        remarks.append("reached" if one.reached else f"{percent(one.wanted_share, 2)} not reached")
    if one.failed:
        remarks.append(f"{one.failed} failed")
    if one.missing and one.text is None:
        remarks.append(f"{one.missing} without it: {one.reason}")
    return str(one.n), share, "; ".join(remarks)


def _reference(result: StudyResult) -> str:
    comparison = result.study.spec.comparison
    return "" if comparison is None else comparison.reference


def _differences(result: StudyResult, shown: Sequence[str], confidence: str) -> str:
    rows = []
    for name in shown:
        of_name = [one for one in result.differences if one.metric == name]
        largest = max((abs(one.interval.mean) for one in of_name), default=0.0)
        for one in of_name:
            divisor, unit = scaled(one.unit, largest)
            mean, width = mean_and_width(one.interval.mean, one.interval.half_width, divisor)
            remark = "" if one.certain else "may be zero" if one.interval.half_width else "always the same"
            rows.append((name, *case_words(one.case), mean, width, unit or unit_text(one.unit), str(one.interval.n),
                         pairing_worth(one.variance_ratio), remark))  # fmt: skip
    headings = ("figure", "variant", *result.study.spec.factors, "difference", f"± {confidence}", "unit", "n",
                "variance cut by pairing", "")  # fmt: skip
    return plain_table(headings, without_repeats(rows))
