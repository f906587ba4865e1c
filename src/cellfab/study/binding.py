"""Scenarios (or fleets) of a study: a base, what a variant changes in it, and the values of the factors at a point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from cellfab.config import library
from cellfab.config.loader import Base, read_base
from cellfab.config.problems import Problem, did_you_mean
from cellfab.config.tree_path import TreePath
from cellfab.errors import ConfigError
from cellfab.study.design import Level
from cellfab.study.file import StudyFile
from cellfab.study.subject import Subject, SubjectReader
from cellfab.study.uncertain import value_in


class Bound(NamedTuple):
    """A scenario or a fleet of the study at a point.

    Attributes
    ----------
    subject : Scenario or LoadedFleet
    factors : dict of str to value
        In the units of their fields.
    inputs : mapping of path to float
        Uncertain values that were moved.
    """

    subject: Subject
    factors: dict[str, Any]
    inputs: Mapping[TreePath, float | int]


@dataclass
class Binder:
    """Makes scenarios of a study, reading each file that it is based on once.

    Attributes
    ----------
    file : StudyFile
    problems : list of Problem
        With the bases that were asked for.
    """

    file: StudyFile
    problems: list[Problem] = field(default_factory=list)
    _bases: dict[str, Base | None] = field(default_factory=dict)
    _last: tuple[str, dict[str, Level], Subject] | None = None
    _reader: SubjectReader = field(default_factory=SubjectReader)

    def base(self, variant: str) -> Base | None:
        """The scenario that a variant changes; a problem where it cannot be read."""
        name, where = self.file.scenario_of(variant)
        if name not in self._bases:
            self._bases[name] = self._read(name, where)
        return self._bases[name]

    def bind(
        self, variant: str, levels: Mapping[str, Level], inputs: Mapping[TreePath, float | int] | None = None
    ) -> Bound:
        """The scenario of a variant, with factors at these levels and uncertain inputs at these values.

        Raises
        ------
        ConfigError
            If it is not feasible, with every problem.
        """
        subject = self._at(variant, dict(levels))
        if inputs:
            subject = self._reader.bind(
                subject.resolved.with_numbers(
                    {path: value for path, value in inputs.items() if path in subject.resolved.notes}
                )
            )
        factors = {name: level.value for name, level in levels.items()}
        return Bound(subject, factors | self._settled(subject, levels), inputs or {})

    def _at(self, variant: str, levels: dict[str, Level]) -> Subject:
        """The scenario before inputs are moved; the one asked for last is kept."""
        if self._last is None or self._last[:2] != (variant, levels):
            base = self.base(variant)
            assert base is not None
            moved = [place.assignment(*levels[place.factor]) for place in self.file.places if place.factor in levels]
            subject = self._reader.bind(base.with_values([*self.file.assignments(variant), *moved]))
            self._last = variant, levels, subject
        return self._last[2]

    def _settled(self, subject: Subject, levels: Mapping[str, Level]) -> dict[str, Any]:
        """Values of the factors in the unit of the field, where they stand under its own name.

        In a sample that is analysed as a whole also those that a point does not move.
        """
        whole = self.file.spec.analysed
        found = {
            place.factor: subject.resolved.get(place.path, value_in(subject, place.path) if whole else None)
            for place in reversed(self.file.places)
            if whole or place.factor in levels
        }
        return {name: value for name, value in found.items() if isinstance(value, (int, float, str))}

    def _read(self, name: str, where: tuple[str | int, ...]) -> Base | None:
        near = self.file.path.parent / name
        beside = [one for one in (near, near.with_name(near.name + ".yaml")) if one.is_file()]
        found = next((one for one in beside if not one.samefile(self.file.path)), None)  # a study is no scenario
        found = found or library.lookup(name)
        if found is None:
            hint = library.suggestion(near, Path(name))
            if where != ("base",):
                hint = did_you_mean(name, self.file.variants) or hint
            what = "no scenario file" if where == ("base",) else "no variant and no scenario file"
            message = f"there is {what} '{name}', and no shipped one of that name"
            self.problems.append(self.file.resolved.problem(where, message, hint))
            return None
        try:
            return read_base(found)
        except ConfigError as error:
            self.problems += [problem for problem in error.problems if isinstance(problem, Problem)]
            return None


def first_problem(error: ConfigError) -> str:
    """What a scenario says against a point, in one line."""
    problem = next(iter(error.problems), None)
    return f"{problem.path}: {problem.message}" if isinstance(problem, Problem) else str(error)
