"""Results as a run would give them, drawn from plausible curves: no physics, but every column and awkward case."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cellfab.result import Kpi, Phase, RunResult

WEEKS = 104
STOP, BUILT, RELEASED = 30, 44, 52
BRANCH = ("dosing", "premix", "fibrillation", "film_forming", "calender", "slitting", "notching", "vacuum_dryer")
CELL_STATIONS = (
    "winder",
    "tab_folder",
    "disc_welder",
    "can_inserter",
    "filler",
    "wetting",
    "formation",
    "ageing",
    "grading",
)
CAUSES = (
    ("disc_welder", "weld", "cold_weld", "seam too shallow: cold weld on the copper side", 0.24),
    ("disc_welder", "weld", "burn_through", "burn-through of the folded foil", 0.17),
    ("cathode_film_forming", "film_forming", "edge_crack", "film edge cracked", 0.14),
    ("formation", "formation", "low_capacity", "capacity below grade C", 0.11),
    ("winder", "wind", "telescoping", "jelly roll telescoped", 0.08),
    ("ageing", "ageing", "self_discharge", "K-value too high: soft short", 0.07),
    ("cathode_fibrillation", "fibrillation", "over_fibrillated", "mix over-fibrillated", 0.05),
    ("cathode_calender", "calender", "thickness", "thickness out of tolerance", 0.045),
    ("anode_film_forming", "film_forming", "edge_crack", "film edge cracked", 0.03),
    ("anode_calender", "calender", "thickness", "thickness out of tolerance", 0.02),
    ("filler", "fill", "underfill", "too little electrolyte", 0.015),
    ("cathode_notching", "notch", "burr", "burr over limit", 0.01),
    ("grading", "grade", "resistance", "resistance above limit", 0.008),
    ("anode_notching", "notch", "burr", "burr over limit", 0.006),
    ("wetting", "wetting", "expired", "waited too long for formation", 0.004),
)


def line_graph() -> tuple[tuple[tuple[str, str, str], ...], tuple[tuple[str, str], ...]]:
    """A dry 4680 line: two electrode branches and the separator meet at the winder, with buffers between."""
    nodes: list[tuple[str, str, str]] = []
    edges: list[tuple[str, str]] = []
    ends = []
    for branch in ("cathode", "anode"):
        last = f"{branch}_powder"
        nodes.append((last, "source", ""))
        for place, step in enumerate(BRANCH):
            station = f"{branch}_{step}"
            nodes.append((station, "web" if place > 2 else "batch", step))
            if place in (3, 5):
                buffer = f"{branch}_rolls_{place}"
                nodes.append((buffer, "buffer", ""))
                edges += [(last, buffer), (buffer, station)]
            else:
                edges.append((last, station))
            last = station
        buffer = f"{branch}_ready"
        nodes.append((buffer, "buffer", ""))
        edges.append((last, buffer))
        ends.append(buffer)
    nodes.append(("separator_rolls", "source", ""))
    ends.append("separator_rolls")
    for station in CELL_STATIONS:
        kind = {"wetting": "dwell", "ageing": "dwell", "formation": "channels"}.get(station, "serial")
        nodes.append((station, kind, station))
        edges += [(end, station) for end in ends]
        ends = [station]
        if station in ("disc_welder", "filler", "formation"):
            nodes.append((f"after_{station}", "buffer", ""))
            edges.append((station, f"after_{station}"))
            ends = [f"after_{station}"]
    nodes.append(("shipping", "sink", ""))
    edges.append(("grading", "shipping"))
    return tuple(nodes), tuple(edges)


def _phase(week: int) -> str:
    for name, end in (("running", STOP - 2), ("drain", STOP), ("rebuild", BUILT), ("qualification", RELEASED)):
        if week < end:
            return name
    return "released"


def _weekly(replicates: int, noise: np.random.Generator) -> pd.DataFrame:
    rows = []
    for replicate in range(replicates):
        for week in range(WEEKS):
            phase = _phase(week)
            old = week < STOP
            age = week if old else max(0, week - BUILT)
            line_yield = (0.93 - 0.5 * math.exp(-age / 14.0)) if old else (0.93 - 0.35 * math.exp(-age / 12.0))
            rate = (1.0 - 0.6 * math.exp(-(age + 1) / 16.0)) * {"drain": 0.5, "rebuild": 0.0}.get(phase, 1.0)
            line_yield = min(0.99, max(0.05, line_yield + 0.012 * noise.standard_normal()))
            started = int(180_000 * rate * (1.0 + 0.05 * noise.standard_normal()))
            good = int(started * line_yield)
            sold = 0 if phase == "qualification" else good
            energy = sold * (0.088 if old else 0.062) / 1_000.0
            cash = 260_000.0 + started * (5.6 if old else 3.4)
            full = cash + 300_000.0
            rows.append(
                {
                    "replicate": replicate, "week": week, "phase": phase, "product": "ev_nmc811" if old else "ess_lfp",
                    "cells_started": started, "cells_good": good, "cells_unsold": good - sold,
                    "cells_scrapped": started - good,
                    "line_yield": line_yield if started else math.nan, "good_energy_mwh": energy, "full_cost_usd": full,
                    "cash_cost_usd": cash,
                    "cost_usd_per_kwh": full / (1_000.0 * energy) if energy else math.nan,
                    "cash_cost_usd_per_kwh": cash / (1_000.0 * energy) if energy else math.nan,
                    "idle_cost_usd": 0.2 * cash * (1.0 - rate), "cells_per_min": good / 10_080.0,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def _costs(weekly: pd.DataFrame) -> pd.DataFrame:
    split = {
        "material.cathode": 0.38, "material.anode": 0.12, "material.separator": 0.07, "material.electrolyte": 0.08,
        "material.can": 0.06, "material.foil": 0.07, "labour": 0.14, "electricity": 0.05, "maintenance": 0.03,
    }  # fmt: skip
    rows = []
    for row in weekly.to_dict("records"):
        parts = {account: share * row["cash_cost_usd"] for account, share in split.items()}
        parts["capital"] = row["full_cost_usd"] - row["cash_cost_usd"]
        for account, usd in parts.items():
            rows.append(
                {
                    "replicate": row["replicate"], "week": row["week"], "station": "winder", "place": "winder",
                    "step": "wind", "product": row["product"], "account": account,
                    "quantity": usd / 10.0, "unit": "kg", "usd": usd,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def _holdings(costs: pd.DataFrame) -> pd.DataFrame:
    """What was spent has left the line in the same week: seven eighths in good cells, the rest as scrap."""
    parts = [
        costs.assign(holding=holding, form="", quantity=share * costs["quantity"], usd=share * costs["usd"])
        for holding, share in (("finished_good", 0.875), ("scrap", 0.125))
    ]
    columns = ["replicate", "week", "holding", "product", "form", "account", "quantity", "unit", "usd"]
    return pd.concat(parts, ignore_index=True)[columns]


def _releases(weekly: pd.DataFrame) -> pd.DataFrame:
    """Cells finished for sale."""
    sold = weekly[weekly["good_energy_mwh"] > 0.0]
    frame = sold[["replicate", "week", "product"]].copy()
    frame["station"] = frame["place"] = "grading"
    frame["holding"], frame["reason"], frame["form"] = "finished_good", frame["product"], ""
    frame["rows"] = sold["cells_good"]
    frame["energy_kwh"], frame["usd"] = 1e3 * sold["good_energy_mwh"], 0.0
    return frame.reset_index(drop=True)


def _incomes(weekly: pd.DataFrame) -> pd.DataFrame:
    """Sales at 150 $/kWh."""
    frame = weekly.loc[weekly["good_energy_mwh"] > 0.0, ["replicate", "week", "product"]].copy()
    frame["place"], frame["account"], frame["unit"] = "grading", "sales", "kWh"
    frame["quantity"] = 1e3 * weekly["good_energy_mwh"]
    frame["usd"] = 150.0 * frame["quantity"]
    return frame[["replicate", "week", "place", "account", "product", "quantity", "unit", "usd"]].reset_index(drop=True)


def _cash(weekly: pd.DataFrame) -> pd.DataFrame:
    """20 M$ in the first week, sales at once, and ten weeks after the run like the last."""
    frames = []
    for replicate, mine in weekly.groupby("replicate"):
        weeks = [*range(len(mine)), *range(len(mine), len(mine) + 10)]
        rows = mine.sort_values("week").iloc[[min(week, len(mine) - 1) for week in weeks]]
        frame = pd.DataFrame({"replicate": replicate, "week": weeks})
        frame["simulated"] = (frame["week"] < len(mine)).astype(int)
        frame["sales_usd"] = 150e3 * rows["good_energy_mwh"].to_numpy()
        frame["credits_usd"], frame["recycling_usd"] = 0.0, 1e3
        frame["operating_usd"] = rows["cash_cost_usd"].to_numpy()
        frame["capital_usd"] = [20e6 if week == 0 else 0.0 for week in weeks]
        signs = (("sales_usd", 1), ("recycling_usd", 1), ("operating_usd", -1), ("capital_usd", -1))
        frame["net_usd"] = sum(sign * frame[name] for name, sign in signs)
        frame["cumulative_usd"] = frame["net_usd"].cumsum()
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def _states(
    stations: list[str], weeks: int, replicates: int, noise: np.random.Generator, converting: bool
) -> pd.DataFrame:
    rows = []
    for replicate in range(replicates):
        for index, station in enumerate(stations):
            for week in range(weeks):
                if converting and STOP <= week < BUILT:
                    rows.append((replicate, week, station, "converting", 168.0))
                    continue
                working = min(0.95, 0.45 + 0.42 * abs(math.sin(1.7 * index)) + 0.03 * noise.standard_normal())
                down = min(1.0 - working, 0.05)
                left = 1.0 - working - down
                parts = {
                    "working": working, "down": down, "starved": 0.5 * left, "blocked": 0.3 * left, "setup": 0.1 * left,
                    "planned": 0.07 * left, "waiting_crew": 0.03 * left,
                }  # fmt: skip
                rows += [(replicate, week, station, state, 168.0 * share) for state, share in parts.items()]
    return pd.DataFrame(rows, columns=["replicate", "week", "station", "state", "hours"])


def _scrap(weekly: pd.DataFrame, replicates: int) -> pd.DataFrame:
    rows = []
    for replicate in range(replicates):
        for product in ("ev_nmc811", "ess_lfp"):
            mine = weekly[(weekly["replicate"] == replicate) & (weekly["product"] == product)]
            lost = float(mine["cells_scrapped"].sum())
            for station, step, cause, text, share in CAUSES:
                late = 1.0 if station in ("formation", "ageing", "grading", "filler") else 0.5
                unit = "segments" if station.startswith(("cathode", "anode")) else "cells"
                rows.append(
                    {
                        "replicate": replicate, "product": product, "station": station, "step": step, "cause": cause,
                        "text": text, "rows": int(lost * share), "row_unit": unit, "cell_equivalents": lost * share,
                        "usd": lost * share * late * 7.0, "false_rejects": math.nan,
                    }
                )  # fmt: skip
    return pd.DataFrame(rows)


def _steps(scrap: pd.DataFrame, weekly: pd.DataFrame, stations: list[str]) -> pd.DataFrame:
    rows = []
    for (replicate, product), mine in scrap.groupby(["replicate", "product"]):
        picked = (weekly["replicate"] == replicate) & (weekly["product"] == product)
        flowing = int(weekly.loc[picked, "cells_started"].sum())
        for station in stations:
            lost = int(mine.loc[mine["station"] == station, "rows"].sum())
            rows.append(
                {
                    "replicate": replicate, "product": product, "station": station,
                    "step": station.removeprefix("cathode_").removeprefix("anode_"), "rows_in": flowing,
                    "rows_scrapped": lost, "row_unit": "cells", "step_yield": 1.0 - lost / flowing,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def _buffers(names: list[str], replicates: int) -> pd.DataFrame:
    rows = []
    for replicate in range(replicates):
        for index, name in enumerate(names):
            capacity = math.nan if index == len(names) - 1 else 8.0 + 4.0 * index
            mean = 2.0 + index + 0.1 * replicate
            rows.append(
                {
                    "replicate": replicate, "buffer": name, "unit": "rolls", "capacity": capacity, "mean": mean,
                    "maximum": 7.0 + index, "wait_mean_s": 1_800.0 * (index + 1), "wait_p95_s": 5_400.0 * (index + 1),
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def _kpis(weekly: pd.DataFrame, replicates: int, stations: list[str]) -> dict[str, Kpi]:
    energy = float(weekly["good_energy_mwh"].sum()) / replicates
    full = float(weekly["full_cost_usd"].sum()) / (1_000.0 * replicates * energy) if energy else None

    def kpi(value: float | None, unit: str) -> Kpi:
        if value is None:
            return Kpi(None, unit, reason="nothing was sold")
        wide = 0.02 * abs(value) if replicates > 1 else None
        return Kpi(value, unit, value - wide if wide else None, value + wide if wide else None, replicates)

    out = {
        "throughput_per_h": kpi(842.3, "cells/h"), "good_energy_mwh": kpi(energy, "MWh"),
        "first_pass_yield": kpi(0.8412, "1"), "rolled_throughput_yield": kpi(0.8533, "1"),
        "final_yield": kpi(0.861, "1"), "bottleneck": Kpi("disc_welder", "station", n=replicates),
        "wip_mean": kpi(96_234.0, "cells"),
        "lead_time_mean_h": kpi(412.0, "h"), "scrap_cost_usd": kpi(5.1e6, "USD"),
        "cost_usd_per_kwh": kpi(full, "USD/kWh"),
        "cash_cost_usd_per_kwh": kpi(None if full is None else 0.8 * full, "USD/kWh"),
        "energy_kwh_per_kwh": kpi(38.4, "kWh/kWh"), "escape_ppm": kpi(71.0, "ppm"),
        "weeks_to_90pct_rate": kpi(31.0, "weeks"),
        "weeks_to_90pct_yield": Kpi(None, "weeks", reason="not reached within the run"),
        "capex_musd": kpi(182.0, "MUSD"),
    }  # fmt: skip
    for index, station in enumerate(stations):
        out[f"oee.{station}"] = kpi(0.5 + 0.01 * index, "1")
        out[f"availability.{station}"] = kpi(0.9 - 0.005 * index, "1")
        out[f"utilisation.{station}"] = kpi(0.6 + 0.01 * index, "1")
    return out


def _energy(stations: list[str], replicates: int, sold_kwh: float) -> pd.DataFrame:
    rows = []
    for replicate in range(replicates):
        for place, carrier, use, kwh, scrap in (
            (stations[0], "electricity", "process", 4e4, 5e3), (stations[0], "heat", "process", 9e5, 1e5),
            (stations[0], "electricity", "stand_by", 1e4, 0.0), (stations[-1], "electricity", "working", 3e5, 1e3),
            ("plant", "heat", "always_on", 2e6, 0.0),
        ):  # fmt: skip
            per = kwh * replicates / sold_kwh if sold_kwh else math.nan
            rows.append(
                {
                    "replicate": replicate, "place": place, "step": "", "carrier": carrier, "use": use, "kwh": kwh,
                    "kwh_per_kwh": per, "scrap_kwh": scrap, "scrap_share": scrap / kwh, "co2_kg": 0.3 * kwh,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def _prices() -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"replicate": 0, "week": week, "item": item, "unit": "kg", "usd": usd * (3.0 if item == "graphite"
             and 30 <= week < 40 else 1.0)}
            for week in range(WEEKS) for item, usd in (("graphite", 5.0), ("lfp", 8.0))
        ]
    )  # fmt: skip


@pytest.fixture(scope="session")
def make_plant() -> Callable[..., RunResult]:
    """A function that makes a plant's result: `replicates`, and `rename` applied to every name from a configuration."""

    def make(replicates: int = 1, rename: dict[str, str] | None = None, sales: bool = True) -> RunResult:
        noise = np.random.default_rng(11)
        nodes, edges = line_graph()
        names = rename or {}
        stations = [name for name, kind, _ in nodes if kind not in ("source", "sink", "buffer")]
        weekly = _weekly(replicates, noise)
        if not sales:
            weekly[["good_energy_mwh"]] = 0.0
            weekly[["cost_usd_per_kwh", "cash_cost_usd_per_kwh"]] = math.nan
        scrap = _scrap(weekly, replicates)
        frames = {
            "weekly": weekly,
            "scrap": scrap,
            "steps": _steps(scrap, weekly, stations),
            "costs": _costs(weekly),
            "holdings": _holdings(_costs(weekly)),
            "releases": _releases(weekly),
            "incomes": _incomes(weekly),
            "cash": _cash(weekly),
            "states": _states(stations, WEEKS, replicates, noise, converting=True),
            "buffers": _buffers([name for name, kind, _ in nodes if kind == "buffer"], replicates),
            "energy": _energy(stations, replicates, 1e3 * float(weekly["good_energy_mwh"].sum())),
            "prices": _prices(),
        }
        kpi = _kpis(weekly, replicates, stations)
        kpi["bottleneck"] = Kpi(names.get("disc_welder", "disc_welder"), "station", n=replicates)
        return RunResult(
            name=names.get("ess_from_4680", "ess_from_4680"),
            digest="9f2c4be07d6a11d1a3b2",
            seed=7,
            replicates=replicates,
            kpi=kpi,
            **{name: frame.replace(names) if names else frame for name, frame in frames.items()},
            phases=(
                Phase("running", 0.0, STOP - 2.0),
                Phase("drain", STOP - 2.0, float(STOP)),
                Phase("rebuild", float(STOP), float(BUILT)),
                Phase("qualification", float(BUILT), float(RELEASED)),
                Phase("released", float(RELEASED), float(WEEKS)),
            ),
            nodes=tuple((names.get(name, name), kind, names.get(step, step)) for name, kind, step in nodes),
            edges=tuple((names.get(start, start), names.get(end, end)) for start, end in edges),
            counts={"cells_started": 15_000_000, "cells_good": 12_900_000, "lots": 20_412, "sim_events": 4_211_000},
            timing={"wall_s": 21.25, "setup_s": 1.5},
            manifest={
                "currency_year": 2026,
                "versions": {"cellfab": "0.1.0", "numpy": "2.4.6", "python": "3.12.4"},
                "engine": "compiled",
                "files": [
                    "configs/scenarios/ess_from_4680.yaml",
                    names.get("a_file", "configs/scenarios/ev_4680_dry.yaml"),
                ],
            },
            assumptions=(
                ("ramp.reliability.alpha", 0.35, 0.2, 0.6, names.get("a_note", "assumption: a managed programme")),
                ("economics.wage_usd_per_h", 40.0, 30.0, 50.0, "assumption"),
                ("line.stations.winder.cycle", 0.45, None, None, "assumption"),
            ),
        )

    return make


