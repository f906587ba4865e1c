"""What a pydantic model expects at each place, in the few words that units, errors and schemas need."""

from __future__ import annotations

import types
from collections.abc import Mapping as AbstractMapping
from collections.abc import Sequence as AbstractSequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from cellfab.config.schedule import Schedule, Values
from cellfab.config.spec import Within
from cellfab.units import Unit, split_name


@dataclass(frozen=True)
class Number:
    """A number; bounds are (limit, included) or None."""

    integer: bool
    low: tuple[float, bool] | None = None
    high: tuple[float, bool] | None = None

    def admits(self, value: float) -> bool:
        """Whether a value lies within the bounds."""
        if self.low is not None and not (value > self.low[0] or (self.low[1] and value == self.low[0])):
            return False
        return self.high is None or value < self.high[0] or (self.high[1] and value == self.high[0])


@dataclass(frozen=True)
class Flag:
    """True or false."""


@dataclass(frozen=True)
class Text:
    """A text; `choices` if only some are allowed."""

    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Names:
    """A mapping from names that the user chooses, with at least `least` of them."""

    values: Shape
    least: int = 0


@dataclass(frozen=True)
class Periods(Names):
    """A mapping from periods to numbers: what a `Schedule` is when it is not a plain number."""


@dataclass(frozen=True)
class Items:
    """A list of at least `least` items."""

    values: Shape
    least: int = 0


@dataclass(frozen=True)
class Anything:
    """Not described here: validated by whoever knows more, or a type of its own such as a date."""


@dataclass(frozen=True)
class Record:
    """The fields of a model, by the key that a file uses."""

    model: type[BaseModel]

    @cached_property
    def fields(self) -> dict[str, Slot]:
        """Fields by key (the alias where there is one)."""
        return {
            (info.alias or name): Slot(
                info.alias or name,
                name,
                _shape(info.annotation, _discriminator(info), info.metadata),
                info.is_required(),
                type(None) in get_args(info.annotation),
                split_name(info.alias or name)[1],
            )
            for name, info in self.model.model_fields.items()
        }

    def slot(self, key: str) -> Slot | None:
        """The field that a key means, by alias or by name."""
        found = self.fields.get(key)
        if found is None and self.model.model_config.get("populate_by_name"):
            found = next((slot for slot in self.fields.values() if slot.name == key), None)
        return found


@dataclass(frozen=True)
class Slot:
    """One field: its key in files, its name in Python, what it holds, and the unit in its name."""

    key: str
    name: str
    shape: Shape
    required: bool
    nullable: bool
    unit: Unit | None


@dataclass(frozen=True)
class Tagged:
    """One of several models, chosen by the value of one key."""

    discriminator: str
    records: tuple[tuple[str, Record], ...]

    @property
    def tags(self) -> list[str]:
        """The values that can be chosen."""
        return [tag for tag, _ in self.records]

    def record(self, value: Any) -> Record | None:
        """The model that a mapping chooses; None if it chooses none."""
        tag = value.get(self.discriminator) if isinstance(value, dict) else None
        return next((record for name, record in self.records if name == tag), None)


@dataclass(frozen=True)
class Choice:
    """One of several shapes, told apart by what is written: a number, a text, a list or a mapping."""

    options: tuple[Shape, ...]

    def option(self, value: Any) -> Shape | None:
        """The alternative that a value belongs to; None if to none."""
        for option in self.options:
            if isinstance(option, Anything) or isinstance(value, _WRITTEN_AS[type(option)]):
                is_flag = isinstance(value, bool)
                if isinstance(option, Anything) or is_flag == isinstance(option, Flag):
                    return option
        # A text may be a quantity.
        return next((option for option in self.options if isinstance(option, Number) and isinstance(value, str)), None)


