from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfab.config.merge import fold, merge, unwrap_sourced
from cellfab.config.problems import Location, Source
from cellfab.config.resolved import resolve
from cellfab.config.yaml_reader import Deletion, Mapping, Scalar, parse


def nodes(text: str, name: str = "f.yaml") -> Mapping:
    root, problems = parse(Source(name, text))
    assert problems == [] and isinstance(root, Mapping)
    unwrap_sourced(root)
    return root


def as_nodes(tree: Any, source: Source) -> Any:
    """A tree of plain values as nodes that stand at a place of their own."""
    place = Location(source, 1, 1)
    if isinstance(tree, dict):
        items = {name: as_nodes(child, source) for name, child in tree.items()}
        return Mapping(items, dict.fromkeys(items, place), place)
    return Deletion(place) if tree == "!delete" else Scalar(tree, place)


def plain(tree: Mapping) -> dict[str, Any]:
    return resolve("f", tree, (), (), {}, []).tree


def merged(*texts: str) -> dict[str, Any]:
    problems: list[Any] = []
    result = plain(fold([nodes(text) for text in texts], problems))
    assert problems == []
    return result


names = st.sampled_from("abcde")
trees = st.dictionaries(
    names, st.recursive(st.integers(0, 99), lambda inner: st.dictionaries(names, inner, max_size=4)), max_size=5
)


def laid_over(below: Any, above: Any) -> Any:
    """Deep merge in three lines, the model that `merge` is held against."""
    if isinstance(below, dict) and isinstance(above, dict):
        return below | {name: laid_over(below.get(name), child) for name, child in above.items()}
    return above


@given(st.lists(trees, min_size=1, max_size=5))
def test_folding_is_a_deep_merge(layers):
    expected: Any = {}
    for tree in layers:
        expected = laid_over(expected, tree)
    folded = fold([as_nodes(tree, Source(str(number))) for number, tree in enumerate(layers)], [])
    assert plain(folded) == expected


@given(trees, trees, trees)
def test_merging_is_associative_without_deletions_and_kinds(one, two, three):
    # A number between two mappings breaks the chain: only the fold from below knows that the lower mapping is gone.
    a, b, c = (as_nodes(tree, Source(name)) for tree, name in ((one, "a"), (two, "b"), (three, "c")))
    left = plain(merge(merge(a, b, []), c, []))
    right = plain(merge(a, merge(b, c, []), []))
    if not numbers_over_mappings(one, two) and not numbers_over_mappings(one, three):
        assert left == right


def numbers_over_mappings(below: Any, above: Any) -> bool:
    if isinstance(below, dict) and isinstance(above, dict):
        return any(numbers_over_mappings(below[name], above[name]) for name in below.keys() & above.keys())
    return isinstance(below, dict) != isinstance(above, dict)


@given(trees, trees)
def test_merging_changes_neither_side_and_an_empty_layer_nothing(one, two):
    a, b = as_nodes(one, Source("a")), as_nodes(two, Source("b"))
    before = copy.deepcopy((a, b))
    merge(a, b, [])
    assert (a, b) == before
    assert plain(merge(a, as_nodes({}, Source("c")), [])) == one
    assert plain(merge(as_nodes({}, Source("c")), a, [])) == one


def leaves(tree: Any, path: tuple[str, ...] = ()) -> Any:
    if isinstance(tree, dict):
        for name, child in tree.items():
            yield from leaves(child, (*path, name))
    else:
        yield path


@given(st.lists(trees, min_size=1, max_size=4))
def test_each_leaf_comes_from_the_highest_layer_that_has_it(layers):
    folded = fold([as_nodes(tree, Source(str(number))) for number, tree in enumerate(layers)], [])
    resolved = resolve("f", folded, (), (), {}, [])
    for path in leaves(resolved.tree):
        writers = [number for number, tree in enumerate(layers) if path in set(leaves(tree))]
        if writers:
            assert resolved.origins[path].value.source.name == str(writers[-1])


@given(trees, st.data())
def test_deleting_a_key_takes_it_and_nothing_else(tree, data):
    if not tree:
        return
    name = data.draw(st.sampled_from(sorted(tree)))
    problems: list[Any] = []
    result = merge(as_nodes(tree, Source("a")), as_nodes({name: "!delete"}, Source("b")), problems)
    assert problems == []
    assert plain(result) == {key: child for key, child in tree.items() if key != name}


