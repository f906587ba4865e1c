"""Step cards: what each step models, with its parameters and columns, taken from the step's own source."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from cellfab.config.schema import attribute_docs
from cellfab.config.spec import Ramped, Within
from cellfab.core.columns import COLUMNS
from cellfab.errors import UsageError
from cellfab.steps.base import Step
from cellfab.steps.registry import registry

SECTIONS = ("What it models", "Equations", "Range", "Rows", "Left out")
"""What the text of every step's module says, in this order."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a step, as texts: default ("start -> mature" if it ramps), range, meaning and source."""

    name: str
    default: str
    range: str
    text: str


@dataclass(frozen=True, slots=True)
class StepCard:
    """All that is written about one step.

    Attributes
    ----------
    name, summary : str
    sections : mapping of str to str
        `SECTIONS` and any others that the module has.
    parameters : tuple of Parameter
    reads, writes : tuple of (column, unit, meaning)
    """

    name: str
    summary: str
    sections: Mapping[str, str]
    parameters: tuple[Parameter, ...]
    reads: tuple[tuple[str, str, str], ...]
    writes: tuple[tuple[str, str, str], ...]


def step_cards(names: Iterable[str] = ()) -> tuple[StepCard, ...]:
    """Cards of the named steps, or of all.

    Raises
    ------
    UsageError
        If there is no such step.
    """
    from cellfab.config.problems import did_you_mean

    known = registry()
    for name in names:
        if name not in known:
            raise UsageError(f"there is no step '{name}'; {did_you_mean(name, known) or 'see: cellfab steps'}")
    return tuple(_card(known[name]) for name in (tuple(names) or known))


def overview(cards: Iterable[StepCard]) -> str:
    """One line per step."""
    found = tuple(cards)
    width = max(len(card.name) for card in found)
    return "\n".join(f"{card.name:{width}}  {card.summary}" for card in found)


def page(cards: Iterable[StepCard]) -> str:
    """The page of the documentation, in Markdown."""
    return "\n".join(("# Steps\n", _PREFACE, *map(markdown, cards)))


_PREFACE = """Made by `cellfab steps --page` from the text of each step's own file in `src/cellfab/steps/`.

A parameter that ramps is given as its value on day one and once mature. A source that reads *assumption* is an
engineering estimate: replace it with your line's figure.
"""


def _card(step: type[Step]) -> StepCard:
    text = inspect.cleandoc(sys.modules[step.__module__].__doc__ or "")
    summary, _, rest = text.partition("\n\n")
    documents = attribute_docs(step.Params)
    fields = step.Params.model_fields.items()
    return StepCard(
        name=step.name,
        summary=_sentence(summary),
        sections=dict(_sections(rest)),
        parameters=tuple(_parameter(name, field, documents.get(name, "")) for name, field in fields),
        reads=_columns(step.reads),
        writes=_columns(step.writes),
    )


def _sentence(summary: str) -> str:
    """The module's first line without the name it begins with."""
    text = " ".join(summary.split())
    said = text.partition(": ")[2] or text
    return said[:1].upper() + said[1:]


def _sections(text: str) -> Iterator[tuple[str, str]]:
    for match in re.finditer(r"^(\S.*)\n((?:[ \t]+.*\n?|\n)+)", text, re.MULTILINE):
        yield match[1].strip(), " ".join(match[2].split())


def _columns(names: Iterable[str]) -> tuple[tuple[str, str, str], ...]:
    return tuple((name, COLUMNS[name].unit, COLUMNS[name].text) for name in dict.fromkeys(names))


def _parameter(name: str, field: FieldInfo, text: str) -> Parameter:
    return Parameter(name, _default(field), _range(field), " ".join(text.split()))


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is PydanticUndefined:
        return "required"
    if isinstance(value, Ramped):
        return f"{value.start:g} -> {value.mature:g}"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value) if value != "" else "-"


def _range(field: FieldInfo) -> str:
    low = high = ""
    for rule in field.metadata:
        match rule:
            case Within():
                low, high = f"from {rule.low:g}", f"to {rule.high:g}"
            case Gt():
                low = f"above {rule.gt:g}"
            case Ge():
                low = f"from {rule.ge:g}"
            case Lt():
                high = f"below {rule.lt:g}"
            case Le():
                high = f"to {rule.le:g}"
    return " ".join(part for part in (low, high) if part)


def markdown(card: StepCard) -> str:
    """One card in Markdown."""
    lines = [f"## {card.name}", "", card.summary, ""]
    for heading, text in card.sections.items():
        lines += [f"**{heading}.** {text}", ""]
    lines += _table(
        ("parameter", "default", "range", "meaning and source"),
        [(f"`{one.name}`", one.default, one.range, one.text) for one in card.parameters],
    )
    for title, columns in (("reads", card.reads), ("writes", card.writes)):
        lines += _table((f"{title} column", "unit", "meaning"), [(f"`{name}`", *rest) for name, *rest in columns])
    return "\n".join(lines)


def _table(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    if not rows:
        return []
    lines = [headings, ("---",) * len(headings), *rows]
    return [*("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines), ""]
