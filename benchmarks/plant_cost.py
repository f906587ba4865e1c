"""What a kilowatt-hour costs in the plants of 20 GWh a year, account by account: the tables of docs/cost.md.

    python benchmarks/plant_cost.py [SCENARIO ...]

Mature plants are simulated for sixteen weeks, of which the last thirteen count; a plant with a ramp for its first year,
all of which counts. Prints a table in Markdown, and CPU seconds and peak memory of each.
"""

from __future__ import annotations

import resource
import sys
import time
from collections import defaultdict
from collections.abc import Mapping

from cellfab.core.ledger import Holding
from cellfab.economics.capital import WEEKS_PER_YEAR
from cellfab.economics.price import price_usd
from cellfab.economics.statement import Period, total
from cellfab.outcome.books import Books
from cellfab.replicate import simulate
from cellfab.scenario import Scenario, load_scenario

PLANTS = ("us_lfp_20gwh", "cn_lfp_20gwh", "us_lfp_20gwh_ramp")
COUNTED_WEEKS = 13
GROUPS: Mapping[str, tuple[str, ...]] = {
    "cathode powder": ("materials.lfp",),
    "graphite": ("materials.graphite",),
    "electrolyte": ("materials.electrolyte",),
    "separator": ("materials.separator",),
    "copper foil": ("materials.cu_foil",),
    "aluminium foil": ("materials.al_foil",),
    "can, lid, tabs": (
        "materials.prismatic_can", "materials.prismatic_lid", "materials.seal_pin", "materials.tab_cu",
        "materials.tab_al", "materials.tape",
    ),
    "binders, carbon, solvents": (
        "materials.pvdf", "materials.cmc_sbr", "materials.carbon", "materials.nmp", "materials.deionised_water",
    ),
    "labour: operators": ("labour",),
    "labour: crews": ("labour.",),
    "equipment": ("capital",),
    "building": ("building",),
    "maintenance": ("maintenance",),
    "overhead": ("overhead",),
    "consumables": ("consumables.",),
    "electricity and heat": ("electricity", "heat"),
    "working capital": ("working_capital",),
    "scrap: freight less proceeds": ("scrap_freight", "recycling.lfp", "recycling.cu_foil", "recycling.al_foil"),
}  # fmt: skip
"""Rows of the table, by account, or all that begin with a name that ends with a dot; others are in a last row."""


def measured(scenario: Scenario) -> tuple[Period, float]:
    """The weeks that count as one period, and good output of a year at their rate, GWh."""
    done = simulate(scenario, 1)
    assert done.plant is not None
    weeks = round(scenario.spec.run.horizon_h / 168.0)
    counted = weeks if scenario.spec.ramp is not None else COUNTED_WEEKS
    period = total(Books(done.plant, weeks, ()).periods, weeks - counted)
    return period, period.good_kwh * 1e-6 / counted * WEEKS_PER_YEAR


def grouped(period: Period) -> dict[str, float]:
    """Full cost by row of the table, usd per good kWh."""
    rest = {account: usd / period.good_kwh for account, usd in period.by_account.items()}
    rows = {}
    for row, names in GROUPS.items():
        prefixes = tuple(name for name in names if name.endswith("."))
        taken = [account for account in rest if account in names or (prefixes and account.startswith(prefixes))]
        rows[row] = sum(rest.pop(account) for account in taken)
    return {**rows, "other": sum(rest.values())}


def main(names: list[str]) -> None:
    """Print the table."""
    columns: dict[str, dict[str, float]] = defaultdict(dict)
    for name in names:
        begun = time.process_time()
        scenario = load_scenario(name)
        period, gwh = measured(scenario)
        economics = scenario.spec.economics
        assert economics is not None
        seconds, megabytes = time.process_time() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{name}: {gwh:.2f} GWh a year, {seconds:.0f} s of one core, {megabytes:.0f} MB", file=sys.stderr)
        columns[name] = grouped(period) | {
            "**full cost**": period.full_cost_usd / period.good_kwh,
            "**cash cost**": period.cash_cost_usd / period.good_kwh,
            "**price**, with BatPaC's mark-ups": price_usd(period, economics) / period.good_kwh,
            "of the full cost, in what was scrapped": period.by_holding.get(Holding.SCRAP, 0.0) / period.good_kwh,
            "of the full cost, idle capacity": period.by_holding.get(Holding.IDLE_CAPACITY, 0.0) / period.good_kwh,
        }
    print(f"| $ per good kWh | {' | '.join(names)} |")
    print(f"|---|{'---:|' * len(names)}")
    for row in columns[names[0]]:
        print(f"| {row} | {' | '.join(f'{columns[name][row]:.1f}' for name in names)} |")


if __name__ == "__main__":
    main(sys.argv[1:] or list(PLANTS))
