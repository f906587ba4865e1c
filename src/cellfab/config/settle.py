"""Quantities to numbers, guided by what a model expects.

A field's unit stands in its name. A value may still be written in another unit of the same kind: as a quoted quantity
(`speed_m_per_min: "1 m/s"`), or under a key with another suffix (`mean_h: 2` for `mean_s`, `share_percent: 3` for
`share`). Where a law of durations is expected, a quantity is a fixed duration (`cycle: "1.5 s"`, `cycle_s: 1.5`).
After settling, every number is in its field's unit under its field's own name, and its origin has moved along.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from cellfab.config.merge import SOURCED_KEYS
from cellfab.config.problems import Problem, did_you_mean
from cellfab.config.resolved import Origin, Resolved
from cellfab.config.schedule import key_problems
from cellfab.config.shape import (
    Anything,
    Choice,
    Flag,
    Items,
    Names,
    Number,
    Periods,
    Record,
    Shape,
    Slot,
    Tagged,
    holds_numbers,
)
from cellfab.config.tree_path import TreePath, dotted
from cellfab.config.value_law import KEYS, PURE, LawError, ValueLaw, value_law
from cellfab.units import NUMBER, UNITS, Unit, UnitError, convert, parse_quantity, split_name

_SECONDS = UNITS["s"]


class Scale(NamedTuple):
    """The unit that a field is in, and the unit in which a bare number below its key is written."""

    field: Unit
    written: Unit


@dataclass
class Settler:
    """Settles parts of one configuration; `problems` collects what cannot be."""

    resolved: Resolved
    problems: list[Problem] = field(default_factory=list)
    wrong: set[TreePath] = field(default_factory=set)
    """Paths that have a problem here, so that nothing more need be said about them."""

    def settle(self, value: Any, shape: Shape, path: TreePath, scale: Scale | None = None) -> Any:
        """The settled value of a path; values of the wrong kind are left to the model, which refuses them."""
        scale = scale or Scale(NUMBER, NUMBER)
        match shape:
            case Number():
                return self._number(value, shape, path, scale)
            case Flag():
                return self._flag(value, path)
            case Record() if isinstance(value, dict):
                return self._record(value, shape, path, scale)
            case Tagged():
                return self._tagged(value, shape, path, scale)
            case Periods(values=values) if isinstance(value, dict):
                self._report_periods(value, path)
                return {name: self.settle(child, values, (*path, name), scale) for name, child in value.items()}
            case Names(values=values) if isinstance(value, dict):
                return {name: self._named(child, values, (*path, name), value, scale) for name, child in value.items()}
            case Items(values=values) if isinstance(value, list):
                return [self.settle(child, values, (*path, number), scale) for number, child in enumerate(value)]
            case Choice() if value is not None:
                option = shape.option(value)
                if option is None:
                    self.wrong_kind(path, value, shape, scale)
                    return value
                return self.settle(value, option, path, scale)
        return value

    def report(self, path: TreePath, message: str, hint: str = "", *, key: bool | None = None) -> None:
        """Note a problem; the first one about a path counts."""
        if path not in self.wrong:
            self.wrong.add(path)
            self.problems.append(self.resolved.problem(path, message, hint, key=key))

    def wrong_kind(self, path: TreePath, value: Any, shape: Shape, scale: Scale) -> None:
        """Report a value that is not of the kind a place needs."""
        wanted = describe(shape, scale.field)
        self.report(path, f"expected {wanted}, got {shown(value)}", _hint_on_kind(value, shape, scale.field))

    def _number(self, value: Any, shape: Number, path: TreePath, scale: Scale) -> Any:
        if value is None:
            return value
        settled: Any = value
        try:
            if isinstance(value, str):
                quantity = parse_quantity(value)
                if quantity is None:
                    self.wrong_kind(path, value, shape, scale)
                    return value
                settled = quantity.to(scale.field)
            elif isinstance(value, bool) or not isinstance(value, (int, float)):
                self.wrong_kind(path, value, shape, scale)
                return value
            elif scale.written != scale.field:
                settled = convert(value, scale.written, scale.field)
            if shape.integer and isinstance(settled, float) and settled.is_integer():
                settled = int(settled)
            note = self.resolved.notes.get(path)
            if note is not None:
                self._settle_note(path, settled, shape, scale)
        except UnitError as error:
            wanted = describe(shape, scale.field)
            self.report(path, f"expected {wanted}, got {shown(value)}: {error}", error.hint)
            return value
        return settled

    def _settle_note(self, path: TreePath, value: Any, shape: Number, scale: Scale) -> None:
        note = self.resolved.notes[path]
        ends = {}
        for name in ("low", "high"):
            end = getattr(note, name)
            ends[name] = None if end is None else self._note_number(path, name, end, scale)
        low, high = ends["low"], ends["high"]
        if path in self.wrong:
            return
        if low is not None and high is not None and low > high:
            self._report_note(path, "low", f"low ({low:g}) is above high ({high:g})")
        elif (low is not None and low > value) or (high is not None and high < value):
            end = f"low {low:g}" if low is not None and low > value else f"high {high:g}"
            self.report(path, f"the value {value:g} lies outside its own range ({end})")
        for name, end in ends.items():
            if end is not None and shape.admits(value) and not shape.admits(end):
                self._report_note(path, name, f"{name} {end:g} is not possible: {_bounds_in_words(shape, scale.field)}")
        law = note.distribution
        if isinstance(law, (str, dict)) and path not in self.wrong:
            law = self._law(path, law, value, ends, shape, scale)
        self.resolved.notes[path] = replace(note, value=value, low=low, high=high, distribution=law)

    def _note_number(self, path: TreePath, key: str, given: Any, scale: Scale) -> float:
        """A number beside a value, in the field's unit; 0 where there is none, which is reported."""
        if isinstance(given, str):
            quantity = parse_quantity(given)
            if quantity is not None:
                return quantity.to(scale.field)
        elif isinstance(given, (int, float)) and not isinstance(given, bool):
            return convert(given, scale.written, scale.field) if scale.written != scale.field else given
        self._report_note(path, key, f"'{key.rpartition('.')[2]}' must be a number, got {shown(given)}")
        return 0.0

    def _law(
        self, path: TreePath, written: str | dict[str, Any], value: float, ends: dict[str, Any], shape: Number,
        scale: Scale,
    ) -> ValueLaw | None:  # fmt: skip
        """The law of a value; None where it is no law, which is reported."""
        keys = {"law": written} if isinstance(written, str) else written
        numbers = {name: end for name, end in ends.items() if end is not None}
        values: list[float] = []
        for name, given in keys.items():
            if name == "law":
                continue
            place = f"distribution.{name}"
            if name not in KEYS:
                self._report_note(path, place, f"unknown key '{name}' of a law", did_you_mean(name, KEYS))
            elif name == "values":
                if not isinstance(given, list) or not given:
                    self._report_note(path, place, "expected a list of numbers")
                    continue
                values = [self._note_number(path, place, one, scale) for one in given]
            else:
                numbers[name] = self._note_number(path, place, given, Scale(NUMBER, NUMBER) if name in PURE else scale)
        if path in self.wrong:
            return None
        if not isinstance(keys.get("law"), str):
            self._report_note(path, "distribution", "'law' is missing", "such as {law: normal, sd: 0.5}")
            return None
        given_keys = [name for name in keys if name != "law"]
        try:
            law = value_law(keys["law"], numbers, value, values=values, given=given_keys)
        except LawError as error:
            key = f"distribution.{error.key}" if error.key in keys and isinstance(written, dict) else "distribution"
            self._report_note(path, key, str(error), error.hint)
            return None
        for end in (law.low, law.high):
            if shape.admits(value) and not shape.admits(end):
                reach = f"the {law.law} law reaches from {law.low:g} to {law.high:g}"
                hint = "cut it with low and high" if law.law in ("normal", "lognormal") else ""
                self._report_note(path, "distribution", f"{reach}: {_bounds_in_words(shape, scale.field)}", hint)
        return law

    def _report_note(self, path: TreePath, key: str, message: str, hint: str = "") -> None:
        """Report a problem with something beside a value, where it was written."""
        place = self.resolved.notes[path].places.get(key)
        if path not in self.wrong:
            self.wrong.add(path)
            where = dotted((*path, *key.split(".")))
            self.problems.append(Problem(place or self.resolved.location(path), where, message, hint))

    def _flag(self, value: Any, path: TreePath) -> Any:
        if value is not None and not isinstance(value, bool):
            meant = {"yes": "true", "on": "true", "no": "false", "off": "false"}.get(str(value).lower(), "")
            self.report(path, f"expected true or false, got {shown(value)}", f"did you mean {meant}?" if meant else "")
        return value

    def _named(self, value: Any, shape: Shape, path: TreePath, siblings: dict[str, Any], scale: Scale) -> Any:
        if path in self.resolved.created and not _judged_later(shape):
            name = str(path[-1])
            known = [other for other in siblings if (*path[:-1], other) not in self.resolved.created]
            hint = did_you_mean(name, known)
            if not hint.startswith("did"):
                hint = f"{hint}; " if hint else ""
                hint += "--set changes what is there: add a name in a file that extends this one"
            self.wrong.add(path)
            problem = Problem(self.resolved.created[path], dotted(path), f"there is no '{name}' to set", hint)
            self.problems.append(problem)
            return value
        return self.settle(value, shape, path, scale)

    def _report_periods(self, value: dict[str, Any], path: TreePath) -> None:
        for key, message, other in key_problems(value):
            hint = ""
            if other is not None:
                hint = f"'{other}' stands at {self.resolved.location((*path, other), key=True)}"
            self.report((*path, key), message, hint, key=True)
            self.wrong.add(path)

    def _tagged(self, value: Any, shape: Tagged, path: TreePath, scale: Scale) -> Any:
        if shape.discriminator == "law" and not isinstance(value, dict) and value is not None:
            return self._fixed_duration(value, shape, path, scale)
        record = shape.record(value)
        return value if record is None else self._record(value, record, path, Scale(NUMBER, NUMBER))

    def _fixed_duration(self, value: Any, shape: Tagged, path: TreePath, scale: Scale) -> Any:
        """A quantity (or, under a key with a suffix, a number) where a law is expected."""
        bare = isinstance(value, (int, float)) and not isinstance(value, bool)
        starts_like_number = isinstance(value, str) and re.match(r"\s*[-+.]?[0-9]", value)
        if not starts_like_number and not (bare and scale.written != NUMBER):
            self.wrong_kind(path, value, shape, scale)
            return value
        inner: TreePath = (*path, "value_s")
        written = scale.written if bare else _SECONDS
        seconds = self._number(value, Number(False), path, Scale(_SECONDS, written))
        if path in self.wrong:
            return value
        origin = self.resolved.origins.get(path)
        if origin is not None:
            self.resolved.origins[inner] = origin
            self.resolved.origins[(*path, "law")] = Origin(origin.key, origin.value)
        if path in self.resolved.notes:
            self.resolved.notes[inner] = self.resolved.notes.pop(path)
        return {"law": "deterministic", "value_s": seconds}

    def _record(self, value: dict[str, Any], shape: Record, path: TreePath, scale: Scale) -> dict[str, Any]:
        settled: dict[str, Any] = {}
        for key, child in self._one_key_per_field(value, shape, path):
            slot = shape.slot(key)
            if slot is not None:
                unit = slot.unit or scale.field
                inner = Scale(unit, unit) if slot.unit is not None else scale
                settled[key] = self.settle(child, slot.shape, (*path, key), inner)
                continue
            slot = _field_in_another_unit(key, shape)
            if slot is None:
                settled[key] = child
                continue
            written = split_name(key)[1] or NUMBER
            new = (*path, slot.key)
            self.resolved.move((*path, key), new, child)
            inner = Scale(slot.unit or NUMBER, written)
            settled[slot.key] = self.settle(child, slot.shape, new, inner)
        return settled

    def _one_key_per_field(self, value: dict[str, Any], shape: Record, path: TreePath) -> list[tuple[str, Any]]:
        """The items of a mapping; of two keys that mean one field, the one from the higher layer."""
        winners: dict[str, str] = {}
        for key in value:
            slot = shape.slot(key) or _field_in_another_unit(key, shape)
            meant = slot.key if slot is not None else key
            other = winners.setdefault(meant, key)
            if other == key:
                continue
            here, there = self.resolved.rank((*path, key)), self.resolved.rank((*path, other))
            if here == there:
                first = self.resolved.location((*path, other), key=True)
                self.report((*path, key), f"'{other}' in line {first.line} and '{key}' say the same thing", key=True)
            elif here > there:
                winners[meant] = key
        kept = set(winners.values())
        for key in value.keys() - kept:
            self.resolved.notes.pop((*path, key), None)
        return [(key, child) for key, child in value.items() if key in kept]


