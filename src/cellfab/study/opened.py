"""The tables of a study that was run before, read from its folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from cellfab.errors import ConfigError, UsageError
from cellfab.study.footing import Footing
from cellfab.study.plan import label

_FACTOR = "factor."


class Place(NamedTuple):
    """A case by what it is, whatever its number: a variant, and the value of each factor, in the order of names."""

    variant: str
    factors: tuple[tuple[str, float | str], ...]

    @property
    def label(self) -> str:
        """In words."""
        return label(
            self.variant, {name: value if isinstance(value, str) else f"{value:.12g}" for name, value in self.factors}
        )


@dataclass(slots=True)
class Sample:
    """One figure of one case.

    Attributes
    ----------
    unit : str
    values : dict of int to float
        By replicate.
    texts : dict of int to str
        By replicate, of a figure that is a name.
    reason : str
        Why the first replicate without a value has none.
    """

    unit: str = ""
    values: dict[int, float] = field(default_factory=dict)
    texts: dict[int, str] = field(default_factory=dict)
    reason: str = ""


@dataclass(slots=True)
class OpenedCase:
    """What a study has found of one case.

    Attributes
    ----------
    scenario : str
        Digest.
    samples : dict of str to Sample
        By figure.
    failed : int
        Replicates that have no figures.
    """

    scenario: str
    samples: dict[str, Sample] = field(default_factory=dict)
    failed: int = 0


@dataclass(frozen=True, slots=True)
class OpenedStudy:
    """A study as its folder holds it.

    Attributes
    ----------
    folder : Path
    name, digest : str
    seed : int
    code : str
        Digest of what computed it.
    confidence_share : float
    metrics : tuple of str
        That the study is about; empty if it names none.
    factors : tuple of str
    cases : mapping of Place to OpenedCase
        In the order of the study.
    footings : mapping of str to Footing
        By digest of the scenario.
    """

    folder: Path
    name: str
    digest: str
    seed: int
    code: str
    confidence_share: float
    metrics: tuple[str, ...]
    factors: tuple[str, ...]
    cases: Mapping[Place, OpenedCase]
    footings: Mapping[str, Footing]


def is_study_folder(folder: Path) -> bool:
    """Whether a folder is one that `cellfab study` has written its tables in."""
    return (folder / "results.parquet").is_file()


def open_study(folder: str | Path) -> OpenedStudy:
    """A study from the folder of its tables, `STORE/NAME-DIGEST`.

    Raises
    ------
    UsageError
        If it is no such folder, or that of a study whose points are one sample.
    ConfigError
        If one of its files is missing or cannot be read.
    """
    import pyarrow.parquet as pq

    folder = Path(folder)
    if not is_study_folder(folder):
        inside = ", ".join(sorted(path.parent.name for path in folder.glob("*/results.parquet")))
        hint = f"; choose one of those inside: {inside}" if inside else ""
        raise UsageError(f"'{folder}' is not the folder of a study's tables: it has no results.parquet{hint}")
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        if manifest.get("analysed"):
            raise UsageError(
                f"'{folder}' is one sample (a design of kind {manifest['analysed']}), and has no cases to compare:"
                " variants are compared within such a study, by its `comparison`"
            )
        table = pq.read_table(folder / "results.parquet")
        factors = tuple(name.removeprefix(_FACTOR) for name in table.column_names if name.startswith(_FACTOR))
        cases, footings = _cases(table, factors), _footings(manifest["footings"])
        return OpenedStudy(
            folder=folder,
            name=str(manifest["study"]),
            digest=str(manifest["digest"]),
            seed=int(manifest["seed"]),
            code=str(manifest["code"]),
            confidence_share=float(manifest["confidence_share"]),
            metrics=tuple(map(str, manifest["metrics"])),
            factors=factors,
            cases=cases,
            footings={case.scenario: footings[case.scenario] for case in cases.values()},
        )
    except FileNotFoundError as error:
        raise ConfigError(f"{error.filename}: is missing; run the study again, which costs nothing") from error
    except KeyError as error:
        raise ConfigError(
            f"{folder}: has no {error}: another version of cellfab wrote it; run the study again"
        ) from error
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ConfigError(f"{folder}: cannot be read: {error}") from error


def _cases(table: Any, factors: tuple[str, ...]) -> dict[Place, OpenedCase]:
    """Points that have the same values (drawn whole numbers can) are one case."""
    named = [table[f"{_FACTOR}{name}"].to_pylist() for name in factors]
    heads = (table[name].to_pylist() for name in ("variant", "point", "scenario"))
    rows = (table[name].to_pylist() for name in ("replicate", "metric", "value", "text", "unit", "reason"))
    cases: dict[Place, OpenedCase] = {}
    numbers: dict[Place, int] = {}
    levels = zip(*named, strict=True) if named else [()] * len(table)
    lines = zip(zip(*heads, strict=True), levels, zip(*rows, strict=True), strict=True)
    for (variant, point, scenario), level, row in lines:
        place = Place(variant, tuple(sorted(zip(factors, level, strict=True))))
        if numbers.setdefault(place, point) == point:
            _enter(cases.setdefault(place, OpenedCase(scenario)), *row)
    return cases


def _enter(
    case: OpenedCase, replicate: int, metric: str | None, value: float | None, text: str | None, unit: str, reason: str
) -> None:
    if metric is None:
        case.failed += 1
        return
    sample = case.samples.setdefault(metric, Sample())
    sample.unit = sample.unit or unit or ""
    if value is not None:
        sample.values[replicate] = value
    elif text is not None:
        sample.texts[replicate] = text
    else:
        sample.reason = sample.reason or reason or ""


def _footings(listed: list[dict[str, Any]]) -> dict[str, Footing]:
    found: dict[str, Footing] = {}
    for one in listed:
        lots = {str(name): tuple(parts) for name, parts in one["lots"].items()}
        year = one["currency_year"]
        footing = Footing(lots, None if year is None else int(year))
        found |= dict.fromkeys(one["scenarios"], footing)
    return found
