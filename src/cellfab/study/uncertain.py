"""Inputs that are not known exactly, and their values at the points of a design.

A value that a configuration writes with a `distribution`, or with `low` and `high`, is an uncertain input. Points of a
design in the unit cube become values by the inverse of each input's law. Triangular law with `value` as its mode for a
value with `low` and `high` only: an assumption, the least that can be made of three numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from cellfab.config.tree_path import TreePath, dotted
from cellfab.config.value_law import EndsLaw, ValueLaw, value_law
from cellfab.fleet.file import LoadedFleet
from cellfab.scenario import places
from cellfab.study.subject import Subject

Floats = npt.NDArray[np.float64]

_LEAST_SHARE = 1e-60
"""Below it scipy's inverse of the beta law fails; the quantile is within 1e-12 of the range of its end."""
_BOUNDED = ("triangular", "pert", "uniform", "beta")


@dataclass(frozen=True, slots=True)
class Input:
    """One uncertain input.

    Attributes
    ----------
    name : str
        Path of the value in the configuration.
    value : float
        As the configuration has it.
    low, high : float
        Between them it is moved alone; of a normal or lognormal law the central 95 % lies between them.
    law : ValueLaw
        Given as such, or as a word for a law with the ends `low` and `high`: triangular and pert have `value` as their
        mode, the others do not look at it.
    whole : bool
        Only whole numbers.
    source, place : str
        What the configuration says of where it comes from, and the file and line.
    path : TreePath
        What `name` says, for setting it.
    """

    name: str
    value: float
    low: float
    high: float
    given: ValueLaw | EndsLaw = "triangular"
    whole: bool = False
    source: str = ""
    place: str = ""
    path: TreePath = ()
    law: ValueLaw = field(init=False)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"{self.name}: low ({self.low:g}) must be less than high ({self.high:g})")
        law = self.given
        if isinstance(law, str):
            try:
                law = value_law(law, {"low": self.low, "high": self.high}, self.value)
            except ValueError as error:
                raise ValueError(f"{self.name}: {error}") from None
        object.__setattr__(self, "law", law)

    def at(self, share: float) -> float | int:
        """The value below which a share, in [0, 1], of its law lies."""
        if not 0.0 <= share <= 1.0:
            raise ValueError(f"a share lies between 0 and 1, not at {share:g}")
        law = self.law
        wider = 0.5 if self.whole and law.law in _BOUNDED else 0.0
        found = min(max(_quantile(law, share, law.low - wider, law.high + wider), law.low), law.high)
        return round(found) if self.whole else found

    def between(self, share: float) -> float | int:
        """The value at a share, in [0, 1], of the way from `low` to `high`; in the logarithm if the law is of it."""
        if self.law.logarithmic:
            found = self.low * math.exp(share * math.log(self.high / self.low))
        else:
            found = self.low + share * (self.high - self.low)
        found = min(max(found, self.low), self.high)
        return round(found) if self.whole else found


def _quantile(law: ValueLaw, share: float, low: float, high: float) -> float:
    width = high - low
    match law.law:
        case "uniform":
            return low + share * width
        case "log_uniform":
            return low * math.exp(share * math.log(high / low))
        case "empirical":
            return law.values[min(int(share * len(law.values)), len(law.values) - 1)]
        case "triangular":
            mode = law.first
            if share <= (mode - low) / width:
                return low + math.sqrt(share * width * (mode - low))
            return high - math.sqrt((1.0 - share) * width * (high - mode))
        case "pert" | "beta":
            from scipy.special import betaincinv

            if share < _LEAST_SHARE:
                return low
            first, second = law.first, law.second
            if law.law == "pert":
                weight = 4.0 * (law.first - low) / width
                first, second = 1.0 + weight, 5.0 - weight
            return low + width * float(betaincinv(first, second, share))
    from scipy.special import ndtr, ndtri

    ends = (math.log(low), math.log(high)) if law.law == "lognormal" else (low, high)
    below, above = (float(ndtr((end - law.first) / law.second)) for end in ends)
    found = law.first + law.second * float(ndtri(below + share * (above - below)))
    return math.exp(found) if law.law == "lognormal" else found


def inputs_of(subject: Subject, *, assumed_only: bool = False, law: EndsLaw = "triangular") -> list[Input]:
    """Uncertain inputs of a scenario, in the order of the configuration: values with a law, or with `low` and `high`.

    Parameters
    ----------
    subject : Scenario or LoadedFleet
        Of a fleet the values of its own file; those of its plants' scenarios stay as they are.
    assumed_only : bool
        Only those whose source says `assumption`.
    law : str
        Of values that have `low` and `high` only; where these have no logarithm, triangular in place of a law of it.
    """
    roots = _typed_roots(subject)
    found = []
    for path in _paths(subject.resolved.tree):
        note = subject.resolved.notes.get(path)
        if note is None:
            continue
        given, low, high = note.distribution, note.low, note.high
        if not _is_number(note.value) or (assumed_only and not note.assumed):
            continue
        if isinstance(given, ValueLaw):
            ends = given.span
        elif _is_number(low) and _is_number(high) and low < high:
            ends, given = (low, high), law
        else:
            continue
        whole = isinstance(_typed(roots, path), int)
        location = subject.resolved.location(path)
        place = f"{location.source.name}:{location.line}"
        try:
            found.append(Input(dotted(path), note.value, *ends, given, whole, note.source, place, path))
        except ValueError:  # a law that these ends do not allow: 0 has no logarithm
            found.append(Input(dotted(path), note.value, *ends, "triangular", whole, note.source, place, path))
    return found


def _paths(tree: Any, path: TreePath = ()) -> Iterator[TreePath]:
    """Of every value, in the order written."""
    yield path
    if isinstance(tree, dict):
        for name, child in tree.items():
            yield from _paths(child, (*path, name))
    elif isinstance(tree, list):
        for number, child in enumerate(tree):
            yield from _paths(child, (*path, number))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def value_in(subject: Subject, path: TreePath) -> Any:
    """The validated value at a path, also one that is a default; None if there is none."""
    return _typed(_typed_roots(subject), path)


def _typed_roots(subject: Subject) -> dict[TreePath, Any]:
    """Validated parts of a configuration by their path; parameters of steps are not part of the spec."""
    if isinstance(subject, LoadedFleet):
        return {(): subject.spec}
    one_line = subject.one_line
    path_of = {place.key: place.path for place in places(one_line.spec.line)}
    roots: dict[TreePath, Any] = {(): one_line.spec.model_copy(update={"lines": subject.spec.lines})}
    for (key, product), step in one_line.steps.items():
        roots[*path_of[key], "params"] = roots["products", product, "params", key] = step.params
    return roots


def _typed(roots: Mapping[TreePath, Any], path: TreePath) -> Any:
    depth = next(depth for depth in range(len(path), -1, -1) if path[:depth] in roots)
    node = roots[path[:depth]]
    for part in path[depth:]:
        if isinstance(node, Mapping):
            node = node.get(part)
        elif isinstance(node, tuple) and isinstance(part, int):
            node = node[part]
        else:
            node = getattr(node, str(part), None)
    return None if isinstance(node, bool) else node


def values_at(inputs: Sequence[Input], points: Floats) -> list[dict[str, float | int]]:
    """Values of the inputs, by name, at points of the unit cube of shape (points, inputs)."""
    return [
        {one.name: one.at(share) for one, share in zip(inputs, row, strict=True)} for row in np.asarray(points).tolist()
    ]