def _judged_later(shape: Shape) -> bool:
    """Whether another model will say which names there are, as a step does about its parameters."""
    while isinstance(shape, Names):
        shape = shape.values
    return isinstance(shape, Anything)


def _field_in_another_unit(key: str, shape: Record) -> Slot | None:
    """The field that a key with another unit suffix means: `mean_h` -> `mean_s`, `cycle_s` -> the law `cycle`."""
    stem, unit = split_name(key)
    if unit is None:
        return None
    for slot in shape.fields.values():
        slot_stem, slot_unit = split_name(slot.key)
        if slot_unit is not None:
            if slot_stem == stem and slot_unit.dimension == unit.dimension and holds_numbers(slot.shape):
                return slot
        elif slot.key == stem:
            if isinstance(slot.shape, Tagged) and slot.shape.discriminator == "law":
                return slot if unit.dimension == _SECONDS.dimension else None
            return slot if unit.dimension == () and holds_numbers(slot.shape) else None
    return None


_KIND_NAMES = {
    "Text": "text", "Flag": "true or false", "Names": "a mapping", "Periods": "numbers by period",
    "Record": "a mapping", "Items": "a list",
}  # fmt: skip


def describe(shape: Shape, unit: Unit = NUMBER) -> str:
    """What a place needs, in words: "a number in m/min"."""
    match shape:
        case Number(integer=integer):
            noun = "a whole number" if integer else "a number"
            return f"{noun} in {unit}" if unit.symbol else noun
        case Tagged(discriminator="law"):
            return 'a law such as {law: exponential, mean_s: 60}, or a duration such as "1.5 s"'
        case Tagged(discriminator=discriminator):
            return f"a mapping with '{discriminator}'"
        case Choice(options=options):
            return " or ".join(dict.fromkeys(describe(option, unit) for option in options))
        case Anything():
            return "something else"
    return _KIND_NAMES[type(shape).__name__]


