"""Which inputs move a figure, in words: bars of one at a time, effects of a screening, shares of the variance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cellfab.report.numbers import MISSING, as_written, number, percent, scaled
from cellfab.report.plain_table import plain_table
from cellfab.report.study_words import finite, interval_document, mean_and_width
from cellfab.study.analysis_parts import FigureSensitivity, Measure, Sensitivity, Subject
from cellfab.study.result import StudyResult
from cellfab.study.sensitivity import Effect, Share, interactions
from cellfab.study.tornado import Change, Swing, size_of

SHOWN = 10
_BAR = 12
"""Letters of the longest bar on one side."""
_OUTLIER = 20.0
"""A bar so many times as long as the middle one is cut."""
_LONGEST_SOURCE = 90


def sensitivity_text(found: Sensitivity, result: StudyResult) -> list[str]:
    """For each figure of each variant the inputs that move it most, and where they stand."""
    several = len({one.variant for one in found.figures}) > 1
    parts = []
    for figure in found.figures:
        scale = scaled(figure.unit, figure.base or 0.0)
        name = f"{figure.metric} of {figure.variant}" if several else figure.metric
        if not figure.measures:
            parts.append(f"{name}: nothing can be said: {figure.reason or 'nothing is moved'}")
            continue
        shown = [one for one in figure.measures[:SHOWN] if size_of(one) > 0.0]
        parts.append(f"{name}: {_heading(found, figure, scale)}")
        if shown:
            subjects = found.subjects[figure.variant]
            parts.append(_table(found, shown, subjects, scale, result))
            parts.append(plain_table(("", "written at", "source"), _sources(shown, subjects)))
        rest = _rest(figure, shown)
        if rest:
            parts.append(rest)
    return parts


def sensitivity_document(found: Sensitivity, result: StudyResult) -> dict[str, Any]:
    """All inputs of all figures as plain JSON."""
    return {
        "kind": found.kind,
        "figures": [
            {
                "variant": one.variant, "metric": one.metric, "unit": one.unit, "base": one.base,
                "deviation": one.deviation, "failed": one.failed, "infeasible": one.infeasible, "reason": one.reason,
                "inputs": [_document(measure, found.subjects[one.variant][measure.name]) for measure in one.measures],
            }
            for one in found.figures
        ],
    }  # fmt: skip


def _document(measure: Measure, subject: Subject) -> dict[str, Any]:
    found: dict[str, Any] = {
        "input": subject.name, "value": subject.value, "low": subject.low, "high": subject.high, "law": subject.law,
        "place": subject.place, "source": subject.source,
    }  # fmt: skip
    match measure:
        case Swing():
            found |= {"at_low": _change(measure.at_low), "at_high": _change(measure.at_high), "swing": measure.size}
        case Effect(strength=strength):
            found |= {"mu_star": strength.mean, **interval_document(strength), "mu": measure.mean,
                      "sigma": measure.scatter}  # fmt: skip
        case Share(first=first, total=total):
            found |= {
                "first": {"value": first.mean, **interval_document(first)},
                "total": {"value": total.mean, **interval_document(total)},
            }
    return found


def _change(change: Change | None) -> dict[str, float | None] | None:
    return None if change is None else {"value": change.value, "half_width": finite(change.half_width)}


def _heading(found: Sensitivity, figure: FigureSensitivity, scale: tuple[float, str]) -> str:
    divisor, unit = scale
    assert figure.base is not None
    value = f"{number(figure.base / divisor, 4)} {unit}".rstrip()
    match found.kind:
        case "one_at_a_time":
            return (
                f"{value} as the scenario is; each value alone moved to its low and its high end, same random numbers"
            )
        case "morris":
            return (
                f"{value} on average over the points; change per full range of each value: mean of the sizes (mu*),"
                " mean with sign (mu), scatter (sigma: large where it bends or acts with others)"
            )
    deviation = f"{number(figure.deviation / divisor)} {unit}".rstrip()
    together = percent(interactions([one for one in figure.measures if isinstance(one, Share)]), 0)
    return (
        f"{value} ± {deviation} (standard deviation) over what is not known; share of that variance that each value"
        f" causes by itself, and with all it does together with others; {together} is from values together"
    )


def _table(
    found: Sensitivity, shown: Sequence[Measure], subjects: Mapping[str, Subject], scale: tuple[float, str],
    result: StudyResult,
) -> str:  # fmt: skip
    divisor, unit = scale
    confidence = percent(result.study.spec.confidence_share, 0)
    longest = full_bar(shown) or 1.0
    rows = []
    for rank, one in enumerate(shown, 1):
        subject = subjects[one.name]
        head = (str(rank), one.name, _value(subject.low), _value(subject.value), _value(subject.high))
        match one:
            case Swing():
                at = [word for end in (one.at_low, one.at_high) for word in _change_words(end, divisor)]
                rows.append((*head, *at, _bar(ends_of(one), longest)))
            case Effect(strength=strength):
                words = mean_and_width(strength.mean, strength.half_width, divisor)
                others = (number(one.mean / divisor), number(one.scatter / divisor))
                rows.append((*head, *words, *others, _bar((strength.mean,), longest).lstrip()))
            case Share(first=first, total=total):
                shares = [
                    word for share in (first, total) for word in mean_and_width(share.mean, share.half_width, 0.01)
                ]
                rows.append((*head, *shares, _bar((total.mean,), longest).lstrip()))
    of = f" [{unit}]" if unit else ""
    headings = {
        "one_at_a_time": (f"at low{of}", f"± {confidence}", f"at high{of}", f"± {confidence}", ""),
        "morris": (f"mu*{of}", f"± {confidence}", "mu", "sigma", ""),
        "saltelli": ("by itself [%]", f"± {confidence}", "with others [%]", f"± {confidence}", ""),
    }[found.kind]
    return plain_table(("", "value", "low", "now", "high", *headings), rows)


def _value(value: Any) -> str:
    return as_written(value) if isinstance(value, (int, float)) else MISSING if value is None else str(value)


def _change_words(change: Change | None, divisor: float) -> tuple[str, str]:
    if change is None:
        return "no such design", ""
    mean, half = mean_and_width(change.value, change.half_width, divisor)
    return (mean if mean.startswith("-") or change.value == 0.0 else f"+{mean}"), half


def ends_of(one: Measure) -> tuple[float, ...]:
    """The changes of a measure that are known, to be drawn."""
    match one:
        case Swing():
            return tuple(end.value for end in (one.at_low, one.at_high) if end is not None)
        case Effect():
            return (one.strength.mean,)
        case Share():
            return (one.total.mean,)


def full_bar(shown: Sequence[Measure]) -> float:
    """The change that is drawn as a full bar: the largest, unless it is so large that nothing else could be seen."""
    sizes = sorted(max(map(abs, ends_of(one)), default=0.0) for one in shown)
    middle = sizes[len(sizes) // 2]
    return sizes[-1] if sizes[-1] <= _OUTLIER * middle else 3.0 * middle


def _bar(ends: Sequence[float], longest: float) -> str:
    """A bar to both sides of the figure as it is; one that is cut ends in an arrow."""
    sides = []
    for side, arrow in ((-1.0, "◀"), (1.0, "▶")):
        share = max(0.0, *(side * end for end in ends), 0.0) / longest
        blocks = "█" * round(_BAR * min(1.0, share))
        sides.append(blocks if share <= 1.0 else blocks[1:] + arrow if side > 0.0 else arrow + blocks[1:])
    return f"{sides[0]:>{_BAR}}│{sides[1]}"


def _sources(shown: Sequence[Measure], subjects: Mapping[str, Subject]) -> list[tuple[str, str, str]]:
    rows = []
    for rank, one in enumerate(shown, 1):
        source = " ".join(subjects[one.name].source.split())
        if len(source) > _LONGEST_SOURCE:
            source = source[: _LONGEST_SOURCE - 1].rstrip() + "…"
        rows.append((str(rank), subjects[one.name].place, source))
    return rows


def _rest(figure: FigureSensitivity, shown: Sequence[Measure]) -> str:
    """What is not in the table: how many values move the figure less, not at all, or cannot be moved."""
    others = figure.measures[len(shown) :]
    unmoved = sum(size_of(one) == 0.0 and bool(ends_of(one)) for one in others)
    impossible = sum(not ends_of(one) for one in others)
    less = len(others) - unmoved - impossible
    words = []
    if less:
        largest = max(size_of(one) for one in others if ends_of(one))
        divisor, unit = (0.01, "%") if isinstance(shown[0], Share) else scaled(figure.unit, figure.base or 0.0)
        words.append(f"{less} more by at most {number(largest / divisor)} {unit}".rstrip())
    if unmoved:
        words.append(f"{unmoved} not at all")
    if impossible:
        words.append(f"{impossible} cannot be moved alone (points.csv has the reasons)")
    return f"{', '.join(words)}: see sensitivity.csv" if words else ""
