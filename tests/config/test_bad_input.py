"""Each mistake that a user makes, with the exact place that the message names."""

from __future__ import annotations

import pytest

from cellfab.config.loader import load
from cellfab.errors import ConfigError


def change(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1
    return text.replace(old, new)


@pytest.mark.parametrize(
    ("old", "new", "place", "path", "message", "hint"),
    [
        pytest.param(
            "kind: serial",
            "kind: serial\n      parralel: 2",
            "f.yaml:10:7",
            "line.stations.coat.parralel",
            "unknown key",
            "did you mean 'parallel'?",
            id="misspelt key",
        ),
        pytest.param(
            "    coat:\n      kind: serial\n      from: queue\n      cycle: {law: exponential, mean_s: 45}\n",
            "    coat:\n      kind: web\n      from: queue\n      speed_m_per_min: 80000\n",
            "f.yaml:11:24",
            "line.stations.coat.speed_m_per_min",
            "80 000 m/min is above 2 000",
            "did you mean mm/min (80 m/min)?",
            id="unit slip",
        ),
        pytest.param(
            "from: arrivals, capacity: 5",
            "from: [arrivals, coat], capacity: 5",
            "f.yaml:6:13",
            "line.buffers.queue.from",
            "the line runs in a circle: queue -> coat -> queue",
            "a line runs one way; send lots back with on_expiry: redo and redo_at",
            id="cyclic line",
        ),
        pytest.param(
            "from: queue",
            "from: []",
            "f.yaml:10:7",
            "line.stations.coat.from",
            "nothing feeds 'coat'",
            "name what it takes from",
            id="station that nothing feeds",
        ),
        pytest.param(
            "from: queue",
            "from: qeue",
            "f.yaml:10:13",
            "line.stations.coat.from",
            "there is no 'qeue' in the line",
            "did you mean 'queue'?",
            id="misspelt feed",
        ),
        pytest.param(
            "capacity: 5}\n  stations:\n    coat:\n      kind: serial\n",
            "capacity: 0}\n  stations:\n    coat:\n      kind: batch\n      batch_lots: 4\n",
            "f.yaml:6:39",
            "line.buffers.queue.capacity",
            "'coat' collects 4 lots, so the buffer before it needs room",
            "give it the capacity of at least one lot",
            id="buffer of size 0",
        ),
        pytest.param(
            "cycle: {law: exponential, mean_s: 45}",
            "cycle: {law: exponential, mean_s: -45}",
            "f.yaml:11:41",
            "line.stations.coat.cycle.mean_s",
            "-45 s is not above 0",
            "",
            id="negative rate",
        ),
        pytest.param(
            "cycle: {law: exponential, mean_s: 45}",
            "cycle: {law: empirical, values_s: []}",
            "f.yaml:11:31",
            "line.stations.coat.cycle.values_s",
            "must not be empty",
            "",
            id="empty distribution",
        ),
        pytest.param(
            "mean_s: 7200",
            "mean_s: .nan",
            "f.yaml:14:63",
            "line.stations.coat.failures.jam.time_to_failure.mean_s",
            ".nan is not a number that can be used here",
            "",
            id="NaN",
        ),
        pytest.param(
            "mean_s: 7200",
            "mean_s: nan",
            "f.yaml:14:63",
            "line.stations.coat.failures.jam.time_to_failure.mean_s",
            "expected a number in s, got 'nan'",
            "",
            id="NaN as a word",
        ),
        pytest.param(
            "kind: serial",
            "kind: seriel",
            "f.yaml:9:13",
            "line.stations.coat.kind",
            "unknown kind 'seriel'",
            "did you mean 'serial'?",
            id="unknown kind",
        ),
        pytest.param(
            "      kind: serial\n",
            "",
            "f.yaml:8:5",
            "line.stations.coat.kind",
            "is missing",
            "one of serial, batch, web, channels, dwell",
            id="no kind",
        ),
        pytest.param(
            "      from: queue\n",
            "      form: queue\n",
            "f.yaml:10:7",
            "line.stations.coat.form",
            "unknown key",
            "did you mean 'from'?",
            id="misspelt required key counts once",
        ),
        pytest.param(
            "kind: serial",
            "kind: serial\n      speed_m_per_min: 3",
            "f.yaml:10:7",
            "line.stations.coat.speed_m_per_min",
            "unknown key",
            "it belongs to kind web, and this is kind serial",
            id="key of another kind",
        ),
        pytest.param(
            "run:\n  horizon_h: 100\n",
            "run:\n",
            "f.yaml:18:5",
            "run",
            "expected a mapping, got nothing",
            "indent what belongs to it below the key, or remove the key",
            id="a key with nothing",
        ),
        pytest.param(
            "run:\n  horizon_h: 100\n",
            "",
            "f.yaml:1:1",
            "run",
            "is missing",
            "",
            id="a part that is missing",
        ),
        pytest.param(
            "{from: coat}",
            "{from: 3}",
            "f.yaml:17:17",
            "line.sinks.out.from",
            "expected text or a list or a mapping, got 3",
            "",
            id="a number for a name",
        ),
        pytest.param(
            "from: queue",
            "from: {queue: 0}",
            "f.yaml:10:21",
            "line.stations.coat.from.queue",
            "0 is below 1",
            "",
            id="no lots at all",
        ),
        pytest.param(
            "horizon_h: 100",
            "horizon_h: 100\n  warmup_h: 200",
            "f.yaml:18:1",
            "run",
            "warmup_h (200) leaves nothing of horizon_h (100)",
            "",
            id="values that do not go together",
        ),
        pytest.param(
            "from: queue",
            "from:",
            "f.yaml:10:12",
            "line.stations.coat.from",
            "expected text or a list or a mapping, got nothing",
            "indent what belongs to it below the key, or remove the key",
            id="nothing where one of several kinds is wanted",
        ),
        pytest.param(
            "horizon_h: 100",
            "horizon_h: 1e15",
            "f.yaml:19:14",
            "run.horizon_h",
            "1e+15 h is above 10 000 000",
            "",
            id="a run of a hundred billion years",
        ),
        pytest.param(
            "horizon_h: 100",
            "horizon_h: 1e-12",
            "f.yaml:18:1",
            "run",
            "less than a microsecond of horizon_h is left to be simulated",
            "",
            id="a run of no tick",
        ),
        pytest.param(
            "mean_s: 45",
            "mean_s: 1e300",
            "f.yaml:11:41",
            "line.stations.coat.cycle.mean_s",
            "1e+300 s is above 100 000 000 000",
            "",
            id="a duration beyond what can be counted",
        ),
        pytest.param(
            "kind: serial",
            "kind: serial\n      parallel: 100000000",
            "f.yaml:10:17",
            "line.stations.coat.parallel",
            "100 000 000 is above 100 000",
            "",
            id="more units than memory",
        ),
    ],
)
def test_one_mistake_one_problem(problems, good, old, new, place, path, message, hint):
    assert problems(f=change(good, old, new)) == [(place, path, message, hint)]


def test_the_good_one_is_good(settled, good):
    assert settled(f=good).get("run.horizon_h") == 100


def test_all_mistakes_of_all_files_in_one_go(problems, good):
    low = change(change(good, "kind: serial", "kind: serial\n      parralel: 2"), "shape: 1.5", "shape: -1")
    top = "extends: low.yaml\nline:\n  stations:\n    coat: {parallel: 0, calender: night}\nrun: {horizn_h: 3}\n"
    assert [(place, path) for place, path, *_ in problems(top=top, low=low)] == [
        ("low.yaml:10:7", "line.stations.coat.parralel"),
        ("low.yaml:15:50", "line.stations.coat.failures.jam.time_to_failure.shape"),
        ("top.yaml:4:22", "line.stations.coat.parallel"),
        ("top.yaml:4:25", "line.stations.coat.calender"),
        ("top.yaml:5:7", "run.horizn_h"),
    ]


def test_another_kind_in_an_overlay_says_what_must_be_given_again(problems, good):
    found = problems(top="extends: low\nline: {stations: {coat: {kind: batch, batch_lots: 2}}}\n", low=good)
    assert found == [
        (
            "top.yaml:2:19",
            "line.stations.coat.cycle",
            "is missing",
            "what stood here before (see low.yaml:9:13) is replaced as a whole, so its keys must be given again",
        ),
        (
            "top.yaml:2:19",
            "line.stations.coat.from",
            "is missing",
            "what stood here before (see low.yaml:9:13) is replaced as a whole, so its keys must be given again",
        ),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f.yaml: error: is empty\n1 error"),
        ("# only a comment\n", "f.yaml: error: is empty\n1 error"),
        ("- a\n- b\n", "f.yaml:1:1: error: must be a mapping of names to values, and is a list"),
        ("just text\n", "f.yaml:1:1: error: must be a mapping of names to values, and is a single value"),
        ("{ this is not: [yaml\n", "f.yaml:1:16: error: not YAML: a bracket or quote that opens here is never closed"),
    ],
)
def test_files_that_hold_something_else(write, text, message):
    with pytest.raises(ConfigError) as caught:
        load(write(f=text))
    assert str(caught.value).startswith(message)
    assert caught.value.exit_code == 3


