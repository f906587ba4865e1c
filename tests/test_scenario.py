"""Specs bound to steps: places, recipes, and a digest of everything that a run depends on but the seed."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellfab.config.loader import load
from cellfab.config.remark import Remark
from cellfab.errors import ConfigError
from cellfab.scenario import load_scenario, places
from cellfab.steps.grade import Grade

LINE = """\
name: shop
run: {horizon_h: 50, seed: 3}
line:
  sources: {orders: {interarrival: "2 min"}}
  buffers: {queue: {from: orders}}
  stations: {lathe: {kind: serial, from: queue, cycle: "72 s"}}
  sinks: {done: {from: lathe}}
"""


@pytest.fixture
def digest(here):
    """Digest of the small line after some options."""
    (here / "shop.yaml").write_text(LINE, encoding="utf-8")
    return lambda *options: load_scenario("shop.yaml", options).digest


@pytest.mark.parametrize(
    "option", ["name=other", "description=text", "run.seed=4", "run.replicates=9", "run.engine=simpy"]
)
def test_what_the_digest_leaves_out(digest, option):
    assert digest(option) == digest()


@pytest.mark.parametrize(
    "option", ["run.horizon_h=51", "run.warmup_h=1", "line.stations.lathe.parallel=2", "line.buffers.queue.capacity=9"]
)
def test_what_the_digest_holds(digest, option):
    assert digest(option) != digest()


def test_the_digest_is_about_values_not_about_spelling(digest, here):
    before = digest()
    (here / "shop.yaml").write_text(LINE.replace('"72 s"', "{law: deterministic, value_min: 1.2}"), encoding="utf-8")
    assert digest() == before
    (here / "base.yaml").write_text(LINE, encoding="utf-8")
    (here / "shop.yaml").write_text("extends: base.yaml\nname: another\n", encoding="utf-8")
    assert digest() == before


def test_a_scenario_can_be_a_key(digest):
    one, other = load_scenario("shop.yaml"), load_scenario("shop.yaml", ["run.seed=9"])
    assert one == other
    assert len({one, other, load_scenario("shop.yaml", ["run.horizon_h=9"])}) == 2
    assert one != "shop"


@pytest.mark.parametrize("name", ["ess_from_4680", "ev_4680_dry", "mm1", "transfer_line_10", "merge_and_split"])
def test_the_resolved_text_is_the_same_scenario(here, name):
    scenario = load_scenario(name)
    (here / "resolved.yaml").write_text(scenario.resolved_yaml(), encoding="utf-8")
    again = load_scenario("resolved.yaml")
    assert again.digest == scenario.digest
    assert again.name == scenario.name
    assert again.spec == scenario.spec
    assert again.resolved_yaml() == scenario.resolved_yaml()


def test_a_bare_line_has_no_steps(digest):
    scenario = load_scenario("shop.yaml")
    assert not scenario.is_plant
    assert scenario.steps == {}
    assert scenario.files == ("shop.yaml",)
    assert scenario.assumptions == ()


def test_every_place_has_a_step_for_every_product():
    scenario = load_scenario("ess_from_4680")
    found = list(places(scenario.spec.line))
    assert [place.key for place in found if place.machine is not None] == [
        "assembly.fold", "assembly.weld_cathode", "assembly.weld_anode", "assembly.can", "assembly.fill",
    ]  # fmt: skip
    assert [place.machine for place in found if place.station == "assembly"] == [0, 1, 2, 3, 4]
    products = scenario.spec.products
    assert set(scenario.steps) == {(place.key, product) for place in found for product in products}
    for (key, product), step in scenario.steps.items():
        assert step.name == next(place.step for place in found if place.key == key)
        assert step.design is products[product].design or step.design == products[product].design


def test_a_recipe_changes_its_own_product_only(here):
    (here / "mine.yaml").write_text(
        "extends: ess_from_4680\nproducts: {ess_lfp: {params: {wind: {tapes: 5}}}}\n", encoding="utf-8"
    )
    before, after = load_scenario("ess_from_4680"), load_scenario("mine.yaml")
    assert after.steps["wind", "ess_lfp"].params.tapes == 5
    assert after.steps["wind", "ev_nmc811"].params == before.steps["wind", "ev_nmc811"].params
    assert after.steps["grade", "ess_lfp"].params == before.steps["grade", "ess_lfp"].params


def test_paths_of_places_lead_to_them():
    scenario = load_scenario("ev_4680_dry")
    for place in places(scenario.spec.line):
        assert scenario.resolved.get((*place.path, "step")) == place.step


def test_assumptions_come_widest_first():
    widths = [one.note.relative_width for one in load_scenario("ess_from_4680").assumptions]
    known = [width for width in widths if width is not None]
    assert len(known) > 100
    assert known == sorted(known, reverse=True)
    assert widths[len(known) :] == [None] * (len(widths) - len(known))


def test_problems_are_told_once_although_there_are_two_products(here):
    (here / "mine.yaml").write_text(
        "extends: ess_from_4680\nline: {stations: {wind: {params: {tapez: 5}}}}\n", encoding="utf-8"
    )
    with pytest.raises(ConfigError) as caught:
        load_scenario(Path("mine.yaml"))
    assert len(caught.value.problems) == 1


def test_loading_alone_does_not_need_a_whole_scenario():
    assert "products" in load("cells/4680_lfp_dry").tree
    with pytest.raises(ConfigError, match="is missing"):
        load_scenario("cells/4680_lfp_dry")


class TestReview:
    """Remarks of a step, tried on a step that has some."""

    @pytest.fixture
    def remarked(self, monkeypatch):
        def review(remark):
            monkeypatch.setattr(Grade, "review", lambda step: iter([remark]))

        return review

    def test_a_doubt_is_a_warning_at_the_value(self, remarked):
        remarked(Remark("cycle_h", "cycle_h = 5.5 h is odd", hint="take 6"))
        (warning,) = load_scenario("ev_4680_dry", ["line.stations.grade.params.cycle_h=5.5"]).warnings
        assert warning.path == "line.stations.grade.params.cycle_h"
        assert warning.location.source.name == "--set"
        assert warning.message == "cycle_h = 5.5 h is odd (product 'ev_nmc811')"
        assert "warning: line.stations.grade" in warning.render("warning")

    def test_a_value_of_the_recipe_is_meant_rather_than_that_of_the_place(self, remarked):
        remarked(Remark("most_dcir_fraction", "odd"))
        found = {warning.path for warning in load_scenario("ess_from_4680").warnings}
        assert "products.ess_lfp.params.grade.most_dcir_fraction" in found

    def test_a_default_is_at_the_step(self, remarked):
        remarked(Remark("capacity_noise_fraction", "odd"))
        (warning,) = load_scenario("ev_4680_dry").warnings
        assert warning.location.source.name.endswith("dry_4680.yaml")
        assert "grade:" in warning.location.source.line(warning.location.line)

    def test_a_remark_on_the_design(self, remarked):
        remarked(Remark("design.cathode.loading_mg_per_cm2", "odd"))
        (warning,) = load_scenario("ev_4680_dry").warnings
        assert warning.path == "products.ev_nmc811.design.cathode.loading_mg_per_cm2"

    def test_the_impossible_is_an_error(self, remarked):
        remarked(Remark("cycle_h", "no cell is tested in no time", impossible=True))
        with pytest.raises(ConfigError, match="no cell is tested in no time"):
            load_scenario("ev_4680_dry")
