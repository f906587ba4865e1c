"""JSON Schema (draft 2020-12) of configuration files, for editors and for other programs.

There are two forms. The full form describes a file that stands alone. The overlay form describes a file that extends
another: nothing is required, every mapping may have `extends`, and null stands where YAML has `!delete`.
"""

from __future__ import annotations

import ast
import datetime
import inspect
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, to_jsonable_python

from cellfab.config.schedule import PERIOD_KEY_PATTERN, Schedule
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
    Text,
    holds_numbers,
    record_of,
)
from cellfab.config.value_law import ENDS_LAWS, KEYS, LAWS, PURE
from cellfab.units import NUMBER, UNITS, Unit, same_dimension, split_name

Schema = dict[str, Any]

_NUMBER_PATTERN = r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?"
_QUANTITY: Schema = {
    "description": 'A quoted quantity, such as "60 m/min"; it is converted to the unit in the key.',
    "type": "string",
    "pattern": rf"^\s*{_NUMBER_PATTERN}\s*[^0-9\s.eE].*$|^\s*{_NUMBER_PATTERN}\s+\S.*$",
}
_BARE = {"anyOf": [{"type": "number"}, {"$ref": "#/$defs/quantity"}]}


_LAW: Schema = {
    "description": "How likely which value is: a law whose ends are low and high, or a law with its numbers.",
    "anyOf": [
        {"enum": list(ENDS_LAWS)},
        {
            "type": "object",
            "properties": {
                "law": {"enum": list(LAWS)},
                **{key: {"type": "number"} if key in PURE else _BARE for key in KEYS if key != "values"},
                "values": {"type": "array", "items": _BARE, "minItems": 1},
            },
            "required": ["law"],
            "additionalProperties": False,
        },
    ],
}


def json_schema(
    model: type[BaseModel], *, overlay: bool = False, params: Mapping[str, type[BaseModel]] | None = None
) -> Schema:
    """The JSON Schema of a model's files.

    Parameters
    ----------
    model : type of pydantic model
        What a whole file describes.
    overlay : bool
        The form for files that extend others.
    params : mapping of str to type of pydantic model, optional
        Models of `params` by step name: wherever a mapping has `step` and `params`, the one decides about the other.
        Nothing is required in them, because a product's recipe may give the rest.

    Returns
    -------
    dict
        JSON-serialisable; numbers also admit quoted quantities and `{value, low, high, distribution, source}`, and keys
        with another unit suffix of the same kind are known.
    """
    writer = _Writer(overlay, dict(params or {}))
    body = writer.record(record_of(model), overlay)
    title = f"{model.__name__} ({'overlay' if overlay else 'full'})"
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        **body,
        "$defs": {**writer.definitions, "quantity": _QUANTITY, "sourced": _sourced(_BARE)},
    }


def _sourced(value: Schema) -> Schema:
    return {
        "description": "A value with its plausible range and where it comes from.",
        "type": "object",
        "properties": {
            "value": value,
            "low": _BARE,
            "high": _BARE,
            "distribution": _LAW,
            "source": {"description": 'A citation, or "assumption: ..."', "type": "string"},
        },
        "required": ["value"],
        "additionalProperties": False,
    }