def _bounds_in_words(shape: Number, unit: Unit) -> str:
    """What a field's bounds ask for."""
    words = []
    if shape.low is not None:
        words.append(f"{'at least' if shape.low[1] else 'above'} {grouped(shape.low[0])}")
    if shape.high is not None:
        words.append(f"{'at most' if shape.high[1] else 'below'} {grouped(shape.high[0])}")
    return f"the value must be {' and '.join(words)} {unit}".rstrip()


def shown(value: Any) -> str:
    """A value as messages show it."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"'{value}'" if len(value) <= 60 else f"'{value[:57]}...'"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    return grouped(value)


def grouped(value: float) -> str:
    """A number with its thousands apart: 80 000."""
    if isinstance(value, int) or (float(value).is_integer() and abs(value) < 1e15):
        return f"{int(value):,}".replace(",", " ") if abs(value) >= 1000 else str(int(value))
    return f"{value:.12g}"


def _hint_on_kind(value: Any, shape: Shape, unit: Unit) -> str:
    """What to write instead of a value of the wrong kind."""
    if isinstance(value, dict) and "value" in value:
        stray = next((name for name in value if name not in SOURCED_KEYS), "")
        return f"unknown key '{stray}' beside 'value': {did_you_mean(stray, sorted(SOURCED_KEYS))}"
    if isinstance(value, dict) and value and value.keys() <= SOURCED_KEYS:
        return "add 'value'"
    if isinstance(value, (int, float)) and not isinstance(value, bool) and isinstance(shape, Tagged):
        return f'write the unit: "{grouped(value)} s" or "{grouped(value)} min"' if shape.discriminator == "law" else ""
    if isinstance(value, str):
        text = value.strip()
        if re.fullmatch(r"[-+]?[0-9.]+([eE][-+]?[0-9]+)?", text):
            return "remove the quotes"
        apart = re.fullmatch(r"([-+]?[0-9]{1,3}(?:[_ ,'][0-9]{3})+(?:\.[0-9]+)?)(\s*[^0-9].*)?", text)
        if apart:
            return f"write {re.sub('[^-+0-9.]', '', apart[1])}{apart[2] or ''}, without separators"
        if re.fullmatch(r"[-+]?[0-9]+,[0-9]+(\s*[^0-9,].*)?", text):
            return f"write {text.replace(',', '.')}, with a decimal point"
    return ""
