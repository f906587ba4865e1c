"""What an unquoted word means: the YAML 1.2 core schema, without what nobody can mean in a configuration."""

from __future__ import annotations

import math
import re
from typing import Any


class ScalarError(ValueError):
    """A plain scalar that would be read differently by different readers, or is no usable number."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_NUMBER_START = frozenset("0123456789+-.")
_LARGEST_INTEGER = 2**63


def plain_scalar(text: str) -> Any:
    """What an unquoted scalar means by the YAML 1.2 core schema.

    Raises
    ------
    ScalarError
        For NaN and infinities (no quantity here may be one), numbers too large, and leading zeros.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_START:
        return text
    if _INTEGER.fullmatch(text) or _BASED.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        if _LEADING_ZERO.match(text):
            raise _leading_zero(text)
        value = float(text)
        if not math.isfinite(value):
            raise ScalarError(f"{text} is too large for a number")
        return value
    if _NOT_FINITE.fullmatch(text):
        hint = "for no limit, leave the key out" if text.lower().endswith("inf") else ""
        raise ScalarError(f"{text} is not a number that can be used here", hint)
    return text


def _integer(text: str) -> int:
    if text[:2] in ("0o", "0x"):
        value = int(text, 0) if len(text) < 40 else _LARGEST_INTEGER
    elif _LEADING_ZERO.match(text):
        raise _leading_zero(text)
    else:
        value = int(text) if len(text) < 40 else _LARGEST_INTEGER
    if abs(value) >= _LARGEST_INTEGER:
        shown = text if len(text) < 40 else text[:37] + "..."
        raise ScalarError(f"{shown} is too large for a whole number")
    return value


def _leading_zero(text: str) -> ScalarError:
    sign = text[0] if text[0] in "+-" else ""
    bare = text.lstrip("+-0") or "0"
    bare = f"0{bare}" if bare[0] in ".eE" else bare
    return ScalarError(
        f"{text} starts with a zero, which some readers take for octal",
        f"write {sign}{bare} for the number, or '{text}' in quotes for a text",
    )