@pytest.fixture(scope="session")
def plant(make_plant: Callable[..., RunResult]) -> RunResult:
    """A plant over a conversion, five replicates."""
    return make_plant(5)


@pytest.fixture(scope="session")
def bare_line() -> RunResult:
    """A transfer line without chemistry: no weeks, no money, no conversion."""
    nodes = (
        ("arrivals", "source", ""), ("turn", "serial", ""), ("store", "buffer", ""), ("mill", "serial", ""),
        ("done", "sink", ""),
    )  # fmt: skip
    edges = (("arrivals", "turn"), ("turn", "store"), ("store", "mill"), ("mill", "done"))
    noise = np.random.default_rng(3)
    empty = pd.DataFrame()
    kpi = {
        "throughput_per_h": Kpi(51.2, "1/h", 50.9, 51.5, 10),
        "wip_mean": Kpi(3.4, "parts", 3.3, 3.5, 10),
        "lead_time_mean_h": Kpi(0.066, "h", 0.064, 0.068, 10),
        "bottleneck": Kpi("mill", "station", n=10),
        "wait_mean_s.store": Kpi(42.0, "s", 40.0, 44.0, 10),
        "utilisation.turn": Kpi(0.71, "1", 0.70, 0.72, 10),
        "utilisation.mill": Kpi(0.86, "1", 0.85, 0.87, 10),
    }
    return RunResult(
        name="two_machines", digest="ab12cd34ef56", seed=1, replicates=10, kpi=kpi, weekly=empty, scrap=empty,
        steps=empty,
        costs=empty, states=_states(["turn", "mill"], 1, 10, noise, converting=False), buffers=_buffers(["store"], 10),
        nodes=nodes, edges=edges, counts={"lots": 1000}, timing={"wall_s": 0.5}, manifest={"engine": "simpy"},
    )  # fmt: skip


class Page(HTMLParser):
    """Elements of a page in order, with their attributes and own text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "br", "img", "path", "rect"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        self.texts.append((self._open[-1] if self._open else "", data))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def ids(self) -> Iterator[str]:
        return (str(attributes["id"]) for _, attributes in self.elements if "id" in attributes)

    def visible(self) -> str:
        return " ".join(text for tag, text in self.texts if tag not in ("script", "style"))


@pytest.fixture(scope="session")
def parse() -> Callable[[str], Any]:
    return Page
