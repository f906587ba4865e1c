"""What buyers took and paid, from the lots to the key figures, the tables, the ledger and the report."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from cellfab.buyer_counts import BuyerCounts
from cellfab.core.ledger import SALES
from cellfab.core.lot import Lot
from cellfab.errors import ConfigError
from cellfab.outcome.by_buyer import buyer_rows
from cellfab.quality.assessment import quality
from cellfab.replicate import simulate
from cellfab.report.buyers_table import buyer_table
from cellfab.report.numbers import MISSING, percent
from cellfab.report.quality_text import quality_document, quality_text
from cellfab.run import gather
from cellfab.scenario import load_scenario

PLANT = """
name: two_buyers
extends: ev_4680_dry
products:
  ev_nmc811:
    sale_price_usd_per_kwh: 100
    params:
      grade:
        buyers:
          racing: {price_ratio: 1.5, nameplate_ah: 23.0, cells_in_series: 8}
          vans: {nameplate_ah: 21.0, takes_downgraded: true}
"""


@pytest.fixture(scope="module")
def scenario(tmp_path_factory, small_plant):
    file = tmp_path_factory.mktemp("plant") / "two_buyers.yaml"
    file.write_text(PLANT, encoding="utf-8")
    return load_scenario(file, (*small_plant, "run.horizon_h=672"))


@pytest.fixture(scope="module")
def result(scenario):
    return gather(scenario, [simulate(scenario, 1)], 1, {}, {})


def test_cells_energy_and_sales_by_buyer_add_up(result):
    table, kpi = result.buyers, result.kpi
    good = int(result.weekly["cells_good"].sum())
    assert table["cells"].sum() == good > 0
    assert table["kwh"].sum() == pytest.approx(1e3 * kpi["good_energy_mwh"].value)
    paid = table.groupby("buyer")["usd"].sum()
    kwh = table.groupby("buyer")["kwh"].sum()
    assert (kwh > 0.0).all()
    assert paid["racing"] == pytest.approx(150.0 * kwh["racing"])
    assert paid["vans"] == pytest.approx(100.0 * kwh["vans"])
    sales = result.incomes[result.incomes["account"] == SALES]
    assert sales["usd"].sum() == pytest.approx(paid.sum())
    assert sales["usd"].sum() == pytest.approx(1e6 * kpi["sales_musd"].value)
    for name in ("racing", "vans"):
        cells, short = table.loc[table["buyer"] == name, ["cells", "short_cells"]].sum()
        assert kpi[f"cells_share.buyer.{name}"].value == pytest.approx(cells / good)
        assert kpi[f"short_share.buyer.{name}"].value == pytest.approx(short / cells)
        assert kpi[f"good_energy_mwh.buyer.{name}"].value == pytest.approx(kwh[name] / 1e3)
        assert kpi[f"sales_musd.buyer.{name}"].value == pytest.approx(paid[name] / 1e6)
    assert kpi["short_share.buyer.racing"].value > 0.0
    assert kpi["rack_usable_fraction"].value == kpi["rack_usable_fraction.buyer.racing"].value > 0.9


def test_the_years_after_the_run_go_on_at_what_buyers_paid(result):
    later = result.cash[result.cash["week"] >= 20].head(100)
    weekly = result.incomes.loc[result.incomes["account"] == SALES, "usd"].sum() / 4.0
    assert later["sales_usd"].mean() == pytest.approx(weekly, rel=1e-9)


def test_the_report_has_a_row_for_each(result):
    table = buyer_table(result)
    assert [row[0] for row in table.rows] == ["racing", "vans"]
    assert table.rows[0][5].endswith("%")


def test_a_buyer_that_takes_nothing_has_no_shares(result):
    table = result.buyers.assign(cells=0, kwh=0.0, usd=0.0, short_cells=0).where(
        result.buyers["buyer"] == "vans", result.buyers
    )
    table = table.astype(result.buyers.dtypes)
    rows = buyer_table(replace(result, buyers=table)).rows
    assert rows[1][1:3] == ("0", percent(0.0))
    assert rows[1][6] == MISSING


def test_nothing_is_said_where_nobody_asks():
    plain = load_scenario("ev_4680_dry")
    counts = BuyerCounts(plain)
    lot = Lot(1, product="ev_nmc811")
    counts.finished(lot, 0)
    assert (counts.buyers, counts.taken, counts.price_ratios(), counts.names()) == ({}, {}, {}, ())


def test_mean_price_is_weighed_by_energy(scenario):
    counts = BuyerCounts(scenario)
    for week, (racing, vans) in enumerate(((1.0, 3.0), (2.0, 0.0))):
        lot = Lot(week, product="ev_nmc811")
        lot.attributes = {"buyer_kwh_racing": racing, "buyer_kwh_vans": vans, "buyer_cells_racing": 5.0}
        counts.finished(lot, week)
    assert counts.price_ratios() == {(0, "ev_nmc811"): pytest.approx(1.125), (1, "ev_nmc811"): 1.5}
    assert counts.whole("racing").cells == 10


def test_each_week_is_paid_at_its_own_price_and_what_ends_with_the_run_at_the_last(tmp_path):
    file = tmp_path / "two_prices.yaml"
    prices = "{..2026-01-11: 100, 2026-01-12..: 120}"  # from the second week on
    file.write_text(PLANT.replace("sale_price_usd_per_kwh: 100", f"sale_price_usd_per_kwh: {prices}"), encoding="utf-8")
    scenario = load_scenario(file)
    counts = BuyerCounts(scenario)
    for week in (0, 1, 2):
        lot = Lot(week, product="ev_nmc811")
        lot.attributes = {"buyer_kwh_racing": 2.0}
        counts.finished(lot, week)
    books = SimpleNamespace(plant=SimpleNamespace(scenario=scenario, by_buyer=counts), weeks=2)
    paid = [row["usd"] for row in buyer_rows(books) if row["buyer"] == "racing"]
    assert paid == pytest.approx([2 * 150.0, 2 * 180.0, 2 * 180.0])


def test_quality_tells_shares_by_buyer(scenario):
    found = quality(scenario, lots=2)
    racing, vans = found.grades.buyers
    assert racing.cells + vans.cells == found.cells_sold
    assert racing.share + vans.share == pytest.approx(1.0)
    assert (racing.least_ah, vans.least_ah) == (23.0, 21.0)
    assert "vans" in quality_text(found)
    assert quality_document(found)["grades"]["buyers"][0]["most_mohm"] is None
    assert "buyers" not in quality_document(quality(load_scenario("ev_4680_dry"), lots=2))["grades"]


@pytest.mark.parametrize("at_the_station", [True, False])
def test_self_discharge_that_nobody_measures_is_refused_at_its_line(at_the_station, tmp_path):
    buyers = "{buyers: {one: {most_self_discharge_mv_per_d: 0.1}}}"
    if at_the_station:
        path, written = "line.stations.grade.params", f"    grade: {{params: {buyers}}}\n"
    else:
        path, written = "products.ev_nmc811.params.grade", "products: {ev_nmc811: {params: {grade: " + buyers + "}}}\n"
    file = tmp_path / "unmeasured.yaml"
    file.write_text(
        "name: unmeasured\nextends: ev_4680_dry\nline:\n  stations:\n    age: {step: wet}\n" + written,
        encoding="utf-8",
    )
    with pytest.raises(ConfigError, match=r"no step of this line measures self-discharge") as raised:
        load_scenario(file)
    assert f"{path}.buyers.one.most_self_discharge_mv_per_d" in str(raised.value)
    assert "unmeasured.yaml:6:" in str(raised.value)
