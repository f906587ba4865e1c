"""`path=value`: single values laid over a configuration, from `--set` on the command line or from a study."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from cellfab.config.merge import merge, unwrap_sourced
from cellfab.config.problems import Location, Problem, Source
from cellfab.config.tree_path import TreePath, dotted, parse_path, parts_of
from cellfab.config.yaml_reader import Mapping, Node, Scalar, parse

ASSIGNMENT = re.compile(r'((?:"[^"]*"|[^"=])*)=')
"""The path of a setting, up to the sign before its value."""


@dataclass(slots=True)
class Assignment:
    """One value to set, read: `places` holds where each part of the path stands in its text."""

    path: TreePath
    places: list[Location]
    value: Node


def override(
    tree: Mapping, options: Iterable[str | Assignment], problems: list[Problem]
) -> tuple[Mapping, dict[TreePath, Location], list[Source]]:
    """Apply settings in turn: texts of `--set` options, and assignments that a study file has written.

    A value in a text follows the same YAML rules as in a file.

    Returns
    -------
    tree : Mapping
        With the options applied.
    created : dict of TreePath to Location
        The keys that only an option names, and where. Whether they may exist is known when the tree is validated:
        an optional field may be set, but a name that no file knows is a slip of the pen.
    sources : list of Source
        The texts of the options, and the file of the assignments, where it stands in their order.
    """
    created: dict[TreePath, Location] = {}
    sources: list[Source] = []
    for option in options:
        assignment: Assignment | None
        if isinstance(option, Assignment):
            assignment, source = option, option.places[0].source
            if not sources or sources[-1] is not source:
                sources.append(source)
        else:
            sources.append(Source("--set", option))
            assignment = _read(option, sources[-1], problems)
        if assignment is None or not _reaches(tree, assignment, created, problems):
            continue
        above = assignment.value
        for name, place in zip(reversed(assignment.path), reversed(assignment.places), strict=True):
            above = Mapping({str(name): above}, {str(name): place}, place)
        unwrap_sourced(above)
        assert isinstance(above, Mapping)
        tree = merge(tree, above, problems)
    return tree, created, sources


def _read(option: str, source: Source, problems: list[Problem]) -> Assignment | None:
    start = Location(source, 1, 1)
    match = ASSIGNMENT.match(option)
    if match is None or not match[1].strip():
        problems.append(Problem(start, "", "expected path=value", "such as --set run.seed=7"))
        return None
    text = match[1].strip()
    indent = len(match[1]) - len(match[1].lstrip())
    try:
        path = parse_path(text)
    except ValueError as error:
        problems.append(Problem(start, "", str(error)))
        return None
    # Blanks in place of the path let the value keep its columns.
    value, found = parse(source, " " * match.end() + option[match.end() :])
    problems.extend(Problem(one.location, dotted(path), one.message, one.hint) for one in found)
    if value is None and not found:
        place = Location(source, 1, match.end() + 1)
        problems.append(Problem(place, dotted(path), "a value is missing after '='", "null stands for nothing"))
    if value is None:
        return None
    return Assignment(path, [Location(source, 1, indent + offset + 1) for _, offset in parts_of(text)], value)


def _reaches(tree: Mapping, assignment: Assignment, created: dict[TreePath, Location], problems: list[Problem]) -> bool:
    """Whether a path leads through mappings; notes the keys on it that are not there yet."""
    path = assignment.path
    node: Node = tree
    for depth, (name, place) in enumerate(zip(path, assignment.places, strict=True)):
        if isinstance(node, Mapping):
            child = node.items.get(str(name))
            if child is None:
                for length in range(depth + 1, len(path) + 1):
                    created.setdefault(path[:length], assignment.places[length - 1])
                return True
            node = child
            continue
        if (isinstance(node, Scalar) and node.value is None) or path[depth:] == ("value",):
            return True
        message = f"{dotted(path[:depth])} holds a single value, and nothing below it can be set"
        problems.append(Problem(place, dotted(path), message))
        return False
    return True
