"""Which scenarios a baseline watches: read from a set's file, from names, or from the baseline itself."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cellfab.config import library
from cellfab.config.baseline_spec import BaselineSpec
from cellfab.config.loader import check, read_base
from cellfab.config.merge import unwrap_sourced
from cellfab.config.overrides import Assignment
from cellfab.config.problems import Location, Problem, config_error, did_you_mean
from cellfab.config.resolved import Resolved, resolve
from cellfab.config.tree_path import parse_path
from cellfab.config.yaml_reader import Deletion, Mapping, Scalar, parse, read_source, shown_name
from cellfab.errors import ConfigError, UsageError
from cellfab.scenario import Scenario, bind, load_scenario
from cellfab.study.baseline_file import Baseline


@dataclass(frozen=True)
class Watch:
    """A scenario that is watched.

    Attributes
    ----------
    label : str
        Its name in the baseline.
    name : str
        Shipped scenario, or file relative to the baseline's folder.
    options : tuple of str
        What is changed in it, as `--set` takes it.
    replicates : int
    metrics : tuple of str
        Figures that are watched; empty for all.
    scenario : Scenario
    written : str
        SHA-256 of its values as the files and options write them: what defaults of the code add is not in it.
    """

    label: str
    name: str
    options: tuple[str, ...]
    replicates: int
    metrics: tuple[str, ...]
    scenario: Scenario
    written: str


@dataclass(frozen=True)
class WatchSet:
    """Everything that a baseline watches, and the seed of all random numbers."""

    seed: int
    watches: tuple[Watch, ...]


def is_set(path: Path) -> bool:
    """Whether a YAML file lists scenarios to watch: no scenario and no study has a `scenarios`."""
    source = read_source(path, shown_name(path))
    root = None if isinstance(source, Problem) else parse(source)[0]
    return isinstance(root, Mapping) and "scenarios" in root.items and "line" not in root.items


def named_set(
    names: Sequence[str], options: Sequence[str], folder: Path, *, replicates: int | None, seed: int | None
) -> WatchSet:
    """Scenarios by their names or files, all of their figures.

    Parameters
    ----------
    names : sequence of str
    options : sequence of str
        As `--set` takes them, for every scenario.
    folder : Path
        Of the baseline.
    replicates, seed : int, optional
        Default: 10, and seed 1.

    Raises
    ------
    ConfigError
        If a scenario does not exist, or is faulty.
    UsageError
        If two have the same name, or no scenario is named.
    """
    watches: dict[str, Watch] = {}
    for name in names:
        label = Path(name).stem
        if label in watches:
            raise UsageError(f"two of the scenarios are called '{label}'")
        scenario = load_scenario(name, options)
        stored = _stored_name(name, library.find(name), folder)
        count = BaselineSpec.model_fields["replicates"].default if replicates is None else replicates
        watches[label] = Watch(label, stored, tuple(options), count, (), scenario, written_digest(scenario))
    if not watches:
        raise UsageError("a baseline needs at least one scenario")
    return WatchSet(1 if seed is None else seed, tuple(watches.values()))


def read_set(
    path: Path, folder: Path, *, replicates: int | None = None, seed: int | None = None, metrics: bool = True
) -> WatchSet:
    """The set that a file lists, with every scenario in it checked.

    Parameters
    ----------
    path : Path
    folder : Path
        Of the baseline: scenario files are kept by their place relative to it.
    replicates, seed : int, optional
        In place of those in the file.
    metrics : bool
        Check the names of the figures too, for which an hour of each scenario is run.

    Raises
    ------
    ConfigError
        With every problem of the file and of its scenarios, located; also figures that nobody computes.
    """
    source = read_source(path, shown_name(path))
    if isinstance(source, Problem):
        raise config_error([source])
    root, problems = parse(source)
    if not isinstance(root, Mapping):
        raise config_error(problems or [Problem(Location(source), "", "is not a list of scenarios")])
    changes = dict(_changes(root, problems))
    unwrap_sourced(root)
    resolved = resolve(path.stem, root, (path,), (source,), {}, problems)
    spec, found = check(resolved, BaselineSpec)
    problems += found
    if spec is None or problems:
        raise config_error(problems)
    watches = []
    for label, watched in spec.scenarios.items():
        name = label if watched.scenario is None else watched.scenario
        where = ("scenarios", label, *(() if watched.scenario is None else ("scenario",)))
        file = _file(name, path.parent)
        if file is None:
            hint = library.suggestion(path.parent / name, Path(name))
            message = f"there is no scenario file '{name}', and no shipped scenario of that name"
            problems.append(resolved.problem(where, message, hint, key=watched.scenario is None))
            continue
        settings = changes.get(label, [])
        try:
            scenario = bind(read_base(file).with_values([assignment for assignment, _ in settings]))
        except ConfigError as error:
            problems += [problem for problem in error.problems if isinstance(problem, Problem)]
            continue
        if metrics:
            problems += _unknown_figures(resolved, label, watched.metrics, scenario)
        count = replicates or watched.replicates or spec.replicates
        options = tuple(option for _, option in settings)
        stored = _stored_name(name, file, folder)
        watches.append(Watch(label, stored, options, count, watched.metrics, scenario, written_digest(scenario)))
    if problems:
        raise config_error(problems)
    return WatchSet(spec.seed if seed is None else seed, tuple(watches))


def kept_set(baseline: Baseline, folder: Path, *, replicates: int | None = None, seed: int | None = None) -> WatchSet:
    """What a baseline watches, as its scenarios are now.

    Parameters
    ----------
    baseline : Baseline
    folder : Path
        Where it lies.
    replicates, seed : int, optional
        In place of those that were kept.

    Raises
    ------
    ConfigError
        With every scenario that is gone, or can no longer be run.
    """
    watches, lines = [], []
    problems: list[object] = []
    for label, kept in baseline.scenarios.items():
        try:
            scenario = _kept_scenario(kept.scenario, kept.set, folder)
        except ConfigError as error:
            lines.append(f"{label}: {error}")
            problems += error.problems
            continue
        count = kept.replicates if replicates is None else replicates
        written = written_digest(scenario)
        watches.append(Watch(label, kept.scenario, kept.set, count, kept.metrics, scenario, written))
    if lines:
        lines.insert(0, "the configuration has changed: scenarios of the baseline cannot be run any more")
        raise ConfigError("\n".join(lines), tuple(problems))
    return WatchSet(baseline.seed if seed is None else seed, tuple(watches))


def _kept_scenario(name: str, options: Sequence[str], folder: Path) -> Scenario:
    file = _file(name, folder)
    if file is None:
        hint = library.suggestion(folder / name, Path(name))
        raise ConfigError(f"there is no scenario '{name}' any more{f': {hint}' if hint else ''}")
    return bind(read_base(file).with_values(list(options)))


def written_digest(scenario: Scenario) -> str:
    """SHA-256 of a scenario's values as they are written."""
    return sha256(scenario.resolved_yaml().encode()).hexdigest()


