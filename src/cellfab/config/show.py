"""A merged configuration as text: what each value is, and which file, line or option set it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cellfab.config.resolved import Resolved
from cellfab.config.scalars import ScalarError, plain_scalar
from cellfab.config.tree_path import TreePath, dotted
from cellfab.config.value_law import ValueLaw, plain

_WIDEST = 88
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}


def render(resolved: Resolved, *, origin: bool = False) -> str:
    """The configuration as text.

    Parameters
    ----------
    resolved : Resolved
        The configuration; quantities are shown as settled if it has been validated.
    origin : bool
        One line per value, `path = value  # file:line`, instead of YAML.
    """
    if not origin:
        return to_yaml(resolved.tree)
    rows = [(f"{dotted(path)} = {_inline(value)}", _where(resolved, path)) for path, value in leaves(resolved.tree)]
    width = min(max((len(text) for text, _ in rows), default=0), _WIDEST)
    return "\n".join(f"{text:<{width}}  # {where}" for text, where in rows)


def render_json(resolved: Resolved) -> dict[str, Any]:
    """The configuration for programs: values with origins, notes and the files read."""
    values = {}
    for path, value in leaves(resolved.tree):
        entry: dict[str, Any] = {"value": value, "origin": _where(resolved, path)}
        note = resolved.notes.get(path)
        if note is not None:
            entry |= {"low": note.low, "high": note.high, "source": note.source}
            if isinstance(note.distribution, ValueLaw):
                entry["distribution"] = plain(note.distribution)
        values[dotted(path)] = entry
    return {"schema_version": 1, "files": [str(file) for file in resolved.files], "values": values}


def leaves(tree: Any, path: TreePath = ()) -> Iterator[tuple[TreePath, Any]]:
    """Paths and values of everything that is not a mapping with something in it; a list is one value."""
    if isinstance(tree, dict) and tree:
        for name, value in tree.items():
            yield from leaves(value, (*path, name))
    else:
        yield path, tree


def _where(resolved: Resolved, path: TreePath) -> str:
    location = resolved.location(path)
    if location.source.name == "--set":
        return f"--set {location.source.text}"
    text = f"{location.source.name}:{location.line}"
    note = resolved.notes.get(path)
    return f"{text} ({note.source})" if note is not None and note.source else text


def to_yaml(tree: Any) -> str:
    """Plain values as YAML that reads back as the same values."""
    return "\n".join(_lines(tree, 0)) + "\n" if tree else "{}\n"


def _lines(tree: dict[str, Any], depth: int) -> Iterator[str]:
    indent = "  " * depth
    for name, value in tree.items():
        if isinstance(value, dict) and value and not _is_short(value):
            yield f"{indent}{_key(name)}:"
            yield from _lines(value, depth + 1)
        else:
            yield f"{indent}{_key(name)}: {_inline(value)}"


def _is_short(value: dict[str, Any]) -> bool:
    """Whether a mapping of plain values fits on the line of its key, as laws of durations do."""
    plain = not any(isinstance(child, (dict, list)) for child in value.values())
    return plain and "law" in value and len(_inline(value)) <= _WIDEST


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(name)}: {_inline(child)}" for name, child in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return _text(value) if isinstance(value, str) else _number(value)


def _number(value: float) -> str:
    """As Python writes it, but 4.0e-06 for 4e-06, which readers of YAML 1.1 take for a text."""
    mantissa, exponent, power = repr(value).partition("e")
    return f"{mantissa}.0e{power}" if exponent and "." not in mantissa else repr(value)


def _key(name: str) -> str:
    return name if _is_plain_text(name) or name.isalnum() else _quoted(name)


def _text(value: str) -> str:
    return value if _is_plain_text(value) else _quoted(value)


def _quoted(text: str) -> str:
    return '"' + "".join(_ESCAPES.get(letter) or _escaped(letter) for letter in text) + '"'


def _escaped(letter: str) -> str:
    if letter.isprintable():
        return letter
    code = ord(letter)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _is_plain_text(text: str) -> bool:
    """Whether a text needs no quotes: words of letters, digits and harmless signs that do not read as a number."""
    letters = text.replace(" ", "").replace("_", "").replace("-", "").replace("/", "").replace(".", "")
    if not letters.isalnum() or not letters.isascii() or text != text.strip() or not (text[0].isalnum()):
        return False
    try:
        return bool(plain_scalar(text) == text)
    except ScalarError:
        return False
