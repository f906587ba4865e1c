"""A baseline on the disk: one JSON file that a person can read and that two versions of can be compared line by line.

The same figures give the same bytes: nothing of when, where or by how many workers it was made is in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from cellfab.config.problems import closest
from cellfab.errors import ConfigError, UsageError
from cellfab.study.store import write_durably

FORMAT = 1
ENDING = ".json"
Value = float | str | None
T = TypeVar("T")


@dataclass(frozen=True)
class KeptFigure:
    """A figure of a scenario, replicate by replicate.

    Attributes
    ----------
    unit : str
    n : int
        Replicates in which it is a number.
    mean, deviation : float or None
        Of these numbers; the deviation is the standard deviation of one replicate.
    values : tuple of float, str or None
        In the order of replicates; None where there is no such figure.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid", "allow_inf_nan": False}

    unit: str
    n: int
    mean: float | None
    deviation: float | None
    values: tuple[Value, ...]


@dataclass(frozen=True)
class KeptScenario:
    """A scenario and its figures; the fields of `cellfab.study.baseline_set.Watch`, with digests."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    scenario: str
    set: tuple[str, ...]
    replicates: int
    metrics: tuple[str, ...]
    digest: str
    written: str
    figures: Mapping[str, KeptFigure]


@dataclass(frozen=True)
class Baseline:
    """A baseline as it is kept.

    Attributes
    ----------
    format : int
    version, code : str
        Of cellfab, and the digest of what computed the figures (`cellfab.study.code`).
    seed : int
    scenarios : mapping of str to KeptScenario
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    format: int
    version: str
    code: str
    seed: int
    scenarios: Mapping[str, KeptScenario]


def baseline_path(name: str, folder: Path) -> Path:
    """The file of a baseline.

    Raises
    ------
    UsageError
        If the name is none.
    """
    plain = name.strip()
    if plain != name or not plain or plain in (".", "..") or any(one in name for one in "/\\\0") or name[0] in ".-":
        raise UsageError(f"'{name}' is no name of a baseline: write a plain word, and its folder as --dir")
    return folder / f"{name}{ENDING}"


def write_baseline(baseline: Baseline, path: Path) -> None:
    """Keep a baseline, in place of what the file held.

    Raises
    ------
    UsageError
        If it cannot be written; the file is as it was.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(path, encoded(baseline))
    except OSError as error:
        raise UsageError(f"cannot write '{path}': {error.strerror or error}") from error


def encoded(baseline: Baseline) -> bytes:
    """The bytes of a baseline: one line for each figure, and at the end a checksum of what stands above it."""
    lines = ["{"]
    lines += [f"  {_json(name)}: {_json(getattr(baseline, name))}," for name in ("format", "version", "code", "seed")]
    lines.append('  "scenarios": {')
    for last, (label, kept) in _with_last(baseline.scenarios):
        lines.append(f"    {_json(label)}: {{")
        fields = ("scenario", "set", "replicates", "metrics", "digest", "written")
        lines += [f"      {_json(name)}: {_json(getattr(kept, name))}," for name in fields]
        lines.append('      "figures": {')
        lines += [
            f"        {_json(name)}: {_json(asdict(figure))}{'' if end else ','}"
            for end, (name, figure) in _with_last(kept.figures)
        ]
        lines += ["      }", f"    }}{'' if last else ','}"]
    lines.append("  },")
    body = "\n".join(lines) + "\n"
    return f'{body}  "sha256": "{sha256(body.encode()).hexdigest()}"\n}}\n'.encode()


def read_baseline(name: str, folder: Path) -> Baseline:
    """A baseline by its name.

    Raises
    ------
    UsageError
        If there is none of that name, or the name is none.
    ConfigError
        If the file is not what was written.
    """
    path = baseline_path(name, folder)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        there = sorted(one.stem for one in folder.glob(f"*{ENDING}"))
        close = closest(name, there)
        hint = f": did you mean '{close}'?" if close else f"; there are {', '.join(there)}" if there else ""
        raise UsageError(f"there is no baseline '{name}' in '{folder}'{hint}") from None
    except OSError as error:
        raise UsageError(f"cannot read '{path}': {error.strerror or error}") from None
    return _decoded(data, path)


def _decoded(data: bytes, path: Path) -> Baseline:
    from pydantic import TypeAdapter, ValidationError

    again = f"'{path}' is damaged, save it again or take it from version control: "
    try:
        document = json.loads(data)
    except ValueError as error:
        raise ConfigError(f"{again}it is not JSON ({error})") from None
    if not isinstance(document, dict) or "format" not in document:
        raise ConfigError(f"'{path}' is not a baseline")
    if document["format"] != FORMAT:
        raise ConfigError(f"'{path}' was saved by another version of cellfab (format {document['format']})")
    checksum = document.pop("sha256", None)
    try:
        baseline = TypeAdapter(Baseline).validate_python(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{again}{place}: {first['msg']}") from None
    if not encoded(baseline).decode().endswith(f'"sha256": "{checksum}"\n}}\n'):
        raise ConfigError(f"{again}its figures are not those that were written")
    return baseline


def _json(value: Any) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False)


def _with_last(entries: Mapping[str, T]) -> list[tuple[bool, tuple[str, T]]]:
    items = list(entries.items())
    return [(number == len(items), item) for number, item in enumerate(items, 1)]
