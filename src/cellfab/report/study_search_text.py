"""A search in words: the front or the best point, how the other trials went, and what was confirmed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cellfab.report.numbers import MISSING, as_written, scaled, unit_text
from cellfab.report.plain_table import plain_table
from cellfab.report.study_words import interval_document, mean_and_width, value_words
from cellfab.study.result import StudyResult
from cellfab.study.search_result import Estimated, SearchFound, Standing, TrialFound

_RUNNERS_UP = 4
_MOST_REASONS = 5
_STANDINGS: Mapping[Standing, str] = {
    "front": "on the front", "beaten": "within the limits and beaten", "beyond": "beyond a limit",
    "failed": "failed", "infeasible": "not feasible",
}  # fmt: skip


def search_text(found: SearchFound, result: StudyResult) -> list[str]:
    """How the trials went, the points that were found, and why others have no figures."""
    if not found.trials:
        return ["no trial is finished"]
    counts = found.counts()
    single = len(found.search.objectives) == 1
    told = {**_STANDINGS, "front": "best"} if single else _STANDINGS
    trials = "1 trial" if len(found.trials) == 1 else f"{len(found.trials)} trials"
    parts = [f"{trials}: {', '.join(f'{counts[one]} {word}' for one, word in told.items() if one in counts)}"]
    goals = " and ".join(f"{goal} {name}" for name, goal in found.search.objectives.items())
    limits = _limits(found)
    what = f"{goals}{limits}"
    if found.front:
        heading = f"{what}:" if single else f"{what}; nothing better in one without being worse in another:"
        rows = [*found.front, *(_runners_up(found) if single else ())]
        parts += [heading, _table(found, rows, result, ranked=single)]
    elif found.nearest is not None:
        broken = ", ".join(found.nearest.broken)
        parts.append(f"{what}: no point keeps within the limits; the nearest, still beyond {broken}:")
        parts.append(_table(found, [found.nearest], result, ranked=False))
    parts += _confirmation(found)
    reasons: dict[str, list[int]] = {}
    for trial in found.trials:
        if trial.reason:
            reasons.setdefault(trial.reason, []).append(trial.number)
    lines = [f"no figures at point {_numbers(numbers)}: {reason}" for reason, numbers in reasons.items()]
    if len(lines) > _MOST_REASONS:
        lines = [*lines[:_MOST_REASONS], f"and {len(lines) - _MOST_REASONS} more reasons: see trials.csv"]
    return [*parts, *lines]


def search_document(found: SearchFound, result: StudyResult) -> dict[str, Any]:
    """The search as plain JSON."""
    return {
        **found.search.model_dump(),
        "standings": found.counts(),
        "best": None if found.best is None else found.best.number,
        "front": [trial.number for trial in found.front],
        "nearest": None if found.nearest is None else found.nearest.number,
        "points": [
            {
                "point": trial.number, "factors": dict(trial.factors), "figures": _figures(trial.figures),
                "confirmed": _figures(trial.confirmed), "standing": trial.standing, "broken": list(trial.broken),
                "reason": trial.reason,
            }
            for trial in found.trials
        ],
    }  # fmt: skip


def _figures(figures: Mapping[str, Estimated]) -> dict[str, Any]:
    return {name: {"mean": one.mean, **interval_document(one.interval)} for name, one in figures.items()}


def _limits(found: SearchFound) -> str:
    words = []
    for name, limit in found.search.constraints.items():
        ends = [(limit.least, "at least"), (limit.most, "at most")]
        told = " and ".join(f"{word} {as_written(end)}" for end, word in ends if end is not None)
        words.append(f"{name} {told}")
    return f" with {', '.join(words)}" if words else ""


def _runners_up(found: SearchFound) -> list[TrialFound]:
    """Of one goal the next best points."""
    ((name, goal),) = found.search.objectives.items()
    sign = -1.0 if goal == "largest" else 1.0
    beaten = [trial for trial in found.trials if trial.standing == "beaten"]
    return sorted(beaten, key=lambda trial: sign * trial.figures[name].mean)[:_RUNNERS_UP]


def _table(found: SearchFound, trials: Sequence[TrialFound], result: StudyResult, *, ranked: bool) -> str:
    factors = tuple(result.study.spec.factors)
    scales = {name: _scale(name, trials, result) for name in found.metrics}
    headings = [*(("rank",) if ranked else ()), "point", *factors]
    for name, (_, unit) in scales.items():
        headings += [f"{name} [{unit}]" if unit else name, "±"]
        if found.search.confirm:
            headings += ["confirmed", "±"]
    rows = []
    for rank, trial in enumerate(trials, 1):
        row = [*((str(rank),) if ranked else ()), str(trial.number), *value_words(trial.factors)]
        for name, (divisor, _) in scales.items():
            row += _words(trial.figures.get(name), divisor)
            if found.search.confirm:
                row += _words(trial.confirmed.get(name), divisor)
        rows.append(row)
    return plain_table(headings, rows)


def _scale(name: str, trials: Iterable[TrialFound], result: StudyResult) -> tuple[float, str]:
    unit = next((one.unit for one in result.estimates if one.metric == name and one.unit), "")
    divisor, written = scaled(unit, max(abs(trial.figures[name].mean) for trial in trials))
    written = written or unit_text(unit)
    return divisor, "" if written == "1" else written


def _words(one: Estimated | None, divisor: float) -> tuple[str, str]:
    if one is None:
        return MISSING, MISSING
    return mean_and_width(one.mean, None if one.interval is None else one.interval.half_width, divisor)


def _confirmation(found: SearchFound) -> list[str]:
    """Constraints that the points which were found do not keep with random numbers that the search has not seen."""
    lines = []
    for trial in found.front:
        for name, limit in found.search.constraints.items():
            one = trial.confirmed.get(name)
            if one is None:
                continue
            below = limit.least is not None and one.mean < limit.least
            above = limit.most is not None and one.mean > limit.most
            if below or above:
                end = limit.least if below else limit.most
                lines.append(
                    f"warning: point {trial.number} does not keep {name} when confirmed: {as_written(one.mean)} against"
                    f" {as_written(end)}"
                )
    return lines


def _numbers(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:_MOST_REASONS]))
    return shown + (f" and {len(numbers) - _MOST_REASONS} more" if len(numbers) > _MOST_REASONS else "")
