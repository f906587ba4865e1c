"""A configuration after merging: plain values, and where each of them was written."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from collections.abc import Mapping as AbstractMapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from cellfab.config.problems import Location, Problem, Source, config_error
from cellfab.config.tree_path import TreePath, as_path, dotted
from cellfab.config.yaml_reader import Mapping, Node, Scalar, Sequence


class Origin(NamedTuple):
    """Where a value and its key were written; a list item has no key."""

    key: Location | None
    value: Location


@dataclass(frozen=True, slots=True)
class Sourced:
    """What is known about a value: its plausible range and where it comes from.

    Attributes
    ----------
    value, low, high : float or None
        In the unit of the field; None where not given. Texts ("60 m/min") until the value has been validated.
    source : str
        A citation, or a text that begins with "assumption"; empty if not given.
    distribution : ValueLaw or None
        How likely which value is; the plain text or mapping until the value has been validated.
    places : mapping of str to Location
        Where `low`, `high`, `distribution` and its keys ("distribution.sd") were written.
    """

    value: Any
    low: Any = None
    high: Any = None
    source: str = ""
    distribution: Any = None
    places: AbstractMapping[str, Location] = field(default_factory=dict, repr=False, compare=False)

    @property
    def assumed(self) -> bool:
        """Whether the source says that there is none."""
        return self.source.strip().lower().startswith("assumption")

    @property
    def relative_width(self) -> float | None:
        """(high - low) / |value|; None if the range is not known."""
        numbers = (self.value, self.low, self.high)
        if any(isinstance(number, bool) or not isinstance(number, (int, float)) for number in numbers):
            return None
        width = float(self.high) - float(self.low)
        return width / abs(float(self.value)) if self.value else None


class Assumption(NamedTuple):
    """A value that somebody assumed."""

    path: str
    note: Sourced
    location: Location


@dataclass
class Resolved:
    """The merged configuration.

    Validating a part of it settles that part in place: quantities become numbers in the field's unit, and keys with
    another suffix get the field's own name, with their origins. So `tree` can be written out and read again.

    Attributes
    ----------
    name : str
        Of the file, without folder and ending.
    tree : dict
        Plain values: dict, list, str, int, float, bool and None.
    origins : dict of TreePath to Origin
        Where each value, mapping and list item was written.
    notes : dict of TreePath to Sourced
        For values written as `{value, low, high, source}`.
    files : tuple of Path
        Every file read; the one asked for is the first.
    sources : tuple of Source
        The texts, the lowest layer first, `--set` options last.
    created : dict of TreePath to Location
        Keys that only a `--set` option names.
    replaced : dict of TreePath to Location
        Mappings that took the place of one of another `kind` or `law`, and where that one stood.
    """

    name: str
    tree: dict[str, Any]
    origins: dict[TreePath, Origin] = field(repr=False)
    notes: dict[TreePath, Sourced] = field(repr=False)
    files: tuple[Path, ...]
    sources: tuple[Source, ...] = field(repr=False)
    created: dict[TreePath, Location] = field(default_factory=dict, repr=False)
    replaced: dict[TreePath, Location] = field(default_factory=dict, repr=False)

    def get(self, path: str | TreePath, default: Any = None) -> Any:
        """The plain value at a path, or the default if there is none."""
        node: Any = self.tree
        for part in as_path(path):
            is_item = isinstance(node, list) and isinstance(part, int) and 0 <= part < len(node)
            if not is_item and not (isinstance(node, dict) and part in node):
                return default
            node = node[part]
        return node

    def put(self, path: TreePath, value: Any) -> None:
        """Replace the plain value at a path that exists (used when values are settled)."""
        if path:
            self.get(path[:-1])[path[-1]] = value
        else:
            self.tree = value

    def location(self, path: str | TreePath, *, key: bool | None = None) -> Location:
        """Where to look for a path: at the value if it is a scalar, else at its key.

        Parameters
        ----------
        path : str or TreePath
            A path that is not there stands for the closest one above it.
        key : bool, optional
            Look at the key (True) or at the value (False) whatever it is.
        """
        path = as_path(path)
        while path and path not in self.origins:
            path, key = path[:-1], True
        if not path:
            return Location(self.sources_of_file(), 1, 1)
        origin = self.origins[path]
        if key is None:
            key = isinstance(self.get(path), (dict, list))
        return origin.key if key and origin.key is not None else origin.value

    def sources_of_file(self) -> Source:
        """The text of the file that was asked for."""
        return next(source for source in reversed(self.sources) if source.name != "--set")

    def rank(self, path: TreePath) -> int:
        """Height of the layer that wrote a value; a higher layer overrules a lower one."""
        source = self.origins[path].value.source
        return next((rank for rank, one in enumerate(self.sources) if one is source), -1)

    def problem(self, path: str | TreePath, message: str, hint: str = "", *, key: bool | None = None) -> Problem:
        """A problem with the value at a path, located in the file (or option) that wrote it."""
        path = as_path(path)
        return Problem(self.location(path, key=key), dotted(path), message, hint)

    def fail(self, problems: Iterable[Problem]) -> NoReturn:
        """Raise a `ConfigError` that lists the problems."""
        raise config_error(problems)

    def with_numbers(self, values: AbstractMapping[TreePath, float]) -> Resolved:
        """The same with other numbers in place of some: of a settled configuration, in the units of its fields.

        A number that was replaced has no note any more; it is located where the one before it was written.
        """
        notes = {path: note for path, note in self.notes.items() if path not in values}
        varied = replace(
            self, tree=copy.deepcopy(self.tree), notes=notes, origins=dict(self.origins), created=dict(self.created),
            replaced=dict(self.replaced),
        )  # fmt: skip
        for path, value in values.items():
            varied.put(path, value)
        return varied

    def assumptions(self) -> list[Assumption]:
        """Values whose source says "assumption", the widest relative range first, then those without a range."""
        found = [
            Assumption(dotted(path), note, self.location(path)) for path, note in self.notes.items() if note.assumed
        ]
        return sorted(found, key=lambda one: (-(one.note.relative_width or -1.0), one.path))

    def move(self, old: TreePath, new: TreePath, value: Any) -> None:
        """Give what is known about a value, and about all below it, to another path."""
        if old in self.origins:
            self.origins[new] = self.origins.pop(old)
        if old in self.notes:
            self.notes[new] = self.notes.pop(old)
        for places in (self.created, self.replaced):
            if old in places:
                places[new] = places.pop(old)
        for part, child in _children(value):
            self.move((*old, part), (*new, part), child)


def _children(value: Any) -> Iterable[tuple[str | int, Any]]:
    return value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()


def resolve(
    name: str,
    tree: Mapping,
    files: tuple[Path, ...],
    sources: tuple[Source, ...],
    created: dict[TreePath, Location],
    problems: list[Problem],
) -> Resolved:
    """Turn merged nodes into plain values and tables of what is known about them."""
    resolved = Resolved(name, {}, {}, {}, files, sources, created)
    plain = _plain(tree, (), resolved, problems)
    assert isinstance(plain, dict)
    resolved.tree = plain
    return resolved


def _plain(node: Node, path: TreePath, resolved: Resolved, problems: list[Problem]) -> Any:
    origins = resolved.origins
    if isinstance(node, Scalar):
        value: Any = node.value
    elif isinstance(node, Mapping):
        if node.replaced is not None:
            resolved.replaced[path] = node.replaced
        value = {}
        for name, child in node.items.items():
            inner = (*path, name)
            origins[inner] = Origin(node.keys[name], child.location)
            value[name] = _plain(child, inner, resolved, problems)
    elif isinstance(node, Sequence):
        value = []
        for position, child in enumerate(node.items):
            inner = (*path, position)
            origins[inner] = Origin(None, child.location)
            value.append(_plain(child, inner, resolved, problems))
    else:
        value = None
        problems.append(Problem(node.location, dotted(path), "there is nothing to delete"))
    if not isinstance(node, (Scalar, Mapping, Sequence)) or node.note is None:
        return value
    resolved.notes[path] = _note(value, node.note, path, problems)
    return value


def _note(value: Any, node: Mapping, path: TreePath, problems: list[Problem]) -> Sourced:
    found: dict[str, Any] = {}
    places: dict[str, Location] = {}
    for name, child in node.items.items():
        if name == "value":
            continue
        places[name] = child.location
        if name == "distribution":
            if isinstance(value, bool) or not isinstance(value, (int, float, str)):
                problems.append(Problem(node.keys[name], dotted((*path, name)), "belongs to a number"))
                continue
            found[name] = _law(child, (*path, name), places, problems)
            continue
        given = child.value if isinstance(child, Scalar) else child
        wanted = (str,) if name == "source" else (int, float, str)
        if isinstance(given, bool) or not isinstance(given, wanted):
            message = f"expected {'a text' if name == 'source' else 'a number'}"
            problems.append(Problem(child.location, dotted((*path, name)), message))
        else:
            found[name] = given
    return Sourced(value, **found, places=places)


def _law(node: Node, path: TreePath, places: dict[str, Location], problems: list[Problem]) -> Any:
    """A law as it was written: its name, or a mapping of its numbers; None if it is neither."""
    if isinstance(node, Scalar) and isinstance(node.value, str):
        return node.value
    if not isinstance(node, Mapping):
        message = "expected the name of a law, or a mapping such as {law: normal, sd: 0.5}"
        problems.append(Problem(node.location, dotted(path), message))
        return None
    law: dict[str, Any] = {}
    for name, child in node.items.items():
        places[f"distribution.{name}"] = child.location
        if isinstance(child, Scalar):
            law[name] = child.value
        elif isinstance(child, Sequence) and all(isinstance(item, Scalar) for item in child.items):
            law[name] = [item.value for item in child.items if isinstance(item, Scalar)]
        else:
            law[name] = None
    return law
