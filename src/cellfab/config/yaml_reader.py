"""YAML to nodes that know their line and column.

PyYAML's C parser splits the text; what a scalar means is decided here by the YAML 1.2 core schema, because PyYAML
follows YAML 1.1, where `no` is false, `12:30:00` is 45000 and `1e-3` is text. Only what a configuration needs is
read: one document, text keys, no anchors (a base file and `extends` do their job), no tags but `!delete`.
The parser is asked event by event, never recursively, so that depth and size can be limited.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cellfab.config.problems import Location, Problem, Source
from cellfab.config.scalars import ScalarError, plain_scalar
from cellfab.config.tree_path import dotted

LARGEST_FILE_BYTES = 10_000_000
DEEPEST = 100
"""Levels of nesting; a plant needs about ten."""


@dataclass(slots=True)
class Scalar:
    """A number, a text, true, false or nothing."""

    value: Any
    location: Location
    note: Mapping | None = None


@dataclass(slots=True)
class Sequence:
    """A list of nodes."""

    items: list[Node]
    location: Location
    note: Mapping | None = None


@dataclass(slots=True)
class Mapping:
    """Nodes by key, in the order written; `keys` holds the place of each key.

    `note` is the `{value, low, high, source}` that a node was taken out of. `fresh`: it replaces what it is laid over;
    `replaced`: where another `kind` or `law` was chosen before this mapping took its place (`cellfab.config.merge`).
    """

    items: dict[str, Node]
    keys: dict[str, Location]
    location: Location
    note: Mapping | None = None
    fresh: bool = False
    replaced: Location | None = None


@dataclass(slots=True)
class Deletion:
    """`!delete`: take this key out of what is extended."""

    location: Location


Node = Scalar | Sequence | Mapping | Deletion


class _UnreadableError(Exception):
    """The text cannot be read further; carries the problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def read_source(path: Path, shown: str, extended_by: Location | None = None) -> Source | Problem:
    """Read a file's text, or say why not. A file that is too large is not opened.

    Parameters
    ----------
    path : Path
        The file.
    shown : str
        Its name in messages.
    extended_by : Location, optional
        The `extends` entry that asks for it; a missing file is reported there.
    """
    whole = Location(Source(shown, extended_by=extended_by))

    def problem(message: str, hint: str = "") -> Problem:
        if extended_by is not None:
            return Problem(extended_by, "extends", f"{shown}: {message}", hint)
        return Problem(whole, "", message, hint)

    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            return problem("is a directory", "name one of the YAML files in it")
        if not stat.S_ISREG(status.st_mode):
            return problem("is not a regular file")
        if status.st_size > LARGEST_FILE_BYTES:
            limit = LARGEST_FILE_BYTES // 1_000_000
            return problem(
                f"is {status.st_size / 1e6:.0f} MB; a configuration may have {limit} MB",
                "tables belong in CSV or Parquet files",
            )
        with path.open("rb") as stream:
            data = stream.read(LARGEST_FILE_BYTES + 1)
    except FileNotFoundError:
        return problem("there is no such file")
    except (OSError, ValueError) as error:
        return problem(f"cannot be read: {error.strerror if isinstance(error, OSError) else error}")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return problem("is UTF-16 text", "save it as UTF-8")
    if b"\0" in data:
        return problem("is not a text file")
    try:
        return Source(shown, data.decode("utf-8-sig"), extended_by)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return problem(f"is not UTF-8 text (byte {error.start + 1}, line {line})", "save it as UTF-8")


def shown_name(path: Path) -> str:
    """A file's name in messages: relative if it lies below the working directory."""
    absolute = os.path.abspath(path)  # noqa: PTH100 - Path.resolve would follow links, and show a name the user never wrote
    here = os.path.join(os.getcwd(), "")  # noqa: PTH109, PTH118
    return absolute.removeprefix(here)