Shape = Number | Flag | Text | Names | Items | Anything | Record | Tagged | Choice
_WRITTEN_AS: dict[type, type | tuple[type, ...]] = {
    Number: (int, float),
    Flag: bool,
    Text: str,
    Names: dict,
    Periods: dict,
    Record: dict,
    Tagged: dict,
    Items: list,
}


@lru_cache(maxsize=1024)
def record_of(model: type[BaseModel]) -> Record:
    """The shape of a model."""
    return Record(model)


def holds_numbers(shape: Shape) -> bool:
    """Whether a unit in a field's name means something: the field holds numbers, directly or in lists and mappings."""
    match shape:
        case Number():
            return True
        case Names(values=values) | Items(values=values):
            return holds_numbers(values)
        case Choice(options=options):
            return any(holds_numbers(option) for option in options)
        case _:
            return False


def _discriminator(info: FieldInfo) -> str | None:
    found = info.discriminator
    return found if isinstance(found, str) or found is None else str(getattr(found, "discriminator", "")) or None


def _shape(annotation: Any, discriminator: str | None, metadata: AbstractSequence[Any] = ()) -> Shape:
    """The shape of a type annotation."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        inner, *extra = arguments
        for item in extra:
            if isinstance(item, FieldInfo):
                discriminator = _discriminator(item) or discriminator
                metadata = [*metadata, *item.metadata]
            else:
                metadata = [*metadata, item]
        return _shape(inner, discriminator, metadata)
    if origin in (Union, types.UnionType):
        return _union([one for one in arguments if one is not type(None)], discriminator, metadata)
    if origin is Literal:
        return Text(tuple(map(str, arguments))) if all(isinstance(one, str) for one in arguments) else Anything()
    if annotation is bool:
        return Flag()
    if annotation in (int, float):
        return _number(annotation is int, metadata)
    if annotation is Schedule:
        number = next((_shape(item.number, None) for item in metadata if isinstance(item, Values)), Number(False))
        return Choice((number, Periods(number, 1)))
    if annotation is str:
        return Text()
    if isinstance(annotation, type) and origin is None and issubclass(annotation, BaseModel):
        return record_of(annotation)
    if origin in (dict, AbstractMapping):
        return Names(_shape(arguments[1], None), _least(metadata))
    if origin in (list, tuple, set, frozenset, AbstractSequence):
        alike = len({*arguments} - {Ellipsis}) == 1
        return Items(_shape(arguments[0], None), _least(metadata)) if alike else Anything()
    return Anything()


def _union(members: list[Any], discriminator: str | None, metadata: AbstractSequence[Any]) -> Shape:
    ranges = [item for item in metadata if isinstance(item, Within)]
    shapes = [_shape(member, None, metadata if len(members) == 1 else ranges) for member in members]
    if len(shapes) == 1:
        return shapes[0] if discriminator is None else _shape(members[0], discriminator, metadata)
    if discriminator is None:
        return Choice(tuple(shapes))
    return Tagged(
        discriminator,
        tuple((tag, shape) for shape in shapes if isinstance(shape, Record) for tag in _tags(shape, discriminator)),
    )


def _tags(record: Record, discriminator: str) -> tuple[str, ...]:
    return tuple(map(str, get_args(record.model.model_fields[discriminator].annotation)))


def _least(metadata: AbstractSequence[Any]) -> int:
    return max((item.min_length for item in metadata if isinstance(item, MinLen)), default=0)


def _number(integer: bool, metadata: AbstractSequence[Any]) -> Number:
    low: tuple[float, bool] | None = None
    high: tuple[float, bool] | None = None
    for item in metadata:
        if isinstance(item, (Gt, Ge)):
            low = (item.gt, False) if isinstance(item, Gt) else (item.ge, True)  # type: ignore[assignment]
        elif isinstance(item, (Lt, Le)):
            high = (item.lt, False) if isinstance(item, Lt) else (item.le, True)  # type: ignore[assignment]
        elif isinstance(item, Within):
            low, high = (item.low, True), (item.high, True)
    return Number(integer, low, high)
