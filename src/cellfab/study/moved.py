"""Which uncertain inputs a study moves in each of its variants, and what they are at the points of its design."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from cellfab.config.design_spec import Uncertain
from cellfab.config.problems import Problem, did_you_mean
from cellfab.config.resolved import Resolved
from cellfab.config.tree_path import TreePath, dotted, parse_path
from cellfab.study.design import Point
from cellfab.study.subject import Subject
from cellfab.study.uncertain import Input, inputs_of


class Infeasible(NamedTuple):
    """A point of a design that is no scenario.

    Attributes
    ----------
    variant : str
    point : int
    factors : mapping of str to value
    inputs : mapping of str to float
        Values of the uncertain inputs by path.
    reason : str
        What the scenario says against it.
    """

    variant: str
    point: int
    factors: Mapping[str, Any]
    inputs: Mapping[str, float]
    reason: str


@dataclass(frozen=True, slots=True)
class Moved:
    """Inputs that a study moves.

    Attributes
    ----------
    names : tuple of str
        Paths of all variants' inputs, in the order in which they are met.
    by_variant : mapping of str to tuple of Input
        A variant that sets a value to a plain number knows it, and does not have it among them.
    """

    names: tuple[str, ...]
    by_variant: Mapping[str, tuple[Input, ...]]

    def values(self, variant: str, point: Point, *, evenly: bool) -> dict[TreePath, float | int]:
        """What the inputs of a variant are at a point, by path.

        Parameters
        ----------
        evenly : bool
            Evenly between their ends, as a screening wants it; else by their laws.
        """
        place = {name: number for number, name in enumerate(self.names)}
        found: dict[TreePath, float | int] = {}
        for one in self.by_variant.get(variant, ()):
            share = point.shares.get(place[one.name])
            if share is not None:
                found[one.path] = one.between(share) if evenly else one.at(share)
        return found


NOTHING_MOVED = Moved((), {})


def select(subjects: Mapping[str, Subject], spec: Uncertain | None, study: Resolved) -> tuple[Moved, list[Problem]]:
    """Inputs that a study moves, of its variants' scenarios; and patterns that mean nothing.

    Parameters
    ----------
    subjects : mapping of str to Scenario or LoadedFleet
        By variant, with the factors set somewhere: what a factor moves has no note any more.
    spec : Uncertain or None
        None: no inputs are moved.
    study : Resolved
        The study's file, for the places of problems.
    """
    if spec is None:
        return NOTHING_MOVED, []
    assumed = spec.values == "assumptions"
    all_of = {name: inputs_of(one, assumed_only=assumed, law=spec.law) for name, one in subjects.items()}
    known = list(dict.fromkeys(one.name for found in all_of.values() for one in found))
    problems = []
    patterns = () if isinstance(spec.values, str) else spec.values
    for key, written in (("values", patterns), ("except", spec.but)):
        for number, text in enumerate(written):
            if not any(map(_pattern(text).fullmatch, known)):
                where = ("uncertain", key, number)
                problems.append(study.problem(where, *_nothing(text, known, subjects, assumed=assumed)))
    wanted, left = [list(map(_pattern, texts)) for texts in (patterns, spec.but)]
    by_variant = {
        name: tuple(
            one for one in found
            if (not wanted or any(pattern.fullmatch(one.name) for pattern in wanted))
            and not any(pattern.fullmatch(one.name) for pattern in left)
        )
        for name, found in all_of.items()
    }  # fmt: skip
    names = tuple(dict.fromkeys(one.name for found in by_variant.values() for one in found))
    if not names and not problems and subjects:
        said = "assumption" if assumed else "value"
        message = f"no {said} of the scenario has a `distribution`, or `low` and `high`, and is not left out"
        problems.append(study.problem("uncertain", message, "such as {value: 9, low: 7, high: 12, source: ...}"))
    return Moved(names, by_variant), problems


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(rf"{re.escape(text).replace(re.escape('*'), '.*')}(\..*)?")


def _nothing(text: str, known: Sequence[str], subjects: Mapping[str, Subject], *, assumed: bool) -> tuple[str, str]:
    """Message and hint for a pattern that fits no uncertain value."""
    if "*" in text:
        return f"no path of an uncertain value is like '{text}'", next(iter(_examples(known)), "")
    try:
        path = parse_path(text)
    except ValueError as error:
        return str(error), ""
    for subject in subjects.values():
        if path in subject.resolved.origins:
            place = subject.resolved.location(path)
            what = "is no assumption with" if assumed else "has no `distribution`, nor both"
            return f"{text} {what} `low` and `high`", f"see {place}: {{value: ..., low: ..., high: ..., source: ...}}"
    hint = did_you_mean(text, known)
    return f"there is no '{text}'", hint if hint.startswith("did") else next(iter(_examples(known)), "")


def _examples(known: Sequence[str]) -> Iterator[str]:
    if known:
        yield f"such as {known[0]}"


def written(values: Mapping[TreePath, float]) -> dict[str, float]:
    """Values by their paths as texts."""
    return {dotted(path): value for path, value in values.items()}
