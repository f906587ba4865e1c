"""The layers of a configuration file: what it names under `extends`, then the file itself.

`extends` at the top of a file names one file or a list of them, over which the file is laid. A mapping inside a file
may have an `extends` too (`cell: {extends: ../cells/lfp_4680.yaml}`): the named file then stands in place of whatever
lay there, and the rest of the mapping changes it. A name is a path relative to the file that says it, or a shipped
file. A file reached twice from the top (a diamond) counts once, at its first place.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from cellfab.config import library
from cellfab.config.merge import fold, unwrap_sourced
from cellfab.config.problems import Location, Problem, Source
from cellfab.config.yaml_reader import (
    DEEPEST,
    LARGEST_FILE_BYTES,
    Mapping,
    Scalar,
    Sequence,
    parse,
    read_source,
    shown_name,
)

MOST_FILES = 300
MOST_CHARACTERS = 3 * LARGEST_FILE_BYTES
LONGEST_CHAIN = 20


@dataclass
class LayerReader:
    """Reads files and what they extend; collects the files read and everything that is wrong.

    Attributes
    ----------
    files : list of Path
        In the order read; the file asked for is the first.
    problems : list of Problem
        In the order found.
    sources : list of Source
        Their texts, lowest layer first.
    """

    files: list[Path] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    characters: int = 0

    def read(self, path: Path) -> Mapping:
        """Everything that a file says and inherits, as one tree."""
        return fold(self._layers(path, None, (), set(), 0), self.problems)

    def _layers(
        self, path: Path, extended_by: Location | None, chain: tuple[Path, ...], seen: set[Path], depth: int
    ) -> list[Mapping]:
        """The layers of a file, lowest first.

        `chain` holds the files that are being read and lead here, `seen` those already among these layers, `depth`
        the level in the tree at which the file's content will stand.
        """
        real = path.resolve()
        if not self._may_read(path, real, extended_by, chain):
            return []
        if real in seen:
            return []
        seen.add(real)
        self.files.append(path)
        root = self._parsed(path, extended_by)
        if root is None:
            return []
        layers = []
        for base, place in self._bases(root, path):
            layers += self._layers(base, place, (*chain, real), seen, depth)
        self._expand_inner(root, path, (*chain, real), depth)
        unwrap_sourced(root)
        self.sources.append(root.location.source)
        return [*layers, root]

    def _may_read(self, path: Path, real: Path, extended_by: Location | None, chain: tuple[Path, ...]) -> bool:
        if extended_by is None:
            return True
        message = ""
        if real in chain:
            loop = [*chain[chain.index(real) :], real]
            message = f"files extend each other in a circle: {' -> '.join(shown_name(file) for file in loop)}"
        elif len(chain) >= LONGEST_CHAIN:
            message = f"more than {LONGEST_CHAIN} files extend one another in a row"
        elif len(self.files) >= MOST_FILES or self.characters > MOST_CHARACTERS:
            message = f"more than {MOST_FILES} files, or {MOST_CHARACTERS // 1_000_000} MB of text"
        if message:
            self.problems.append(Problem(extended_by, "extends", message))
        return not message

    def _parsed(self, path: Path, extended_by: Location | None) -> Mapping | None:
        source = read_source(path, shown_name(path), extended_by)
        if isinstance(source, Problem):
            self.problems.append(source)
            return None
        self.characters += len(source.text)
        root, problems = parse(source)
        self.problems.extend(problems)
        if isinstance(root, Mapping):
            return root
        if root is None and not problems:
            self.problems.append(Problem(Location(source), "", "is empty"))
        elif root is not None:
            kind = "a list" if isinstance(root, Sequence) else "a single value"
            message = f"must be a mapping of names to values, and is {kind}"
            self.problems.append(Problem(root.location, "", message, "write 'name: value' lines"))
        return None

    def _expand_inner(self, node: Mapping, path: Path, chain: tuple[Path, ...], depth: int) -> None:
        """Put what mappings inside a file extend in their place."""
        for name, child in node.items.items():
            if not isinstance(child, Mapping):
                continue
            if depth > DEEPEST:
                self.problems.append(Problem(node.keys[name], name, f"nested more than {DEEPEST} levels deep"))
                return
            extends = "extends" in child.items
            bases = self._bases(child, path)
            self._expand_inner(child, path, chain, depth + 1)
            if extends:
                unwrap_sourced(child)
                layers: list[Mapping] = []
                for base, place in bases:
                    layers += self._layers(base, place, chain, set(), depth + 1)
                node.items[name] = whole = fold([*layers, child], self.problems)
                whole.fresh = True
                whole.location = child.location

    def _bases(self, node: Mapping, path: Path) -> list[tuple[Path, Location]]:
        """Take `extends` out of a mapping; return the files it names, as far as they exist."""
        entry = node.items.pop("extends", None)
        node.keys.pop("extends", None)
        if entry is None:
            return []
        found = []
        for item in entry.items if isinstance(entry, Sequence) else [entry]:
            if not isinstance(item, Scalar) or not isinstance(item.value, str) or not item.value:
                hint = "write extends: base.yaml, or a list of files"
                self.problems.append(Problem(item.location, "extends", "expected the name of a file", hint))
                continue
            base = _existing(path.parent / item.value) or library.lookup(item.value)
            if base is None:
                hint = library.suggestion(path.parent / item.value, Path(item.value))
                message = f"there is no file '{item.value}' beside {shown_name(path)}, and no shipped one of that name"
                self.problems.append(Problem(item.location, "extends", message, hint))
            else:
                found.append((base, item.location))
        return found


def _existing(path: Path) -> Path | None:
    try:
        found = next((file for file in (path, path.with_name(path.name + ".yaml")) if file.exists()), None)
        return None if found is None else Path(os.path.normpath(found))
    except (OSError, ValueError):
        return None