@dataclass
class _Writer:
    overlay: bool
    params: dict[str, type[BaseModel]]
    definitions: dict[str, Schema] = field(default_factory=dict)

    def reference(self, record: Record, overlay: bool) -> Schema:
        """A reference to a model's definition, which is written when first asked for."""
        owner = record.model.__qualname__
        name = f"{owner}.overlay" if overlay and not self.overlay else owner
        known = self.definitions.get(name)
        if known is not None and known["x-module"] != record.model.__module__:
            name = f"{record.model.__module__}.{name}"
        if name not in self.definitions:
            self.definitions[name] = {"x-module": record.model.__module__}
            self.definitions[name] |= self.record(record, overlay)
        return {"$ref": f"#/$defs/{name}"}

    def record(self, record: Record, overlay: bool) -> Schema:
        documents = attribute_docs(record.model)
        properties: Schema = {}
        patterns: Schema = {}
        needed: list[Schema] = []
        for key, slot in record.fields.items():
            schema = self.slot(slot, record, overlay)
            if slot.name in documents:
                schema["description"] = documents[slot.name]
            properties[key] = schema
            others = _other_names(slot)
            if others:
                stem = split_name(key)[0] or key
                patterns[f"^({'|'.join(others)})$"] = self.other_unit(slot, stem)
            if slot.required and not overlay:
                names = [key, *others]
                needed.append({"anyOf": [{"required": [name]} for name in names]} if others else {"required": [key]})
        result: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
        if record.model.__doc__:
            result["description"] = inspect.cleandoc(record.model.__doc__)
        if overlay:
            properties["extends"] = {
                "description": "Files that this is laid over.",
                "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
            }
        if patterns:
            result["patternProperties"] = patterns
        plain = [name for one in needed for name in one.get("required", ())]
        if plain:
            result["required"] = plain
        conditions = [one for one in needed if "anyOf" in one]
        if {"step", "params"} <= record.fields.keys() and self.params:
            properties["step"] = {**properties["step"], "anyOf": [{"enum": sorted(self.params)}, {"type": "null"}]}
            conditions += [
                _if_then("step", name, {"properties": {"params": self.reference(record_of(model), True)}})
                for name, model in sorted(self.params.items())
            ]
        if conditions:
            result["allOf"] = conditions
        return result

    def slot(self, slot: Slot, record: Record, overlay: bool) -> Schema:
        info = record.model.model_fields[slot.name]
        schema = self.shape(slot.shape, overlay)
        if isinstance(slot.shape, Anything) and info.annotation in (datetime.date, datetime.datetime):
            schema = {"type": "string", "format": "date" if info.annotation is datetime.date else "date-time"}
        if overlay or slot.nullable:
            schema = _or_null(schema)
        if slot.unit is not None:
            schema["x-unit"] = slot.unit.symbol
        if not slot.required and not overlay:
            try:
                default = info.get_default(call_default_factory=True)
                plain = default.plain if isinstance(default, Schedule) else default
                schema["default"] = to_jsonable_python(plain, by_alias=True)
            except (PydanticSerializationError, TypeError):
                schema.pop("default", None)
        return schema

    def other_unit(self, slot: Slot, stem: str) -> Schema:
        """The value under a key with another unit suffix: the same, but its bounds are in another unit."""
        numbers = self.number() if isinstance(slot.shape, Tagged) else self.shape(_unbounded(slot.shape), True)
        return {"description": f"{stem} in another unit; it is converted.", **numbers}

    def number(self) -> Schema:
        return {"anyOf": [*_BARE["anyOf"], {"$ref": "#/$defs/sourced"}]}

    def shape(self, shape: Shape, overlay: bool) -> Schema:
        match shape:
            case Number():
                return {"anyOf": [_bounds(shape), {"$ref": "#/$defs/quantity"}, {"$ref": "#/$defs/sourced"}]}
            case Flag():
                return {"type": "boolean"}
            case Text(choices=choices):
                return {"enum": list(choices)} if choices else {"type": "string"}
            case Periods(values=values, least=least):
                inner = self.shape(values, overlay)
                inner = _or_null(inner) if overlay else inner
                keys: Schema = {"pattern": f"^{PERIOD_KEY_PATTERN}$"}
                schema: Schema = {"type": "object", "propertyNames": keys, "additionalProperties": inner}
                return schema | ({"minProperties": least} if not overlay else {})
            case Names(values=values, least=least):
                inner = self.shape(values, overlay)
                inner = _or_null(inner) if overlay else inner
                schema = {"type": "object", "additionalProperties": inner or True}
                return schema | ({"minProperties": least} if least and not overlay else {})
            case Items(values=values, least=least):
                schema = {"type": "array", "items": self.shape(values, False) or True}
                return schema | ({"minItems": least} if least else {})
            case Record():
                return self.reference(shape, overlay)
            case Tagged():
                return self.tagged(shape, overlay)
            case Choice(options=options):
                schemas = [self.shape(option, overlay) for option in options]
                return {"anyOf": [one for schema in schemas for one in schema.get("anyOf", [schema])]}
        return {}

    def tagged(self, shape: Tagged, overlay: bool) -> Schema:
        """One of several models; an editor that sees the discriminator complains about the right one only."""
        word = shape.discriminator
        first = shape.records[0][1].model.__module__.rsplit(".", 1)[-1]
        name = f"{first}.{word}" + (".overlay" if overlay and not self.overlay else "")
        if name not in self.definitions:
            self.definitions[name] = {}
            mapping: Schema = {
                "type": "object",
                "properties": {word: {"enum": shape.tags}},
                "allOf": [_if_then(word, tag, self.reference(record, overlay)) for tag, record in shape.records],
            }
            if overlay:
                # What is laid over need not repeat the kind: then its keys must be those of one of them.
                any_of_them = {"anyOf": [self.reference(record, overlay) for _, record in shape.records]}
                mapping["allOf"].append({"if": {"not": {"required": [word]}}, "then": any_of_them})
            else:
                mapping["required"] = [word]
            if word == "law":
                mapping = _law(mapping)
            self.definitions[name] = mapping
        return {"$ref": f"#/$defs/{name}"}