def _file(name: str, folder: Path) -> Path | None:
    """A file beside the baseline or its set, else a shipped one."""
    near = folder / name
    return next((one for one in (near, near.with_name(near.name + ".yaml")) if one.is_file()), library.lookup(name))


def _stored_name(name: str, file: Path, folder: Path) -> str:
    if library.lookup(name) == file:
        return name
    return Path(os.path.relpath(file, folder)).as_posix()


def _changes(root: Mapping, problems: list[Problem]) -> Iterator[tuple[str, list[tuple[Assignment, str]]]]:
    """What each scenario sets, with its place in the file and as an option; in the tree, what is deleted is nothing."""
    entries = root.items.get("scenarios")
    for label, entry in entries.items.items() if isinstance(entries, Mapping) else ():
        written = entry.items.get("set") if isinstance(entry, Mapping) else None
        if not isinstance(written, Mapping):
            continue
        found = []
        for text, node in written.items.items():
            place = written.keys[text]
            try:
                path = parse_path(text)
            except ValueError as error:
                problems.append(Problem(place, text, str(error)))
                continue
            value = "!delete" if isinstance(node, Deletion) else json.dumps(_plain(node))
            found.append((Assignment(path, [place] * len(path), node), f"{text}={value}"))
            if isinstance(node, Deletion):
                written.items[text] = Scalar(None, node.location)
        yield label, found


def _plain(node: object) -> object:
    if isinstance(node, Mapping):
        return {name: _plain(child) for name, child in node.items.items()}
    if isinstance(node, Scalar):
        return node.value
    items = getattr(node, "items", ())
    return [_plain(child) for child in items]


def _unknown_figures(resolved: Resolved, label: str, metrics: Sequence[str], scenario: Scenario) -> Iterator[Problem]:
    if not metrics:
        return
    from cellfab.study.metrics import known_metrics

    known = known_metrics(scenario)
    for index, name in enumerate(metrics):
        if name not in known:
            where = ("scenarios", label, "metrics", index)
            yield resolved.problem(where, f"nobody computes a figure '{name}' here", did_you_mean(name, known))
