"""Text to specs: read a configuration with all that it extends, then validate it (or a part of it) against a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from cellfab.config import library
from cellfab.config.explain import explain
from cellfab.config.layers import LayerReader
from cellfab.config.merge import DISCRIMINATORS
from cellfab.config.overrides import Assignment, override
from cellfab.config.problems import Problem, Source, config_error
from cellfab.config.resolved import Resolved, resolve
from cellfab.config.settle import Settler
from cellfab.config.shape import record_of
from cellfab.config.tree_path import TreePath, as_path
from cellfab.config.yaml_reader import Mapping

SpecType = TypeVar("SpecType", bound=BaseModel)


@dataclass(frozen=True)
class Base:
    """A configuration file with all that it extends, read once, to lay different values over it.

    Attributes
    ----------
    path : Path
    tree : Mapping
        Never changed by what is laid over it.
    files : tuple of Path
        Every file read, `path` first.
    sources : tuple of Source
        Their texts, the lowest layer first.
    """

    path: Path
    tree: Mapping
    files: tuple[Path, ...]
    sources: tuple[Source, ...]

    def with_values(self, settings: Sequence[str | Assignment] = ()) -> Resolved:
        """The configuration with values laid over it, later ones over earlier ones; not yet validated.

        Raises
        ------
        ConfigError
            With every setting that has no place.
        """
        problems: list[Problem] = []
        tree, created, sources = override(self.tree, settings, problems)
        resolved = resolve(self.path.stem, tree, self.files, (*self.sources, *sources), created, problems)
        if problems:
            raise config_error(problems)
        return resolved


def read_base(path_or_name: str | Path) -> Base:
    """Read a configuration file and everything it extends.

    Raises
    ------
    ConfigError
        With every problem of every file that could be read.
    """
    path = library.find(path_or_name)
    reader = LayerReader()
    tree = reader.read(path)
    if reader.problems:
        raise config_error(reader.problems)
    return Base(path, tree, tuple(reader.files), tuple(reader.sources))


def load(path_or_name: str | Path, overrides: Sequence[str] = ()) -> Resolved:
    """Read a configuration file and everything it extends, and lay `--set` options over it.

    Parameters
    ----------
    path_or_name : str or Path
        A file, or the name of a shipped scenario or line ("ess_from_4680").
    overrides : sequence of str
        Each "path=value", such as "line.stations.weld.params.power_w=900"; later ones win.

    Returns
    -------
    Resolved
        Plain values with their origins; not yet validated.

    Raises
    ------
    ConfigError
        With every problem of every file that could be read.
    """
    return read_base(path_or_name).with_values(overrides)


def validate(resolved: Resolved, model: type[SpecType], at: str | TreePath = "") -> SpecType:
    """Check a part of a configuration against a model and return the spec.

    Quantities in the part are converted in place (see `Resolved`).

    Parameters
    ----------
    resolved : Resolved
        The configuration.
    model : type of pydantic model
        What the part must be.
    at : str or TreePath
        Where the part stands; a part that is not there counts as an empty mapping.

    Raises
    ------
    ConfigError
        With every problem, located.
    """
    return validate_merged(resolved, model, [at])


def validate_merged(resolved: Resolved, model: type[SpecType], paths: Sequence[str | TreePath]) -> SpecType:
    """Check several parts laid over each other (a recipe over a station's parameters) against a model.

    Mappings are merged as `extends` does; each value is located where the last part that has it was written.

    Parameters
    ----------
    resolved : Resolved
        The configuration.
    model : type of pydantic model
        What the merged parts must be.
    paths : sequence of str or TreePath
        Where the parts stand, lowest first; parts that are not there count as empty.

    Raises
    ------
    ConfigError
        With every problem, located.
    """
    spec, problems = check(resolved, model, paths)
    if spec is None:
        raise config_error(problems)
    return spec


def check(
    resolved: Resolved, model: type[SpecType], paths: Sequence[str | TreePath] = ("",)
) -> tuple[SpecType | None, list[Problem]]:
    """As `validate_merged`, for callers that collect problems: returns the spec, or None and the problems."""
    shape = record_of(model)
    settler = Settler(resolved)
    tree: Any = {}
    home: dict[TreePath, TreePath] = {(): as_path(paths[0])}
    for path in map(as_path, paths):
        part = resolved.get(path)
        if part is None and path not in resolved.origins:
            continue
        settled = settler.settle(part, shape, path)
        resolved.put(path, settled)
        tree = _lay_over(tree, settled, (), path, home)

    def locate(path: TreePath) -> TreePath:
        start = next(path[:length] for length in range(len(path), -1, -1) if path[:length] in home)
        return home[start] + path[len(start) :]

    try:
        spec = model.model_validate(tree)
    except ValidationError as error:
        details = error.errors(include_url=False)
        return None, [*settler.problems, *explain(resolved, details, shape, tree, locate, settler.wrong)]
    return (None if settler.problems else spec), settler.problems


def _lay_over(below: Any, above: Any, path: TreePath, home_of_above: TreePath, home: dict[TreePath, TreePath]) -> Any:
    """Merge plain values by the rules of `cellfab.config.merge`; `home` learns where each merged path was written."""
    if isinstance(below, dict) and isinstance(above, dict) and not _changes_kind(below, above):
        if not below:
            home[path] = home_of_above
        merged = dict(below)
        for name, value in above.items():
            inner: TreePath = (*path, name)
            merged[name] = _lay_over(below.get(name), value, inner, (*home_of_above, name), home)
        return merged
    for known in [known for known in home if known[: len(path)] == path and len(known) > len(path)]:
        del home[known]
    home[path] = home_of_above
    return above


def _changes_kind(below: dict[str, Any], above: dict[str, Any]) -> bool:
    return any(word in below and word in above and below[word] != above[word] for word in DISCRIMINATORS)