def _law(mapping: Schema) -> Schema:
    """A law of durations may also be a quantity, or either of them with a note."""
    without_note = {"if": {"type": "object", "not": {"required": ["value"]}}, "then": mapping}
    with_note = {
        "if": {"type": "object", "required": ["value"]},
        "then": _sourced({"anyOf": [{"$ref": "#/$defs/quantity"}, {"type": "object"}]}),
    }
    as_text = {"if": {"type": "string"}, "then": {"$ref": "#/$defs/quantity"}}
    return {"type": ["object", "string"], "allOf": [without_note, with_note, as_text]}


def _or_null(schema: Schema) -> Schema:
    """Admit null. A condition keeps the complaints about anything else precise, where a choice would hide them."""
    if not schema:
        return schema
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    return {"if": {"not": {"type": "null"}}, "then": schema}


def _if_then(word: str, value: str, then: Schema) -> Schema:
    return {"if": {"properties": {word: {"const": value}}, "required": [word]}, "then": then}


def _bounds(shape: Number) -> Schema:
    schema: Schema = {"type": "integer" if shape.integer else "number"}
    if shape.low is not None:
        schema["minimum" if shape.low[1] else "exclusiveMinimum"] = shape.low[0]
    if shape.high is not None:
        schema["maximum" if shape.high[1] else "exclusiveMaximum"] = shape.high[0]
    return schema


def _unbounded(shape: Shape) -> Shape:
    match shape:
        case Number():
            return Number(False)
        case Periods(values=values, least=least):
            return Periods(_unbounded(values), least)
        case Names(values=values, least=least):
            return Names(_unbounded(values), least)
        case Items(values=values, least=least):
            return Items(_unbounded(values), least)
        case Choice(options=options):
            return Choice(tuple(_unbounded(option) for option in options))
    return shape


def _other_names(slot: Slot) -> list[str]:
    """Keys that mean a field in another unit."""
    if isinstance(slot.shape, Tagged) and slot.shape.discriminator == "law" and slot.unit is None:
        seconds = UNITS["s"]
        return [f"{slot.key}_{unit.suffix}" for unit in (seconds, *same_dimension(seconds))]
    if not holds_numbers(slot.shape) or (isinstance(slot.shape, Number) and slot.shape.integer):
        return []
    unit: Unit = slot.unit or NUMBER
    stem = split_name(slot.key)[0] if slot.unit is not None else slot.key
    return [f"{stem}_{other.suffix}" for other in same_dimension(unit)] if stem else []


def attribute_docs(model: type[BaseModel]) -> dict[str, str]:
    """The texts that stand below a model's fields in its source, inherited ones included."""
    found: dict[str, str] = {}
    for owner in reversed(model.__mro__):
        if owner is BaseModel or not issubclass(owner, BaseModel):
            continue
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(owner)))
        except (OSError, TypeError, SyntaxError):
            continue
        body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
        for statement, after in pairwise(body):
            match statement, after:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    found[name] = inspect.cleandoc(text)
    return found
