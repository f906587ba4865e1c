from __future__ import annotations

from cellfab.config.problems import SHOWN_AT_MOST, Location, Problem, Source, config_error, did_you_mean


def test_rendering_word_for_word():
    base = Source("configs/base.yaml", "a: 1\n", Location(Source("configs/ess.yaml"), 1, 10))
    text = "machines:\n  coater:\n    speed_m_per_min: fast\n"
    problem = Problem(
        Location(Source("configs/ess.yaml", text), 3, 22),
        "machines.coater.speed_m_per_min",
        "expected a number in m/min, got 'fast'",
        "write 60",
    )
    other = Problem(Location(base, 1, 4), "a", "is wrong")
    assert str(config_error([problem, other, other])) == (
        "configs/base.yaml:1:4: error: a: is wrong\n"
        "    1 | a: 1\n"
        "           ^\n"
        "    extended by configs/ess.yaml:1:10\n"
        "configs/ess.yaml:3:22: error: machines.coater.speed_m_per_min: expected a number in m/min, got 'fast'\n"
        "    3 |     speed_m_per_min: fast\n"
        "                             ^\n"
        "    hint: write 60\n"
        "2 errors"
    )


def test_sorted_by_file_and_position_with_options_last():
    one, two = Source("b.yaml", "x\ny\n"), Source("a.yaml", "x\n")
    option = Source("--set", "a=b")
    problems = [
        Problem(Location(option, 1, 3), "", "fifth"),
        Problem(Location(one, 2, 1), "", "fourth"),
        Problem(Location(one, 1, 9), "", "third"),
        Problem(Location(one, 1, 2), "", "second"),
        Problem(Location(two, 1, 1), "", "first"),
    ]
    assert [problem.message for problem in config_error(problems).problems] == [
        "first",
        "second",
        "third",
        "fourth",
        "fifth",
    ]


def caret_column(text: str, column: int) -> tuple[str, int]:
    _, line, caret = Problem(Location(Source("f", text), 1, column), "", "x").render().split("\n")
    return line, caret.index("^")


def test_the_caret_stands_below_the_letter():
    line, caret = caret_column("speed: fast", 8)
    assert line[caret] == "f"
    line, caret = caret_column("\tspeed:\tfast", 9)
    assert line[caret] == "f"


def test_the_caret_allows_for_wide_letters_and_combining_marks():
    # Two wide letters take four columns of a terminal, an accent none.
    line, caret = caret_column("速度e\u0301: x", 7)
    assert caret == line.index("x") + 2 - 1


def test_a_very_long_line_is_cut_around_the_place():
    text = "a: [" + "1, " * 500_000 + "fast]"
    line, caret = caret_column(text, text.index("fast") + 1)
    assert len(line) < 140
    assert line[caret : caret + 4] == "fast"
    line, caret = caret_column(text, 4)
    assert line[caret] == "["


def test_the_end_of_a_line_and_lines_that_do_not_exist():
    line, caret = caret_column("key:", 5)
    assert caret == len(line)
    assert Problem(Location(Source("f", "a"), 7, 1), "", "x").render() == "f:7:1: error: x"
    assert Problem(Location(Source("f", "")), "p", "x").render() == "f: error: p: x"


def test_more_problems_than_anybody_reads_are_counted():
    source = Source("f.yaml", "x\n")
    error = config_error(Problem(Location(source, 1, column), "", "x") for column in range(1, SHOWN_AT_MOST + 11))
    assert len(error.problems) == SHOWN_AT_MOST + 10
    assert str(error).endswith(f"... and 10 more\n{SHOWN_AT_MOST + 10} errors")
    assert error.exit_code == 3


def test_did_you_mean():
    assert did_you_mean("powr_w", ["power_w", "speed"]) == "did you mean 'power_w'?"
    assert did_you_mean("Weld", ["weld"]) == "did you mean 'weld'?"
    assert did_you_mean("zzz", ["power_w", "speed"]) == "known: power_w, speed"
    assert did_you_mean("zzz", [f"name{number}" for number in range(30)]) == ""
    assert did_you_mean("zzz", []) == ""