def test_deleting_what_is_not_there_is_a_problem_with_a_suggestion():
    problems: list[Any] = []
    merge(nodes("stations: {weld: {a: 1}}"), nodes("stations: {wled: !delete }"), problems)
    (problem,) = problems
    assert (problem.path, problem.message) == ("stations.wled", "there is nothing to delete")
    assert problem.hint == "did you mean 'weld'?"
    assert str(problem.location) == "f.yaml:1:12"


def test_deleting_in_a_new_mapping_and_in_a_list_is_a_problem():
    problems: list[Any] = []
    fold([nodes("a: {b: !delete }\nc: [1, !delete ]\nd: [{e: !delete }]")], problems)
    assert [(problem.path, str(problem.location)) for problem in problems] == [
        ("a.b", "f.yaml:1:5"),
        ("c.1", "f.yaml:2:8"),
        ("d.0.e", "f.yaml:3:6"),
    ]


def test_lists_and_numbers_are_replaced():
    assert merged("a: [1, 2, 3]\nb: 1", "a: [4]\nb: {c: 2}") == {"a": [4], "b": {"c": 2}}


def test_null_replaces_a_mapping():
    assert merged("a: {b: 1}", "a:") == {"a": None}


def test_another_law_replaces_the_mapping():
    below = "cycle: {law: deterministic, value_s: 5}"
    assert merged(below, "cycle: {law: exponential, mean_s: 60}") == {"cycle": {"law": "exponential", "mean_s": 60}}
    assert merged(below, "cycle: {value_s: 6}") == {"cycle": {"law": "deterministic", "value_s": 6}}
    assert merged(below, "cycle: {law: deterministic}") == {"cycle": {"law": "deterministic", "value_s": 5}}


def test_another_kind_replaces_the_station_and_remembers_where_the_old_one_stood():
    tree = fold([nodes("oven: {kind: batch, from: a}"), nodes("oven: {kind: dwell, capacity: 3}")], [])
    assert plain(tree) == {"oven": {"kind": "dwell", "capacity": 3}}
    assert resolve("f", tree, (), (), {}, []).replaced[("oven",)].column == 14


def test_a_name_that_is_kind_or_law_is_just_a_name():
    assert merged("stations: {kind: {a: 1}, law: {b: 1}}", "stations: {kind: {c: 2}}") == {
        "stations": {"kind": {"a": 1, "c": 2}, "law": {"b": 1}}
    }


def test_another_step_drops_the_parameters_beside_it_and_nothing_else():
    below = "weld: {kind: serial, step: laser, params: {power_w: 3}, cycle: 2}"
    assert merged(below, "weld: {step: ultrasonic, params: {force_n: 1}}") == {
        "weld": {"kind": "serial", "step": "ultrasonic", "cycle": 2, "params": {"force_n": 1}}
    }
    assert merged(below, "weld: {step: laser, params: {gap_um: 1}}")["weld"]["params"] == {"power_w": 3, "gap_um": 1}


def test_the_order_of_names_is_the_order_of_the_base():
    assert list(merged("{a: 1, b: 2, c: 3}", "{c: 4, d: 5, a: 6}")) == ["a", "b", "c", "d"]


def sourced(*texts: str) -> Any:
    return resolve("f", fold([nodes(text) for text in texts], []), (), (), {}, [])


def test_a_new_value_never_inherits_the_old_source():
    base = "speed: {value: 60, low: 50, high: 70, source: datasheet}"
    resolved = sourced(base)
    assert resolved.tree == {"speed": 60}
    assert resolved.notes[("speed",)].source == "datasheet"
    for above in ("speed: 70", "speed: {value: 70}"):
        resolved = sourced(base, above)
        assert resolved.tree == {"speed": 70}
        assert resolved.notes == {}
    resolved = sourced(base, "speed: {value: 70, source: assumption}")
    assert resolved.notes[("speed",)].low is None
    assert resolved.notes[("speed",)].assumed


def test_a_law_with_a_source():
    base = "cycle: {value: {law: exponential, mean_s: 5}, source: log}"
    resolved = sourced(base)
    assert resolved.tree == {"cycle": {"law": "exponential", "mean_s": 5}}
    assert resolved.notes[("cycle",)].source == "log"
    changed = sourced(base, "cycle: {mean_s: 6}")
    assert changed.tree == {"cycle": {"law": "exponential", "mean_s": 6}}
    assert changed.notes == {}


@pytest.mark.parametrize("text", ["a: {value: 1, unit: m}", "a: {low: 1, high: 2}", "a: {value: 1, from: 2026-01-01}"])
def test_other_mappings_with_a_value_are_left_alone(text):
    resolved = sourced(text)
    assert isinstance(resolved.tree["a"], dict)
    assert resolved.notes == {}
