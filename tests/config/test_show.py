from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cellfab.config.problems import Source
from cellfab.config.resolved import resolve as to_resolved
from cellfab.config.show import render, render_json, to_yaml
from cellfab.config.yaml_reader import parse


def test_each_value_with_the_place_that_set_it(resolve):
    resolved = resolve(
        "run.seed=7",
        top="extends: low\nrun: {horizon_h: 5}\n",
        low="run: {horizon_h: 1, warmup_h: {value: 2, low: 1, high: 3, source: plant log}}\nnames: [a, b]\nnone: {}\n",
    )
    assert render(resolved, origin=True).splitlines() == [
        "run.horizon_h = 5  # top.yaml:2",
        "run.warmup_h = 2   # low.yaml:1 (plant log)",
        "run.seed = 7       # --set run.seed=7",
        "names = [a, b]     # low.yaml:2",
        "none = {}          # low.yaml:3",
    ]
    shown = render_json(resolved)
    assert json.loads(json.dumps(shown)) == shown
    assert shown["values"]["run.warmup_h"] == {
        "value": 2,
        "origin": "low.yaml:1 (plant log)",
        "low": 1,
        "high": 3,
        "source": "plant log",
    }


def test_the_settled_configuration_reads_back_as_itself(settled, good, write):
    resolved = settled("line.stations.coat.cycle_min=2", f=good)
    text = render(resolved)
    assert "cycle: {law: deterministic, value_s: 120.0}" in text
    again = settled(again=text)
    assert again.tree == resolved.tree


texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
plain = st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(-1e300, 1e300) | texts
trees = st.dictionaries(
    texts.filter(lambda key: key != "extends"),
    st.recursive(plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)),
    min_size=1,
    max_size=4,
)


@given(trees)
def test_any_tree_survives_being_written_and_read(tree):
    root, problems = parse(Source("f.yaml", to_yaml(tree)))
    assert problems == []
    found: list[Any] = []
    assert to_resolved("f", root, (), (), {}, found).tree == tree


@pytest.mark.parametrize("value", ["no", "on", "1e3", "007", "a: b", "- x", "", " x ", "x #y", "{", "é", "null", "0x1"])
def test_texts_are_quoted_where_a_reader_might_take_them_for_something_else(value):
    assert to_yaml({"a": value}).startswith('a: "') or value in ("no", "on")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_numbers_to_readers_of_yaml_1_1_too(number):
    assert yaml.safe_load(to_yaml({"a": number})) == {"a": number}
