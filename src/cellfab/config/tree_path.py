"""Addresses inside a configuration: tuples of keys, written with dots."""

from __future__ import annotations

import re

TreePath = tuple[str | int, ...]
"""Keys (and positions in lists) from the root to a value; the root is ()."""

_PART = re.compile(r'"([^"]*)"|([^."=\s][^."=]*)')
_WHOLE = re.compile(rf"(?:{_PART.pattern})(?:\.(?:{_PART.pattern}))*")


def dotted(path: TreePath) -> str:
    """Write a path with dots; a key that holds a dot, a quote or an equals sign is quoted."""
    return ".".join(f'"{part}"' if re.search(r'[."=]', str(part)) else str(part) for part in path)


def parse_path(text: str) -> TreePath:
    """Read a dotted path: "line.stations.weld", or 'prices."2026.1"' with a quoted key.

    Raises
    ------
    ValueError
        If a part is empty or a quote is not closed.
    """
    if not text:
        return ()
    if not _WHOLE.fullmatch(text) or text.count(".") > 100:
        raise ValueError(f"'{text[:80]}' is not a path: names joined by dots, such as line.stations.weld")
    return tuple(part for part, _ in parts_of(text))


def parts_of(text: str) -> list[tuple[str, int]]:
    """The parts of a dotted path with the offset of each."""
    return [(match[1] if match[1] is not None else match[2], match.start()) for match in _PART.finditer(text)]


def as_path(path: str | TreePath) -> TreePath:
    """Accept a path in either form."""
    return parse_path(path) if isinstance(path, str) else path
