"""Words and colours of the report: what each figure is called, and one colour for one meaning everywhere.

Colours are those of Okabe and Ito (Color Universal Design, 2008) for states, products and phases, and the "muted"
scheme of Paul Tol (SRON technical note, 2021) where more than eight are needed; both stay apart for the colour-blind.
"""

from __future__ import annotations

from collections.abc import Sequence

from cellfab.result import Kpi

BLUE, ORANGE, GREEN, SKY = "#0072B2", "#E69F00", "#009E73", "#56B4E9"
VERMILION, PURPLE, YELLOW, GREY = "#D55E00", "#CC79A7", "#F0E442", "#8C8C8C"

PRODUCT_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION)
ACCOUNT_COLOURS = (
    "#88CCEE",
    "#CC6677",
    "#DDCC77",
    "#44AA99",
    "#AA4499",
    "#999933",
    "#117733",
    "#6F6BC8",
    "#BBBBBB",
)

STATES: dict[str, tuple[str, str]] = {
    "working": ("working", GREEN),
    "setup": ("setup", YELLOW),
    "starved": ("starved", SKY),
    "blocked": ("blocked", BLUE),
    "down": ("down", VERMILION),
    "waiting_crew": ("waiting for crew", ORANGE),
    "planned": ("planned off", PURPLE),
    "converting": ("converting", GREY),
}
"""Station states in the order in which bars are stacked: label and colour."""

PHASE_COLOURS = {
    "drain": ORANGE,
    "rebuild": GREY,
    "qualification": SKY,
}
"""Shading of the conversion's phases; running and released time is left white."""

QUIET_PHASES = frozenset({"running", "released"})
"""Phases in which the line makes what it is there for."""

_KPI_LABELS: dict[str, tuple[str, str]] = {
    "good_energy_mwh": ("Good output", "energy of the cells that can be sold"),
    "final_yield": ("Final yield", "good cells of those started that have left the line"),
    "first_pass_yield": ("First-pass yield", "without repair or second try"),
    "rolled_throughput_yield": ("Rolled throughput yield", "product of the yields of all steps"),
    "cash_cost_usd_per_kwh": ("Cash cost", "per good kWh, without capital"),
    "cost_usd_per_kwh": ("Full cost", "per good kWh, with capital and interest on what is bound"),
    "price_usd_per_kwh": ("Price", "per good kWh, cost with research, profit and warranty as in BatPaC"),
    "net_cost_usd_per_kwh": ("Full cost after credits", "per good kWh, less tax credits earned"),
    "scrap_cost_usd": ("Scrap cost", "value already added to what was thrown away"),
    "throughput_per_h": ("Throughput", "leaving the line"),
    "bottleneck": ("Bottleneck", "station that limits the line"),
    "weeks_to_90pct_rate": ("Weeks to 90 % of rate", "from the stop of the old product, or from the start"),
    "weeks_to_90pct_yield": ("Weeks to 90 % yield", "from the stop of the old product, or from the start"),
    "npv_musd": ("Net present value", "of the run and the years after it, before tax"),
    "lead_time_mean_h": ("Lead time", "mean, first step to exit"),
    "wip_mean": ("Work in process", "mean over time"),
    "escape_ppm": ("Escapes", "defective cells among those shipped"),
    "energy_kwh_per_kwh": ("Energy use", "electricity and heat per good kWh of cells"),
    "electricity_kwh_per_kwh": ("Electricity", "per good kWh of cells"),
    "heat_kwh_per_kwh": ("Heat", "per good kWh of cells"),
    "energy_in_scrap_kwh_per_kwh": ("Energy in scrap", "used by what was thrown away, per good kWh"),
    "co2_energy_kg_per_kwh": ("Carbon dioxide of energy", "per good kWh of cells"),
    "co2_materials_kg_per_kwh": ("Carbon dioxide of materials", "of making them up to the gate, per good kWh"),
    "co2_kg_per_kwh": ("Carbon dioxide", "of energy, and of materials that have a factor"),
    "sales_musd": ("Sales", "cells sold at the plant's gate"),
    "credits_musd": ("Tax credits", "earned by the cells sold"),
    "tariffs_musd": ("Duties", "on materials, in full and cash cost"),
    "recycling_musd": ("Scrap sold", "paid by recyclers, already off full and cash cost"),
    "working_capital_musd": ("Working capital", "bound in stock, work in progress and bills, mean"),
    "material_assistance_share": ("Material not from prohibited origins", "of direct material cost, least product"),
    "capex_musd": ("Capital spent", "equipment and conversion"),
    "field_failures_ppm_10y": ("Field failures", "within ten years, by defects that no test found"),
    "rack_usable_fraction": ("Usable in racks", "share that the weakest cell of a matched string leaves usable"),
    "false_reject_cost_usd": ("False rejects", "value of sound pieces thrown away, as far as steps tell"),
    "irr_share_per_year": ("Rate of return", "a year, of the run and the years after it"),
    "payback_weeks": ("Payback", "weeks from the first capital spent"),
    "peak_cash_need_musd": ("Peak cash need", "most money that is out at any time"),
    "levelised_cost_usd_per_kwh": ("Levelised full cost", "discounted cost over discounted kWh of the run"),
    "cash_burnt_in_scrap_musd": ("Cash burnt in scrap", "less what recyclers paid"),
    "cost_usd_per_kwh_last_quarter": ("Full cost, last quarter", "per good kWh"),
    "good_energy_mwh_last_quarter": ("Good output, last quarter", ""),
}
_UNIT_ENDINGS = ("_per_kwh", "_gwh", "_mwh", "_kwh", "_musd", "_usd", "_ppm", "_h", "_s")
HEADLINES = 14
"""Most figures shown as cards; all of them are in the table below."""

