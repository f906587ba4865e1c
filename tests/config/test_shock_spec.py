"""Shocks in a file: what cannot be is refused where it stands."""

from __future__ import annotations

import pytest

from cellfab.errors import ConfigError
from cellfab.scenario import load_scenario

HEAD = "name: shocked\nextends: ev_4680_dry\nrun: {horizon_h: 1344}\nshocks:\n"
FIRST_LINE = HEAD.count("\n") + 1


def refused(here, *shocks):
    text = HEAD + "".join(f"  {shock}\n" for shock in shocks)
    (here / "shocked.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as found:
        load_scenario("shocked.yaml")
    return str(found.value)


@pytest.mark.parametrize(
    ("shock", "words"),
    [
        ("a: {kind: material_price, material: lfp, price_factor: 2, from: 2026-02-02, until: 2026-02-01}",
         ["until (2026-02-01) is before from (2026-02-02)"]),
        ("a: {kind: material_price, material: lfp, price_factor: 0, from: 2026-02-02, until: 2026-02-08}",
         ["shocks.a.price_factor", "0 is not above 0"]),
        ("a: {kind: material_price, material: grafite, price_factor: 2, from: 2026-02-02, until: 2026-02-08}",
         ["no material 'grafite'", "did you mean 'graphite'?"]),
        ("a: {kind: material_prise, material: lfp, price_factor: 2, from: 2026-02-02, until: 2026-02-08}",
         ["did you mean 'material_price'?"]),
        ("a: {kind: demand_drop, output_share: 0.5, from: 2026-03-02, until: 2026-03-08}",
         ["shocks.a.from", "the run is from 2026-01-05 to 2026-03-01"]),
        ("a: {kind: demand_drop, output_share: 0.5, from: 2025-03-02, until: 2026-01-04}",
         ["shocks.a.until", "this shock lies outside"]),
        ("a: {kind: demand_drop, output_share: 1.0, from: 2026-02-02, until: 2026-02-08}",
         ["shocks.a.output_share"]),
        ("a: {kind: demand_drop, output_share: 0.5, from: soon, until: 2026-02-08}", ["shocks.a.from"]),
        ("a: {kind: supplier_lost, from: 2026-02-02, until: 2026-02-08}", ["material"]),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_where_it_stands(here, shock, words):
    message = refused(here, shock)
    assert f"shocked.yaml:{FIRST_LINE}:" in message
    for word in words:
        assert word in message
    assert "1 error" in message


def test_two_of_a_kind_on_one_thing_at_one_time(here):
    price = "{kind: material_price, material: lfp, price_factor: 2, from: 2026-02-02, until: %s}"
    message = refused(here, f"a: {price % '2026-02-08'}", f"b: {price % '2026-02-20'}")
    assert f"shocked.yaml:{FIRST_LINE + 1}:3: error: shocks.b: is a second material_price on 'lfp'" in message
    assert "besides 'a'" in message


def test_other_kinds_materials_and_times_may_be_together(here):
    (here / "shocked.yaml").write_text(
        HEAD + "  a: {kind: material_price, material: lfp, price_factor: 2, from: 2026-02-02, until: 2026-02-08}\n"
        "  b: {kind: material_price, material: graphite, price_factor: 2, from: 2026-02-02, until: 2026-02-08}\n"
        "  c: {kind: material_price, material: lfp, price_factor: 2, from: 2026-02-09, until: 2026-02-09}\n"
        "  d: {kind: export_control, material: lfp, origin_share: 0.9, from: 2026-02-02, until: 2026-02-09}\n"
        "  e: {kind: demand_drop, output_share: 0, from: 2026-02-02, until: 2027-02-09}\n",
        encoding="utf-8",
    )
    scenario = load_scenario("shocked.yaml")
    assert [shock.kind for shock in scenario.spec.shocks.values()].count("material_price") == 3
    (here / "again.yaml").write_text(scenario.resolved_yaml(), encoding="utf-8")
    assert load_scenario("again.yaml").digest == scenario.digest


def test_a_bare_line_has_no_shocks(here):
    (here / "bare.yaml").write_text(
        "extends: mm1\nshocks: {a: {kind: demand_drop, output_share: 0.5, from: 2026-01-05, until: 2026-01-08}}\n",
        encoding="utf-8",
    )
    with pytest.raises(ConfigError, match="shocks are for plants"):
        load_scenario("bare.yaml")