def parse(source: Source, text: str | None = None) -> tuple[Node | None, list[Problem]]:
    """Read a source's text into nodes.

    Parameters
    ----------
    source : Source
        What locations refer to.
    text : str, optional
        Read this instead of the source's text; it must have the same places (for a part of a source).

    Returns
    -------
    node : Node or None
        The document; None if there is nothing in it or it cannot be read.
    problems : list of Problem
        Every problem up to the point where the text stops being YAML.
    """
    reader = _Reader(source, source.text if text is None else text)
    try:
        return reader.document(), reader.problems
    except _UnreadableError as error:
        return None, [*reader.problems, error.problem]
    except yaml.YAMLError as error:
        return None, [*reader.problems, reader.explain(error)]


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come yet, and the key (or position) of what comes next in it."""

    node: Mapping | Sequence
    part: str | int = ""
    key_location: Location | None = None

    def add(self, child: Node) -> None:
        if isinstance(self.node, Sequence):
            self.node.items.append(child)
            return
        assert isinstance(self.part, str)
        assert self.key_location is not None
        if self.part not in self.node.items:
            self.node.items[self.part] = child
            self.node.keys[self.part] = self.key_location
        self.key_location = None


class _Reader:
    def __init__(self, source: Source, text: str) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self.parser = _Parser(text)
        self.stack: list[_Open] = []

    def document(self) -> Node | None:
        event = self.parser.get_event()
        root: Node | None = None
        while not isinstance(event, yaml.StreamEndEvent):
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    raise self.stop(event, "a second document starts here", "one file holds one document: remove '---'")
            elif not isinstance(event, (yaml.StreamStartEvent, yaml.DocumentEndEvent)):
                root = self.tree(event)
            event = self.parser.get_event()
        return root

    def tree(self, event: Any) -> Node:
        """Build the tree below one event, without recursion: the stack holds the collections that are open."""
        root = self.node(event)
        if isinstance(root, (Mapping, Sequence)):
            self.stack.append(_Open(root))
        while self.stack:
            inner = self.stack[-1]
            event = self.parser.get_event()
            if isinstance(event, yaml.CollectionEndEvent):
                self.stack.pop()
                continue
            if isinstance(inner.node, Mapping) and inner.key_location is None:
                inner.part, inner.key_location = self.key(event, inner.node)
                continue
            if isinstance(inner.node, Sequence):
                inner.part = len(inner.node.items)
            child = self.node(event)
            inner.add(child)
            if isinstance(child, (Mapping, Sequence)):
                if len(self.stack) >= DEEPEST:
                    raise self.stop(event, f"nested more than {DEEPEST} levels deep")
                self.stack.append(_Open(child))
        return root

    def node(self, event: Any) -> Node:
        location = self.place(event)
        if isinstance(event, yaml.AliasEvent):
            raise self.stop(event, f"aliases (*{event.anchor}) are not read", _NO_ANCHORS)
        if event.anchor is not None:
            raise self.stop(event, f"anchors (&{event.anchor}) are not read", _NO_ANCHORS)
        if event.tag == "!delete":
            if isinstance(event, yaml.ScalarEvent) and event.value == "":
                return Deletion(location)
            raise self.stop(event, "!delete stands alone, with no value after it")
        if event.tag not in (None, "!"):
            shown = event.tag.replace("tag:yaml.org,2002:", "!!")
            hint = "only !delete is; quote what must be text"
            hint = "put a blank after !delete" if shown.startswith("!delete") else hint
            raise self.stop(event, f"the tag {shown} is not read", hint)
        if isinstance(event, yaml.MappingStartEvent):
            return Mapping({}, {}, location)
        if isinstance(event, yaml.SequenceStartEvent):
            return Sequence([], location)
        if event.style in _QUOTED or event.tag == "!":
            return Scalar(event.value, location)
        try:
            return Scalar(plain_scalar(event.value), location)
        except ScalarError as error:
            path = dotted(tuple(inner.part for inner in self.stack))
            self.problems.append(Problem(location, path, str(error), error.hint))
            return Scalar(None, location)

    def key(self, event: Any, container: Mapping) -> tuple[str, Location]:
        location = self.place(event)
        if not isinstance(event, yaml.ScalarEvent):
            raise self.stop(
                event, "a key must be a single word or number", "a value that starts with { or [ needs a key"
            )
        if event.value == "" and event.style not in _QUOTED:
            raise self.stop(event, "a key is missing before ':'")
        if event.tag not in (None, "!") or event.anchor is not None:
            raise self.stop(event, "a key cannot have a tag or an anchor")
        if event.value in container.items:
            first = container.keys[event.value]
            hint = f"first given in line {first.line}; names must differ"
            path = dotted((*(inner.part for inner in self.stack[:-1]), event.value))
            self.problems.append(Problem(location, path, "this key is given twice", hint))
        return event.value, location

    def place(self, event: Any) -> Location:
        mark = event.start_mark
        return Location(self.source, mark.line + 1, mark.column + 1)

    def stop(self, event: Any, message: str, hint: str = "") -> _UnreadableError:
        return _UnreadableError(Problem(self.place(event), "", message, hint))

    def explain(self, error: yaml.YAMLError) -> Problem:
        mark = getattr(error, "problem_mark", None)
        if mark is None:
            position = getattr(error, "position", None)
            line, column = self.source.position(position) if isinstance(position, int) else (0, 0)
            return Problem(Location(self.source, line, column), "", "not YAML: it holds a control character")
        location = Location(self.source, mark.line + 1, mark.column + 1)
        text = self.source.line(location.line)
        said = str(getattr(error, "problem", "") or "cannot be read")
        opened = getattr(error, "context_mark", None)
        if opened is not None and not text.strip():
            location = Location(self.source, opened.line + 1, opened.column + 1)
            return Problem(location, "", "not YAML: a bracket or quote that opens here is never closed")
        if "\t" in text[: location.column] and text[: location.column].strip() == "":
            return Problem(location, "", "a tab indents this line", "YAML indents with spaces only")
        return Problem(location, "", f"not YAML: {said}", _syntax_hint(said, text))


# Where PyYAML was built without libyaml, its own parser gives the same events, ten times slower.
_Parser = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_QUOTED = ("'", '"', "|", ">")
_NO_ANCHORS = "write the value out, or move what is shared into a file and name it under 'extends'"


def _syntax_hint(said: str, line: str) -> str:
    if "mapping values are not allowed" in said:
        return "a text that holds ': ' must be quoted; or the line above is indented differently"
    if "did not find expected key" in said or "did not find expected '-'" in said:
        return "check the indentation of this line and of the one above"
    if "expected whitespace or line break" in said and "!delete" in line:
        return "put a blank after !delete"
    if "cannot start any token" in said and ("@" in line or "`" in line or "%" in line):
        return "a text that starts with @, ` or % must be quoted"
    return ""