_SHARE_NAMES = ("yield", "oee", "availability", "utilisation", "utilization", "share", "starved", "blocked", "working")


def colours(products: Sequence[str]) -> dict[str, str]:
    """One colour for each product, the same in every chart."""
    return {name: PRODUCT_COLOURS[place % len(PRODUCT_COLOURS)] for place, name in enumerate(products)}


def account(name: str) -> str:
    """A ledger account in words: "material.foil" becomes "material: foil"."""
    return words(name).replace(".", ": ")


def station_step(station: str, step: str) -> str:
    """A station in words, with its step where the station's name does not tell it."""
    place, what = words(station), words(step)
    return place if not step or what in place else f"{place}: {what}"


def sentence(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


def words(name: str) -> str:
    """A name from a configuration as words: underscores become spaces."""
    return name.replace("_", " ").strip() or name


def kpi_label(name: str) -> tuple[str, str]:
    """Label and explanation of a figure; of one that is not in the catalogue, its own name in words."""
    known = _KPI_LABELS.get(name)
    if known is not None:
        return known
    head, _, tail = name.partition(".")
    head = next((head.removesuffix(end) for end in _UNIT_ENDINGS if head.endswith(end)), head)
    return (f"{words(head).capitalize()}, {words(tail)}" if tail else words(head).capitalize()), ""


def kpi_unit(name: str, kpi: Kpi) -> str:
    """Unit of a figure; a bare number whose name says it is a yield or a share is one."""
    bare = kpi.unit in ("", "1")
    number = isinstance(kpi.value, int | float)
    return "share" if bare and number and any(word in name.split(".")[0] for word in _SHARE_NAMES) else kpi.unit


def headline_names(kpi: dict[str, Kpi]) -> list[str]:
    """Names of the figures shown as cards: those of the catalogue first, then others of the whole line."""
    chosen = [name for name in _KPI_LABELS if name in kpi and kpi[name].value is not None]
    others = [name for name in kpi if name not in _KPI_LABELS and "." not in name and kpi[name].value is not None]
    return (chosen + others)[:HEADLINES]


def phase_colour(name: str) -> str | None:
    """Colour of a phase of the conversion; None for one that is not shaded."""
    if name in QUIET_PHASES:
        return None
    return PHASE_COLOURS.get(name.partition(" of ")[0], PURPLE)  # of one of several lines


def state_label(state: str) -> str:
    """A station state in words."""
    return STATES[state][0] if state in STATES else words(state)


def state_colour(state: str) -> str:
    """Colour of a station state."""
    return STATES[state][1] if state in STATES else "#BBBBBB"
