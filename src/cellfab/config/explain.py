"""What pydantic found wrong, in the words of the file: paths as written, units, and what was probably meant."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from cellfab.config.problems import Problem, closest, did_you_mean, listed
from cellfab.config.resolved import Resolved
from cellfab.config.settle import describe, grouped, shown
from cellfab.config.shape import Anything, Choice, Flag, Items, Names, Number, Record, Shape, Tagged, Text
from cellfab.config.tree_path import TreePath
from cellfab.units import NUMBER, Unit, UnitError, convert, same_dimension, split_name

Locate = Callable[[TreePath], TreePath]
"""From a path below the validated part to the path in the whole configuration."""


def explain(
    resolved: Resolved, errors: Iterable[Any], shape: Shape, tree: Any, locate: Locate, wrong: set[TreePath]
) -> list[Problem]:
    """Turn pydantic's error details into problems.

    Parameters
    ----------
    resolved : Resolved
        The configuration.
    errors : iterable of pydantic error details
        From `ValidationError.errors()`.
    shape, tree
        The shape and the plain value that were validated.
    locate : callable
        Gives the path in the configuration of a path below the validated part.
    wrong : set of TreePath
        Paths (in the configuration) about which a problem is already known; nothing more is said about them.
    """
    problems = []
    unknown: list[tuple[TreePath, str]] = []
    missing: list[tuple[TreePath, Problem]] = []
    for error in errors:
        found = _Place.of(error["loc"], shape, tree)
        if found is None:
            continue
        path = locate(found.path)
        if any(path[:length] in wrong for length in range(len(path) + 1)):
            continue
        kind = error["type"]
        if kind == "missing":
            missing.append((path, resolved.problem(path, "is missing", _hint_on_missing(resolved, path))))
            continue
        if kind == "extra_forbidden":
            hint, meant = _hint_on_unknown(found)
            unknown.append((path, meant))
            problems.append(resolved.problem(path, "unknown key", hint, key=True))
            continue
        path, message, hint = _message(error, found, path)
        problems.append(resolved.problem(path, message, hint))
    # A misspelt key leaves its field missing: that is one mistake, not two.
    misspelt = {(*path[:-1], meant) for path, meant in unknown}
    return problems + [problem for path, problem in missing if path not in misspelt]


class _Place:
    """Where an error is: its path without pydantic's union labels, what is expected there, and around it."""

    def __init__(self, shape: Shape, value: Any) -> None:
        self.path: TreePath = ()
        self.shape = shape
        self.value = value
        self.unit: Unit = NUMBER
        self.record: Record | None = None
        self.choice: Tagged | None = None

    @classmethod
    def of(cls, loc: tuple[str | int, ...], shape: Shape, value: Any) -> _Place | None:
        """Follow an error's location; None if it speaks of an alternative that was not chosen."""
        place = cls(shape, value)
        for part in loc:
            if not place.step(part):
                return None
        return place

    def step(self, part: str | int) -> bool:
        """Take one part of a location; False if it is the label of an alternative that does not apply."""
        shape = self.shape
        if isinstance(shape, Tagged):
            self.choice = shape
            self.unit = NUMBER
            record = dict(shape.records).get(str(part))
            self.shape = record or Anything()
            return record is not None
        if isinstance(shape, Choice):
            if self.value is None:
                return True  # nothing was written: the error is about the choice as a whole, once for each alternative
            option = shape.option(self.value)
            self.shape = option or Anything()
            return option is not None and _label_fits(str(part), option)
        if isinstance(shape, (Record, Names, Items)):
            if part == "[key]":
                return True
            self._enter(part, shape)
        return True

    def _enter(self, part: str | int, shape: Record | Names | Items) -> None:
        self.record = shape if isinstance(shape, Record) else None
        if isinstance(shape, Record):
            slot = shape.slot(str(part))
            self.shape = slot.shape if slot is not None else Anything()
            self.unit = (slot.unit if slot is not None else None) or self.unit
        else:
            self.choice = None
            self.shape = shape.values
        self.path = (*self.path, part)
        if isinstance(self.value, dict):
            self.value = self.value.get(str(part))
        elif isinstance(self.value, list) and isinstance(part, int) and part < len(self.value):
            self.value = self.value[part]


