from __future__ import annotations

import math
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfab.config.problems import Problem, Source
from cellfab.config.scalars import ScalarError, plain_scalar
from cellfab.config.yaml_reader import (
    LARGEST_FILE_BYTES,
    Mapping,
    Scalar,
    Sequence,
    parse,
    read_source,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("8e3", 8000.0),
        ("1E+2", 100.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("-0.25", -0.25),
        ("+7", 7),
        ("0", 0),
        ("-0", 0),
        ("0.0", 0.0),
        ("0e3", 0.0),
        ("0x1F", 31),
        ("0o17", 15),
        ("9223372036854775807", 2**63 - 1),
        ("true", True),
        ("False", False),
        ("TRUE", True),
        ("null", None),
        ("~", None),
        ("", None),
        ("no", "no"),
        ("on", "on"),
        ("yes", "yes"),
        ("y", "y"),
        ("12:30:00", "12:30:00"),
        ("1:30", "1:30"),
        ("2026-01-01", "2026-01-01"),
        ("1_000", "1_000"),
        ("1,5", "1,5"),
        ("0b11", "0b11"),
        ("nan", "nan"),
        ("inf", "inf"),
        ("1.2.3", "1.2.3"),
        ("1e", "1e"),
        ("e3", "e3"),
        ("-", "-"),
        (".", "."),
        ("1 000", "1 000"),
        ("４", "４"),
        ("tRue", "tRue"),
    ],
)
def test_plain_scalars_follow_the_core_schema(text, value):
    read = plain_scalar(text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (".nan", ".nan is not a number that can be used here", ""),
        (".inf", ".inf is not a number that can be used here", "for no limit, leave the key out"),
        ("-.Inf", "-.Inf is not a number that can be used here", "for no limit, leave the key out"),
        ("007", "007 starts with a zero, which some readers take for octal", "write 7 for the number"),
        ("-010", "-010 starts with a zero, which some readers take for octal", "write -10 for the number"),
        ("00.5", "00.5 starts with a zero, which some readers take for octal", "write 0.5 for the number"),
        ("00", "00 starts with a zero, which some readers take for octal", "write 0 for the number"),
        ("1e999", "1e999 is too large for a number", ""),
        ("9223372036854775808", "9223372036854775808 is too large for a whole number", ""),
        ("9" * 5000, "9" * 37 + "... is too large for a whole number", ""),
        ("0x" + "f" * 60, "0x" + "f" * 35 + "... is too large for a whole number", ""),
    ],
)
def test_scalars_that_readers_disagree_about_are_explained(text, message, hint):
    with pytest.raises(ScalarError) as caught:
        plain_scalar(text)
    assert str(caught.value) == message
    assert caught.value.hint.startswith(hint)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_reads_back_as_itself(value):
    assert plain_scalar(repr(value)) == value


@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_every_integer_reads_back_as_itself(value):
    read = plain_scalar(str(value))
    assert read == value and type(read) is int


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text):
    try:
        value = plain_scalar(text)
    except ScalarError:
        return
    assert value is None or isinstance(value, (bool, int, str)) or math.isfinite(value)


@given(st.text(max_size=200))
def test_any_document_is_read_or_refused_with_a_place(text):
    node, problems = parse(Source("any.yaml", text))
    assert node is None or isinstance(node, (Mapping, Sequence, Scalar)) or problems == []
    for problem in problems:
        assert problem.location.line >= 0
        assert problem.render()


def one_problem(text):
    _, problems = parse(Source("f.yaml", text))
    (problem,) = problems
    return str(problem.location), problem.path, problem.message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: {b: 1, b: 2}\n", ("f.yaml:1:11", "a.b", "this key is given twice")),
        ("a: 1\nc: 2\na: 3\n", ("f.yaml:3:1", "a", "this key is given twice")),
        ("a:\n\tb: 1\n", ("f.yaml:2:1", "", "a tab indents this line")),
        ("\ta: 1\n", ("f.yaml:1:1", "", "a tab indents this line")),
        ("a: &x 1\nb: *x\n", ("f.yaml:1:4", "", "anchors (&x) are not read")),
        ("b: *x\n", ("f.yaml:1:4", "", "aliases (*x) are not read")),
        ("? *x\n: 1\n", ("f.yaml:1:3", "", "a key must be a single word or number")),
        ("a: !!python/tuple [1]\n", ("f.yaml:1:4", "", "the tag !!python/tuple is not read")),
        ("a: !!int '3'\n", ("f.yaml:1:4", "", "the tag !!int is not read")),
        ("b: !delete 3\n", ("f.yaml:1:4", "", "!delete stands alone, with no value after it")),
        ("b: !delete {c: 3}\n", ("f.yaml:1:4", "", "!delete stands alone, with no value after it")),
        ("a: 1\n---\nb: 2\n", ("f.yaml:2:1", "", "a second document starts here")),
        ("? [a]\n: b\n", ("f.yaml:1:3", "", "a key must be a single word or number")),
        ("? {a: 1}\n: b\n", ("f.yaml:1:3", "", "a key must be a single word or number")),
        ("? \n: 3\n", ("f.yaml:1:2", "", "a key is missing before ':'")),
        ("{a: 1\n", ("f.yaml:1:1", "", "not YAML: a bracket or quote that opens here is never closed")),
        ("a: 'x\n", ("f.yaml:1:4", "", "not YAML: a bracket or quote that opens here is never closed")),
        ("a:\n  b: 1\n c: 2\n", ("f.yaml:3:2", "", "not YAML: did not find expected key")),
        ("a: b: c\n", ("f.yaml:1:5", "", "not YAML: mapping values are not allowed in this context")),
        ("a: @x\n", ("f.yaml:1:4", "", "not YAML: found character that cannot start any token")),
        ("a: 1\nb: x\x01y\n", ("f.yaml:2:5", "", "not YAML: it holds a control character")),
        ("a: [1, .nan]\n", ("f.yaml:1:8", "a.1", ".nan is not a number that can be used here")),
        (
            "a: {b: [{c: 010}]}\n",
            ("f.yaml:1:13", "a.b.0.c", "010 starts with a zero, which some readers take for octal"),
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text, expected):
    assert one_problem(text) == expected


