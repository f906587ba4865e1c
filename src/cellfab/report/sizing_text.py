"""A sized plant in words: the table that `cellfab size` prints, one JSON document, and the overlay that it writes."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cellfab.config import library
from cellfab.config.line_spec import ChannelsStation, DwellStation, Station
from cellfab.config.resolved import Sourced
from cellfab.config.tree_path import TreePath
from cellfab.errors import UsageError
from cellfab.report.numbers import MISSING, number, percent
from cellfab.report.plain_table import plain_table
from cellfab.scenario import Scenario, load_scenario
from cellfab.sizing import PlantSize, StationSize

SCHEMA_VERSION = 1
_METHODS = {
    "machines": "whole machines at the price of one",
    "power_law": "money by BatPaC's exponents, machines for the simulation only",
}


def sizing_text(scenario: Scenario, size: PlantSize) -> str:
    """The plant, a station a line."""
    sizing = size.sizing
    gwh = sizing.gwh_per_year
    reserve = f", {percent(sizing.reserve_share)} in reserve" if sizing.reserve_share else ""
    oee = f"OEE of {sizing.oee}" if sizing.oee else "OEE of the mature line in closed form"
    rows = []
    for name, station in size.stations.items():
        endless = math.isnan(station.exact)
        rows.append(
            (
                name,
                f"{number(station.needed_per_h, 4)} {station.unit}",
                MISSING if endless else number(station.one_per_h, 4),
                percent(station.planned_share * station.oee_share),
                MISSING if endless else number(station.exact, 4),
                MISSING if endless else f"{station.machines:,}",
                f"{station.present:,}",
                MISSING if endless else percent(station.utilisation),
                number(station.economics.capex_musd),
            )
        )
    headings = ("station", "needed per h", "one makes", "OEE", "exactly", "machines", "now", "utilisation", "M$")
    return "\n".join(
        [
            f"{scenario.name}: {number(size.present_gwh_per_year)} GWh a year of {size.product} now,"
            f" {gwh:g} GWh wanted{reserve}",
            f"{_METHODS[sizing.method]}; {oee}",
            plain_table(headings, rows),
            f"{number(size.capex_musd, 4)} M$ in all, {number(size.capex_musd / gwh)} M$/GWh; shared by all stations:"
            f" {number(size.plant.capex_musd)} M$, {number(size.plant.operators)} operators a shift",
        ]
    )


def sizing_document(scenario: Scenario, size: PlantSize) -> dict[str, Any]:
    """What `cellfab size --json` prints."""
    return {
        "schema_version": SCHEMA_VERSION,
        "scenario": {"name": scenario.name, "digest": scenario.digest},
        "product": size.product,
        "sizing": size.sizing.model_dump(mode="json"),
        "present_gwh_per_year": size.present_gwh_per_year,
        "capex_musd": size.capex_musd,
        "stations": {
            name: {
                "needed_per_h": station.needed_per_h, "one_per_h": _plain(station.one_per_h), "unit": station.unit,
                "planned_share": station.planned_share, "oee_share": station.oee_share,
                "exact": _plain(station.exact), "machines": station.machines, "present": station.present,
                "utilisation": _plain(station.utilisation), "economics": station.economics.model_dump(mode="json"),
            }
            for name, station in size.stations.items()
        },
        "plant": size.plant.model_dump(mode="json"),
        "crews": dict(size.crews),
        "buffers": dict(size.buffers),
    }  # fmt: skip


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None


# ---- the overlay ----------------------------------------------------------------------------------------------


def overlay_text(scenario: Scenario, size: PlantSize, base: str) -> str:
    """The sized plant as YAML that extends `base` and says only what is different."""
    return "\n".join(_overlay(scenario, size, base)) + "\n"


def _overlay(scenario: Scenario, size: PlantSize, base: str) -> Iterator[str]:
    sizing, gwh = size.sizing, size.sizing.gwh_per_year
    label = f"{gwh:g}".replace(".", "_")
    oee = f"the run {sizing.oee}" if sizing.oee else "the mature line in closed form"
    yield f"# {scenario.name} sized to {gwh:g} GWh a year by `cellfab size`: {_METHODS[sizing.method]}."
    yield f"# Effectiveness: {oee}. It was {number(size.present_gwh_per_year)} GWh a year."
    yield ""
    yield f"name: {json.dumps(f'{scenario.name}_{label}gwh')}"
    yield f"description: {json.dumps(f'{scenario.spec.description} ({gwh:g} GWh a year)', ensure_ascii=False)}"
    yield f"extends: {json.dumps(base, ensure_ascii=False)}"
    yield ""
    yield "economics:"
    yield "  sizing:"
    yield f"    method: {sizing.method}"
    yield f"    gwh_per_year: {gwh:.10g}"
    yield f"    reserve_share: {sizing.reserve_share:.10g}"
    if sizing.machine_price_ratio != 1.0:
        yield f"    machine_price_ratio: {sizing.machine_price_ratio:.10g}"
    if sizing.oee:
        yield f"    oee: {json.dumps(sizing.oee, ensure_ascii=False)}"
    if sizing.scaled_from_gwh_per_year is not None:
        yield f"    scaled_from_gwh_per_year: {sizing.scaled_from_gwh_per_year:.6g}"
    if sizing.machine_price_musd:
        yield "    machine_price_musd:"
        for name, price in sizing.machine_price_musd.items():
            yield f"      {name}: {price:.6g}"
    shared = "in proportion to output" if sizing.method == "machines" else "by BatPaC's exponents"
    elsewhere = "" if sizing.machine_price_ratio == 1.0 else f", at {sizing.machine_price_ratio:g} of the price"
    yield from _money(scenario, ("economics", "plant"), size.plant, f"{shared}{elsewhere}", shared)
    if size.plant.consumables:
        yield "    consumables:"
        yield from (f"      {name}: {{amount: {one.amount:.6g}}}" for name, one in size.plant.consumables.items())
    yield ""
    yield "line:"
    if size.crews:
        yield f"  crews: {_flow({name: f'{{size: {crew}}}' for name, crew in size.crews.items()})}"
    if size.buffers:
        yield "  buffers:"
        yield from (f"    {name}: {{capacity: {capacity:g}}}" for name, capacity in size.buffers.items())
    yield "  stations:"
    for name, station in size.stations.items():
        count, price = station.machines, station.economics.capex_musd / station.machines
        whole = sizing.method == "machines"
        capital = f"{count} x {price:.4g} M$" if whole else shared
        lines = list(_station(scenario, name, station, f"{capital}{elsewhere}", f"of {count}" if whole else shared))
        if lines:
            yield from (f"    {name}:", *lines)


def _station(scenario: Scenario, name: str, size: StationSize, capital: str, others: str) -> Iterator[str]:
    if not math.isnan(size.exact):
        yield (
            f"      # {size.needed_per_h:.6g} {size.unit} per h needed, {size.one_per_h:.4g} from one,"
            f" {100.0 * size.planned_share * size.oee_share:.1f} % of the time: {size.exact:.2f}"
        )
        yield f"      {_counted(scenario.spec.line.stations[name])}: {size.machines}"
    yield from _money(scenario, ("line", "stations", name, "economics"), size.economics, capital, others)


def _counted(station: Station) -> str:
    """The key that says how many machines, positions or places there are."""
    if isinstance(station, ChannelsStation):
        return "positions"
    return "capacity" if isinstance(station, DwellStation) and station.capacity is not None else "parallel"


def _money(scenario: Scenario, path: TreePath, owned: Any, capital: str, others: str) -> Iterator[str]:
    """What is owned and has changed, with range and source of each value that has them, and why it is that much."""
    indent, begun = "  " * (len(path) - 1), False
    resolved = scenario.resolved
    for name, value in owned:
        before = resolved.get((*path, name))
        if not isinstance(value, float) or before is None or value == before:
            continue
        note = resolved.notes.get((*path, name))
        if note is None or not note.source:
            text = f"{value:.6g}"
        else:
            text = _flow(_sourced(value, before, note, capital if name == "capex_musd" else others))
        if not begun:
            yield f"{indent}{path[-1]}:"
            begun = True
        yield f"{indent}  {name}: {text}"


def _sourced(value: float, before: float, note: Sourced, why: str) -> dict[str, str]:
    entry = {"value": f"{value:.6g}"}
    for end in ("low", "high"):
        bound = getattr(note, end)
        if bound is not None and before:
            entry[end] = f"{bound * value / before:.6g}"
    return entry | {"source": json.dumps(f"{note.source}; {why}", ensure_ascii=False)}


def _flow(entries: dict[str, str]) -> str:
    return "{" + ", ".join(f"{name}: {value}" for name, value in entries.items()) + "}"


def base_for(config: str, target: Path) -> str:
    """What a file at `target` must extend to mean the configuration that a user called `config`."""
    path = library.find(config)
    shipped = library.lookup(config)
    if shipped is not None and shipped == path:
        return config
    return Path(os.path.relpath(path, target.absolute().parent)).as_posix()


def write_overlay(text: str, target: Path, *, force: bool = False) -> None:
    """Write an overlay whole or not at all, after loading it as a scenario; a file that is there stays.

    Raises
    ------
    UsageError
        If `target` exists and `force` is not given, or cannot be written.
    ConfigError
        If the overlay is not a valid scenario.
    """
    if target.exists() and not force:
        raise _occupied(target)
    try:
        handle, name = tempfile.mkstemp(prefix=".partial-", suffix=".yaml", dir=target.parent)
    except OSError as error:
        raise UsageError(f"cannot write '{target}': {error.strerror}") from error
    partial = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        load_scenario(partial)
        partial.chmod(0o644)
        if force:
            partial.replace(target)
        else:
            # Unlike a rename, a link fails if somebody else has put a file there meanwhile.
            target.hardlink_to(partial)
    except FileExistsError as error:
        raise _occupied(target) from error
    except OSError as error:
        raise UsageError(f"cannot write '{target}': {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)


def _occupied(target: Path) -> UsageError:
    return UsageError(f"'{target}' is there already; choose another name with -o, or overwrite it with --force")