def test_files_that_are_not_there(write, tmp_path):
    write(scenario="a: 1\n")
    with pytest.raises(ConfigError, match=r"^scenaro.yaml: error: there is no such file\n.*'scenario.yaml'"):
        load("scenaro.yaml")
    with pytest.raises(ConfigError, match="no such file, and no shipped scenario of that name"):
        load("nothing_like_it")
    with pytest.raises(ConfigError, match="is a directory"):
        load(tmp_path)
    with pytest.raises(ConfigError, match="is not a file name"):
        load("x" * 5000)
    with pytest.raises(ConfigError, match=r"^a\?b: error: there is no such file"):
        load("a\0b")


def test_a_file_of_100_mb_is_refused(write, tmp_path):
    write(small="a: 1\n")
    with (tmp_path / "huge.yaml").open("wb") as stream:
        stream.truncate(100_000_000)
    with pytest.raises(ConfigError, match=r"huge.yaml: error: is 100 MB; a configuration may have 10 MB"):
        load("huge.yaml")
    (tmp_path / "top.yaml").write_text("extends: huge.yaml\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"top.yaml:1:10: error: extends: huge.yaml: is 100 MB"):
        load("top.yaml")


def test_unicode_carriage_returns_and_a_byte_order_mark(problems, good):
    text = "\ufeff" + change(good, "coat:", "größe速:").replace("from: coat", "from: größe").replace("\n", "\r\n")
    assert problems(f=text) == [
        ("f.yaml:17:17", "line.sinks.out.from", "there is no 'größe' in the line", "did you mean 'größe速'?")
    ]


def test_thousands_of_mistakes_are_all_found(problems, good):
    names = "".join(f"    s{number}: {{kind: serial, from: queue, cycel: 1}}\n" for number in range(1000))
    assert len(problems(f=change(good, "  stations:\n", "  stations:\n" + names))) == 1000