@pytest.mark.parametrize("text", ["[" * 10_000, "- " * 10_000, "{a: " * 10_000])
def test_ten_thousand_levels_are_refused(text):
    place, _, message = one_problem(text)
    assert message == "nested more than 100 levels deep"
    assert place.startswith("f.yaml:1:")


def test_nesting_by_indentation_is_refused_too():
    text = "".join("  " * depth + "a:\n" for depth in range(2000))
    place, _, message = one_problem(text)
    assert (place, message) == ("f.yaml:101:201", "nested more than 100 levels deep")


def test_a_tag_that_touches_a_bracket_is_explained():
    # libyaml takes a bracket for a part of the tag.
    _, (problem,) = parse(Source("f.yaml", "{a: !delete}"))
    assert problem.hint == "put a blank after !delete"


def test_problems_before_a_syntax_error_are_kept():
    _, problems = parse(Source("f.yaml", "a: 010\nb: .nan\nc: [1\n"))
    assert [problem.location.line for problem in problems] == [1, 2, 3]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_places_do_not_depend_on_line_ends(end):
    node, problems = parse(Source("f.yaml", f"a: 1{end}b:{end}  c: 2{end}"))
    assert problems == []
    inner = node.items["b"]
    assert (inner.keys["c"].line, inner.keys["c"].column) == (3, 3)
    assert (inner.items["c"].location.line, inner.items["c"].location.column) == (3, 6)


def test_places_count_letters_not_bytes():
    node, _ = parse(Source("f.yaml", "{é𝄞: ü, b: 1}\n"))
    assert node.items["b"].location.column == 12


def test_keys_are_text_whatever_they_look_like():
    node, problems = parse(Source("f.yaml", "{1: a, no: b, 2026-01-01: c, 1e3: d, 'x y': e, null: f}"))
    assert problems == []
    assert list(node.items) == ["1", "no", "2026-01-01", "1e3", "x y", "null"]


def test_quoted_and_block_scalars_are_text():
    node, _ = parse(Source("f.yaml", "a: '1'\nb: \"no\"\nc: |\n  5\nd: ''\ne: !  7\n"))
    assert [child.value for child in node.items.values()] == ["1", "no", "5\n", "", "7"]


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "---\n", "---\n...\n"])
def test_empty_documents(text):
    node, problems = parse(Source("f.yaml", text))
    assert problems == []
    assert node is None or node.value is None


def test_a_large_file_is_refused_without_being_read(tmp_path, monkeypatch):
    path = tmp_path / "huge.yaml"
    with path.open("wb") as stream:
        stream.truncate(100_000_000)
    monkeypatch.setattr("pathlib.Path.open", lambda *_, **__: pytest.fail("the file was opened"))
    problem = read_source(path, "huge.yaml")
    assert isinstance(problem, Problem)
    assert problem.message == "is 100 MB; a configuration may have 10 MB"


def test_the_largest_file_allowed_is_read(tmp_path):
    path = tmp_path / "large.yaml"
    path.write_bytes(b"a: 1\n#" + b"x" * (LARGEST_FILE_BYTES - 6))
    source = read_source(path, "large.yaml")
    assert isinstance(source, Source)
    assert parse(source)[1] == []


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x00\x01\x02", "is not a text file"),
        ("a: 1\n".encode("utf-16"), "is UTF-16 text"),
        (b"a: 1\nb: caf\xe9\n", "is not UTF-8 text (byte 12, line 2)"),
    ],
)
def test_files_that_are_not_text(tmp_path, data, message):
    path = tmp_path / "odd.yaml"
    path.write_bytes(data)
    assert read_source(path, "odd.yaml").render() == "\n".join(
        [f"odd.yaml: error: {message}"] + (["    hint: save it as UTF-8"] if "UTF" in message else [])
    )


def test_a_byte_order_mark_does_not_count(tmp_path):
    path = tmp_path / "bom.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    source = read_source(path, "bom.yaml")
    node, problems = parse(source)
    assert problems == []
    assert list(node.items) == ["a"] and node.keys["a"].column == 1


def test_what_is_not_a_file(tmp_path):
    assert read_source(tmp_path, "folder").message == "is a directory"
    assert read_source(tmp_path / "none.yaml", "none.yaml").message == "there is no such file"
    assert "cannot be read" in read_source(tmp_path / ("x" * 5000), "long").message
    os.mkfifo(tmp_path / "pipe.yaml")
    assert read_source(tmp_path / "pipe.yaml", "pipe.yaml").message == "is not a regular file"