def _label_fits(label: str, option: Shape) -> bool:
    """Whether pydantic's label of a union member means an alternative."""
    starts: tuple[str, ...] = ("",)
    match option:
        case Number():
            starts = ("float", "int", "constrained-float", "constrained-int")
        case Text():
            starts = ("str", "literal", "constrained-str")
        case Flag():
            starts = ("bool",)
        case Items():
            starts = ("tuple", "list", "set", "frozenset")
        case Names():
            starts = ("dict",)
        case Record(model=model):
            starts = (model.__name__,)
    # Validators wrap the label: function-after[check(), float].
    return label.startswith(starts) or (label.startswith("function-") and any(start in label for start in starts))


def _message(error: Any, found: _Place, path: TreePath) -> tuple[TreePath, str, str]:
    """Path, message and hint for one pydantic error."""
    kind, context, value, shape = error["type"], error.get("ctx", {}), error["input"], found.shape
    match kind:
        case "greater_than" | "greater_than_equal" | "less_than" | "less_than_equal":
            return path, *_out_of_range(kind, context, value, found)
        case "literal_error" if isinstance(shape, Text):
            return path, f"unknown value {shown(value)}", did_you_mean(str(value), shape.choices)
        case "union_tag_invalid" if isinstance(shape, Tagged):
            inner = (*path, shape.discriminator)
            given = value.get(shape.discriminator) if isinstance(value, dict) else value
            return inner, f"unknown {shape.discriminator} {shown(given)}", did_you_mean(str(given), shape.tags)
        case "union_tag_not_found" if isinstance(shape, Tagged):
            if isinstance(value, dict):
                return (*path, shape.discriminator), "is missing", f"one of {listed(shape.tags)}"
            return path, f"expected {describe(shape)}, got {shown(value)}", _hint_on_nothing(value)
        case "value_error" | "assertion_error":
            return path, str(context.get("error", error["msg"])), ""
        case "int_from_float":
            return path, f"expected a whole number, got {shown(value)}", ""
        case "too_short" | "string_too_short":
            least = context.get("min_length", 1)
            return path, "must not be empty" if least == 1 else f"needs at least {least} entries", ""
    if kind.endswith(("_type", "_parsing")) and not isinstance(shape, Anything):
        hint = _hint_on_nothing(value)
        if isinstance(shape, Text) and isinstance(value, (int, float)):
            hint = "put it in quotes if it is a text"
        return path, f"expected {describe(shape, found.unit)}, got {shown(value)}", hint
    message = error["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    return path, f"expected {message}, got {shown(value)}", ""


def _hint_on_nothing(value: Any) -> str:
    return "indent what belongs to it below the key, or remove the key" if value is None else ""


_RELATIONS = {
    "greater_than": ("gt", "is not above"),
    "greater_than_equal": ("ge", "is below"),
    "less_than": ("lt", "is not below"),
    "less_than_equal": ("le", "is above"),
}


def _out_of_range(kind: str, context: dict[str, Any], value: Any, found: _Place) -> tuple[str, str]:
    """Message and hint for a number outside its bounds; the hint names the unit in which it would make sense."""
    name, relation = _RELATIONS[kind]
    unit = found.unit
    message = f"{grouped(value)} {unit}".strip() + f" {relation} {grouped(context[name])}"
    if not isinstance(found.shape, Number) or found.shape.integer or value <= 0:
        return message, ""
    for other in same_dimension(unit):
        try:
            meant = convert(value, other, unit)
        except UnitError:
            continue
        if found.shape.admits(meant):
            return message, f"did you mean {other} ({grouped(meant)} {unit}".rstrip() + ")?"
    return message, ""


def _hint_on_unknown(found: _Place) -> tuple[str, str]:
    """Hint for an unknown key, and the field that was probably meant."""
    if found.record is None:
        return "", ""
    key = str(found.path[-1])
    known = list(found.record.fields)
    meant = closest(key, known)
    if found.choice is not None:
        owners = [tag for tag, record in found.choice.records if record.slot(key) is not None]
        if owners:
            own = next((tag for tag, record in found.choice.records if record is found.record), "")
            word = found.choice.discriminator
            return f"it belongs to {word} {' or '.join(owners)}, and this is {word} {own}", ""
    stem = split_name(key)[0]
    relative = next((name for name in known if split_name(name)[0] == stem), "")
    if relative and split_name(relative)[1] is not None:
        return f"did you mean '{relative}'? {split_name(key)[1]} does not convert to it", relative
    return did_you_mean(key, known), meant


def _hint_on_missing(resolved: Resolved, path: TreePath) -> str:
    old = resolved.replaced.get(path[:-1])
    if old is None:
        return ""
    return f"what stood here before (see {old}) is replaced as a whole, so its keys must be given again"
