"""Figures by buyer, of a plant whose cells are sold by specifications."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from cellfab.outcome.books import Books
from cellfab.result import NOTHING_SOLD, Kpi

BUYERS = ("week", "product", "buyer", "cells", "kwh", "usd", "short_cells")
"""Columns of `RunResult.buyers`, after `replicate`."""
NO_STRING = "no string of cells in series is complete"


def buyer_rows(books: Books) -> Iterator[dict[str, Any]]:
    """Rows of `RunResult.buyers`: weeks in which a product was finished, who pays most first."""
    plant = books.plant
    run, counts = plant.scenario.spec.run, plant.by_buyer
    prices = {
        name: price.weekly(run.start_date, books.weeks) for name, price in plant.scenario.spec.sale_prices().items()
    }
    for (week, product, name), taken in counts.taken.items():
        sale = prices[product][min(week, books.weeks - 1)] if product in prices else math.nan
        usd = taken.kwh * (sale * counts.price_ratio(product, name))
        yield {
            "week": week, "product": product, "buyer": name, "cells": taken.cells, "kwh": taken.kwh, "usd": usd,
            "short_cells": taken.short,
        }  # fmt: skip


def buyer_kpis(books: Books) -> dict[str, Kpi]:
    """Key figures NAME.buyer.BUYER: its share of the cells, its energy, what it paid, cells short of what it demands,
    and what the weakest cells of its strings leave usable."""
    counts = books.plant.by_buyer
    kpis: dict[str, Kpi] = {}
    names = counts.names()
    whole = {name: counts.whole(name) for name in names}
    cells = sum(taken.cells for taken in whole.values())
    paid = dict.fromkeys(names, 0.0)
    for row in buyer_rows(books):
        paid[row["buyer"]] += row["usd"]
    for name, taken in whole.items():
        kpis[f"cells_share.buyer.{name}"] = Kpi.ratio(taken.cells, cells, "1", NOTHING_SOLD)
        kpis[f"good_energy_mwh.buyer.{name}"] = Kpi(taken.kwh / 1e3, "MWh")
        unpriced = "sale_price_usd_per_kwh is not given"
        kpis[f"sales_musd.buyer.{name}"] = Kpi.known(paid[name] / 1e6, "MUSD", unpriced)
        kpis[f"short_share.buyer.{name}"] = Kpi.ratio(taken.short, taken.cells, "1", "it took no cell")
        usable = [
            racks.usable_fraction for (_, buyer), racks in counts.racks.items() if buyer == name and racks.strings
        ]
        kpis[f"rack_usable_fraction.buyer.{name}"] = Kpi.known(min(usable, default=None), "1", NO_STRING)
    return kpis
