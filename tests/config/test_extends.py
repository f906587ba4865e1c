from __future__ import annotations

import pytest

from cellfab.config.loader import load
from cellfab.errors import ConfigError


def test_a_base_then_only_what_changes(resolve):
    resolved = resolve(
        ess="extends: ev.yaml\nrun: {seed: 2}\n",
        ev="extends: line.yaml\nrun: {seed: 1, horizon_h: 5}\n",
        line="line: {a: 1}\n",
    )
    assert resolved.tree == {"line": {"a": 1}, "run": {"seed": 2, "horizon_h": 5}}
    assert resolved.name == "ess"
    assert [path.name for path in resolved.files] == ["ess.yaml", "ev.yaml", "line.yaml"]
    assert str(resolved.location("run.seed")) == "ess.yaml:2:13"
    assert str(resolved.location("run.horizon_h")) == "ev.yaml:2:27"
    assert str(resolved.location("line.a")) == "line.yaml:1:11"


def test_a_list_of_bases_the_later_wins(resolve):
    resolved = resolve(top="extends: [one, two.yaml]\nc: 3\n", one="a: 1\nb: 1\n", two="b: 2\nc: 2\n")
    assert resolved.tree == {"a": 1, "b": 2, "c": 3}


def test_a_diamond_counts_its_root_once(resolve):
    # Read twice, the root would undo what the left side changed.
    resolved = resolve(
        top="extends: [left, right]\n",
        left="extends: root\na: left\n",
        right="extends: root\nb: right\n",
        root="a: root\nb: root\n",
    )
    assert resolved.tree == {"a": "left", "b": "right"}
    assert len(resolved.files) == 4


def test_folders_are_relative_to_the_file_that_says_them(write, tmp_path):
    write(top="extends: parts/mid.yaml\n")
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "mid.yaml").write_text("extends: ../low.yaml\n", encoding="utf-8")
    (tmp_path / "low.yaml").write_text("a: 1\n", encoding="utf-8")
    resolved = load("top.yaml")
    assert resolved.tree == {"a": 1}
    assert str(resolved.location("a")) == "low.yaml:1:4"


def test_a_mapping_may_extend_a_file_of_its_own(resolve):
    resolved = resolve(
        top="extends: base\nline: {b: 2}\ncell:\n  extends: lfp\n  width_mm: 7\n",
        base="line: {a: 1}\ncell: {chemistry: nmc, margin_mm: 9, width_mm: 5}\n",
        lfp="extends: can\nchemistry: lfp\n",
        can="width_mm: 6\nheight_mm: 80\n",
    )
    # What the base said about the cell is gone: margin_mm belongs to another cell.
    assert resolved.tree == {"line": {"a": 1, "b": 2}, "cell": {"width_mm": 7, "height_mm": 80, "chemistry": "lfp"}}
    assert str(resolved.location("cell.height_mm")) == "can.yaml:2:12"
    assert str(resolved.location("cell.width_mm")) == "top.yaml:5:13"
    assert [source.name for source in resolved.sources] == ["base.yaml", "can.yaml", "lfp.yaml", "top.yaml"]


def test_the_order_of_names_survives_an_inner_extends(resolve):
    resolved = resolve(
        top="machines:\n  fold: {cycle: 1}\n  weld: {extends: weld}\n  can: {cycle: 3}\n", weld="cycle: 2\n"
    )
    assert list(resolved.tree["machines"]) == ["fold", "weld", "can"]


def test_the_same_file_may_stand_in_two_places(resolve):
    resolved = resolve(top="a: {extends: part}\nb: {extends: part, x: 2}\n", part="x: 1\n")
    assert resolved.tree == {"a": {"x": 1}, "b": {"x": 2}}


def failing(write, **files):
    with pytest.raises(ConfigError) as caught:
        load(write(**files))
    return [(str(one.location), one.message, one.hint) for one in caught.value.problems]


def test_a_circle_is_named(write):
    ((place, message, _),) = failing(write, a="x: 1\nextends: b.yaml\n", b="extends: [c.yaml]\n", c="extends: a.yaml\n")
    assert place == "c.yaml:1:10"
    assert message == "files extend each other in a circle: a.yaml -> b.yaml -> c.yaml -> a.yaml"


def test_a_file_that_extends_itself(write):
    ((place, message, _),) = failing(write, a="extends: a.yaml\n")
    assert place == "a.yaml:1:10"
    assert message == "files extend each other in a circle: a.yaml -> a.yaml"


def test_a_circle_through_an_inner_mapping(write):
    ((place, message, _),) = failing(write, a="cell:\n  extends: b\n", b="inner: {extends: a}\n")
    assert place == "b.yaml:1:18"
    assert message == "files extend each other in a circle: a.yaml -> b.yaml -> a.yaml"


def test_a_missing_base_with_a_suggestion(write):
    ((place, message, hint),) = failing(write, a="extends: bsae.yaml\n", base="x: 1\n")
    assert place == "a.yaml:1:10"
    assert message == "there is no file 'bsae.yaml' beside a.yaml, and no shipped one of that name"
    assert hint == "did you mean 'base.yaml'?"


@pytest.mark.parametrize("value", ["3", "{a: 1}", "", "[b, [c]]", "''", "null"])
def test_extends_must_name_files(write, value):
    found = failing(write, a=f"extends: {value}\n", b="x: 1\n")
    assert found[0][1] == "expected the name of a file"


@pytest.mark.parametrize("name", ["x\\0y", "y" * 3000])
def test_names_that_no_file_can_have(write, name):
    ((place, message, _),) = failing(write, a=f'extends: "{name}"\n')
    assert place == "a.yaml:1:10"
    assert "there is no file" in message


def test_problems_of_all_files_at_once(write):
    found = failing(
        write,
        top="extends: [one, two, none]\nc: 010\n",
        one="a: .nan\n",
        two="extends: three\nb: [1\n",
        three="never: reached\n",
    )
    assert [place for place, *_ in found] == ["one.yaml:1:4", "top.yaml:1:21", "top.yaml:2:4", "two.yaml:2:4"]


def test_an_error_in_a_base_names_both_files(write):
    with pytest.raises(ConfigError) as caught:
        load(write(top="# top\nextends: mid\n", mid="extends: low\n", low="a: 010\n"))
    assert str(caught.value).splitlines()[-3:] == [
        "    extended by mid.yaml:1:10",
        "    extended by top.yaml:2:10",
        "1 error",
    ]


def test_chains_and_fans_are_bounded(write):
    chain = {f"f{number}": f"extends: f{number + 1}\n" for number in range(30)} | {"f30": "a: 1\n"}
    ((place, message, _),) = failing(write, **chain)
    assert (place, message) == ("f19.yaml:1:10", "more than 20 files extend one another in a row")
    # Each level names the next twice: 2**18 files if nobody counted.
    fan = {f"g{n}": f"a: {{extends: g{n + 1}}}\nb: {{extends: g{n + 1}}}\n" for n in range(18)} | {"g18": "x: 1\n"}
    assert {message for _, message, _ in failing(write, **fan)} == {"more than 300 files, or 30 MB of text"}


def test_a_tree_that_grows_deep_through_inner_files_is_refused(write):
    deep = "".join("  " * level + "a:\n" for level in range(60)) + "  " * 60 + "extends: {}\n"
    found = failing(write, one=deep.format("two"), two=deep.format("three"), three="x: 1\n")
    assert {message for _, message, _ in found} == {"nested more than 100 levels deep"}
