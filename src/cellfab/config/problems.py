"""What is wrong with a configuration, where, and what to write instead."""

from __future__ import annotations

import bisect
import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from cellfab.errors import ConfigError

SHOWN_AT_MOST = 200
_WIDTH = 110
_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")


@dataclass(frozen=True)
class Source:
    """A text that configuration was read from: a file, or one `--set` option.

    Attributes
    ----------
    name : str
        File name as shown to the user, or "--set".
    text : str
        All of it; empty if it could not be read.
    extended_by : Location or None
        The `extends` entry that brought the file in; None for the file that was asked for.
    """

    name: str
    text: str = field(default="", repr=False, compare=False)
    extended_by: Location | None = None

    @cached_property
    def _line_starts(self) -> list[int]:
        # The same breaks that libyaml counts, so that its line numbers can be used.
        return [0, *(match.end() for match in _BREAK.finditer(self.text))]

    def line(self, number: int) -> str:
        """The line (counted from 1) without its end; empty if there is no such line."""
        starts = self._line_starts
        if not 1 <= number <= len(starts):
            return ""
        end = starts[number] if number < len(starts) else len(self.text)
        return _BREAK.sub("", self.text[starts[number - 1] : end])

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column (from 1) of the character at an offset."""
        line = bisect.bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a text; line and column count from 1, and 0 stands for the text as a whole."""

    source: Source
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line or self.source.name == "--set":
            return self.source.name
        return f"{self.source.name}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Attributes
    ----------
    location : Location
        Where to look.
    path : str
        What it is about ("line.stations.coater.speed_m_per_min"); empty for a file as a whole.
    message : str
        What is wrong, in one line.
    hint : str
        What to do about it; empty if nothing can be said.
    """

    location: Location
    path: str
    message: str
    hint: str = ""

    def render(self, severity: str = "error") -> str:
        """The problem as lines of text: headline, the offending line with a caret, hint, and who extends the file."""
        headline = ": ".join(part for part in (str(self.location), severity, self.path, self.message) if part)
        lines = [headline, *_excerpt(self.location)]
        if self.hint:
            lines.append(f"    hint: {self.hint}")
        extended_by = self.location.source.extended_by
        while extended_by is not None:
            lines.append(f"    extended by {extended_by}")
            extended_by = extended_by.source.extended_by
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.render()


def _excerpt(location: Location) -> list[str]:
    line = location.source.line(location.line)
    if not line.strip():
        return []
    # A tab is one column for the parser, so it is shown as one space.
    line = "".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in line)
    at = min(max(location.column - 1, 0), len(line))
    start = max(0, at - _WIDTH // 2) if len(line) > _WIDTH else 0
    shown = ("…" if start else "") + line[start : start + _WIDTH] + ("…" if start + _WIDTH < len(line) else "")
    before = line[start:at] + (" " if start else "")
    number = f"{location.line} | " if location.source.name != "--set" else ""
    return [f"    {number}{shown}", " " * (4 + len(number) + _columns(before)) + "^"]


def _columns(text: str) -> int:
    """Terminal columns that a text takes: wide letters two, combining marks none."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def ordered(problems: Iterable[Problem]) -> list[Problem]:
    """Sort by file, line and column, `--set` options last; the same problem is kept once."""
    unique = dict.fromkeys(problems)
    return sorted(
        unique,
        key=lambda problem: (
            problem.location.source.name == "--set",
            problem.location.source.name,
            problem.location.source.text if problem.location.source.name == "--set" else "",
            problem.location.line,
            problem.location.column,
            problem.path,
        ),
    )


def config_error(problems: Iterable[Problem]) -> ConfigError:
    """One error that lists every problem; its text is what the command line prints."""
    found = ordered(problems)
    lines = [problem.render() for problem in found[:SHOWN_AT_MOST]]
    if len(found) > SHOWN_AT_MOST:
        lines.append(f"... and {len(found) - SHOWN_AT_MOST} more")
    lines.append("1 error" if len(found) == 1 else f"{len(found)} errors")
    return ConfigError("\n".join(lines), tuple(found))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint that names the closest known word, or lists them if few; empty if nothing is close."""
    names = list(dict.fromkeys(known))
    close = closest(word, names)
    if close:
        return f"did you mean '{close}'?"
    return f"known: {listed(names)}" if 0 < len(names) <= 12 else ""


def closest(word: str, known: Sequence[str]) -> str:
    """The known word most like `word`, ignoring case; empty if none is close."""
    by_lower = {name.lower(): name for name in reversed(known)}
    found = difflib.get_close_matches(str(word).lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else ""


def listed(names: Iterable[str]) -> str:
    """Names joined by commas."""
    return ", ".join(names)
