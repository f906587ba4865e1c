"""Products that meet at a merge: what fits together loads, what does not is named where it is written."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfab.config.plant_of_lines import plant_of_lines
from cellfab.config.product_checks import product_problems
from cellfab.errors import ConfigError
from cellfab.scenario import load_scenario

DUAL = """\
name: dual
extends: ess_from_4680
conversion: !delete
"""
BOTH = "{ev_nmc811: 1, ess_lfp: 1}"
ALL_BRANCHES = f"""\
line:
  sources:
    cathode_powder: {{products: {BOTH}}}
    anode_powder: {{products: {BOTH}}}
    separator_reels: {{products: {BOTH}}}
"""


@pytest.fixture
def refused(tmp_path):
    def message(text: str) -> str:
        path = tmp_path / "f.yaml"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError) as caught:
            load_scenario(path)
        return str(caught.value).replace(str(path), "f.yaml")

    return message


@pytest.fixture
def accepted(tmp_path):
    def load(text: str):
        path = tmp_path / "f.yaml"
        path.write_text(text, encoding="utf-8")
        return load_scenario(path)

    return load


def test_one_branch_of_a_merge_with_two_products(refused):
    message = refused(DUAL + "line:\n  sources:\n    cathode_powder: {products: {ess_lfp: 1}}\n")
    assert (
        message
        == """\
f.yaml:6:33: error: line.sources.cathode_powder.products.ess_lfp: 'wind' makes one lot out of lots for the same \
product, and 'anode_dried_rolls' and 'separator_store' bring none for ess_lfp: those of 'cathode_dried_rolls' would \
pile up
    6 |     cathode_powder: {products: {ess_lfp: 1}}
                                        ^
    hint: add ess_lfp to the products of 'anode_powder' and 'separator_reels', or take it away here
1 error"""
    )


def test_branches_with_nothing_in_common(refused):
    text = DUAL + "line:\n  sources:\n    cathode_powder: {products: {ev_nmc811: !delete , ess_lfp: 1}}\n"
    message = refused(text)
    assert "f.yaml:6:54" in message
    assert "bring none for ess_lfp" in message
    assert "'cathode_dried_rolls' brings none for ev_nmc811: those of 'anode_dried_rolls' would pile up" in message
    assert message.endswith("2 errors")


def test_every_branch_with_both_products_is_a_dual_line(accepted):
    assert set(accepted(DUAL + ALL_BRANCHES).spec.line.sources["anode_powder"].products) == {"ev_nmc811", "ess_lfp"}


def test_more_of_one_product_than_the_other_branch_brings(refused):
    message = refused(
        DUAL + ALL_BRANCHES.replace("anode_powder: {products: {ev_nmc811: 1", "anode_powder: {products: {ev_nmc811: 3")
    )
    assert "f.yaml:7:42: error: line.sources.anode_powder.products.ev_nmc811: " in message
    assert "of those from here 3 in 4 are for ev_nmc811, of those of 'cathode_powder' 1 in 2" in message
    assert "hint: write the same campaigns as there: {ev_nmc811: 1, ess_lfp: 1}" in message
    assert message.endswith("1 error")


def test_longer_campaigns_of_the_same_shares_fit(accepted):
    accepted(
        DUAL
        + ALL_BRANCHES.replace(
            f"anode_powder: {{products: {BOTH}", "anode_powder: {products: {ev_nmc811: 9, ess_lfp: 9}"
        )
    )


def test_a_line_converted_from_what_it_does_not_make(refused):
    text = "name: x\nextends: ess_from_4680\nline:\n  sources:\n    cathode_powder: {products: {ess_lfp: 1}}\n"
    message = refused(text)
    assert "f.yaml:5:33: error: line.sources.cathode_powder.products.ess_lfp: " in message
    assert "the line makes ess_lfp before it stops, and is converted from ev_nmc811" in message
    assert "hint: write products: {ev_nmc811: 1}, or change conversion.product_from" in message
    assert message.endswith("1 error")


TWO_LINES = (
    DUAL + "lines:\n  named:\n    one: {}\n    two: {line: {sources: {cathode_powder: {products: {ess_lfp: 1}}}}}\n"
)


def test_one_of_several_lines(refused):
    message = refused(TWO_LINES)
    assert "f.yaml:7:56: error: lines.named.two.line.sources.cathode_powder.products.ess_lfp: 'wind' makes" in message
    assert message.endswith("1 error")


def two_makes_both(*sources: str) -> str:
    own = ", ".join(f"{name}: {{products: {{ess_lfp: 1}}}}" for name in sources)
    return f"  named:\n    one: {{}}\n    two: {{line: {{sources: {{{own}}}}}}}\n"


def test_a_line_may_make_more_products_than_the_others(accepted):
    scenario = accepted(DUAL + "lines:\n" + two_makes_both("cathode_powder", "anode_powder", "separator_reels"))
    made = {name: set(source.products) for name, source in scenario.spec.line.sources.items()}
    assert made["one-anode_powder"] == {"ev_nmc811"}
    assert made["two-anode_powder"] == {"ev_nmc811", "ess_lfp"}


def test_a_shared_branch_brings_nothing_for_one_line(refused):
    message = refused(
        DUAL + "lines:\n  shared: [anode_dose, anode_mix]\n" + two_makes_both("cathode_powder", "separator_reels")
    )
    assert "and 'anode_dried_rolls' brings none for ess_lfp: those of 'cathode_dried_rolls' would pile up" in message
    assert "f.yaml:8:56: error: lines.named.two.line.sources.cathode_powder.products.ess_lfp" in message
    assert "hint: add ess_lfp to the products of 'anode_powder'" in message
    assert message.endswith("1 error")


@pytest.fixture(scope="module")
def dual(tmp_path_factory):
    path = tmp_path_factory.mktemp("dual") / "f.yaml"
    path.write_text(DUAL, encoding="utf-8")
    return load_scenario(path)


CAMPAIGNS = st.dictionaries(st.sampled_from(["ev_nmc811", "ess_lfp", "third"]), st.integers(1, 4), min_size=1)


@given(st.lists(CAMPAIGNS, min_size=3, max_size=3))
def test_what_loads_is_what_does_not_pile_up(dual, campaigns):
    """In the long run as many lots for each product come from each branch, or something is wrong: both ways."""
    sources = dual.spec.line.sources
    changed = {
        name: source.model_copy(update={"products": products})
        for (name, source), products in zip(sources.items(), campaigns, strict=True)
    }
    spec = dual.spec.model_copy(update={"line": dual.spec.line.model_copy(update={"sources": changed})})
    plant, _ = plant_of_lines(dual.resolved, spec)
    per_lot = [{name: Fraction(n, sum(one.values())) for name, n in one.items()} for one in campaigns]
    assert bool(list(product_problems(dual.resolved, plant))) == any(one != per_lot[0] for one in per_lot)


def test_bare_lines_merge_whatever_comes(accepted):
    accepted("""\
name: bolts
run: {horizon_h: 10}
line:
  sources: {bolts: {products: {bolt: 1}}, plates: {products: {left: 1, right: 1}}, nuts: {}}
  stations: {join: {kind: serial, from: {plates: 1, bolts: 2, nuts: 2}, cycle_s: 9}}
  sinks: {out: {from: join}}
""")
