"""What has moved: tests of single figures against scipy, and the rate of false alarms of a whole check."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from cellfab.study.movement import Movement, figure_movements, judged


def of(before, after, *, paired=True, level=0.01):
    return judged(list(figure_movements("shop", "rate", "1/h", before, after, paired=paired)), level)


def test_pairs_are_student_s_test_of_their_differences():
    before = [10.0, 11.0, 9.5, 10.2, 10.9]
    after = [10.4, 11.1, 9.7, 10.8, 11.0]
    (found,) = of(before, after)
    expected = stats.ttest_rel(after, before)
    assert found.standard_errors == pytest.approx(expected.statistic, rel=1e-12)
    assert found.probability == pytest.approx(expected.pvalue, rel=1e-9)
    assert found.limit == pytest.approx(stats.t.ppf(1 - 0.005, 4))
    assert (found.verdict, found.before, found.difference) == ("chance", pytest.approx(10.32), pytest.approx(0.28))
    assert of(before, after, level=0.05)[0].verdict == "moved"


def test_other_random_numbers_are_welch_s_test():
    before = [10.0, 11.0, 9.5, 10.2, 10.9]
    after = [12.4, 14.1, 12.7, 15.8, 11.0, 14.0, 13.9]
    (found,) = of(before, after, paired=False)
    expected = stats.ttest_ind(after, before, equal_var=False)
    assert found.standard_errors == pytest.approx(expected.statistic, rel=1e-12)
    assert found.probability == pytest.approx(expected.pvalue, rel=1e-9)
    assert found.freedom == pytest.approx(expected.df)
    assert found.verdict == "moved"


def test_names_are_fisher_s_exact_test():
    before = ["oven"] * 18 + ["press"] * 2
    after = ["oven"] * 7 + ["press"] * 13
    (found,) = of(before, after)
    expected = stats.fisher_exact([[18, 2], [7, 13]]).pvalue
    assert found.probability == pytest.approx(expected, rel=1e-9)
    assert (found.verdict, found.before, found.after) == ("moved", "18 x oven, 2 x press", "13 x press, 7 x oven")
    assert found.standard_errors is None
    (found,) = of(before, ["oven"] * 17 + ["press"] * 3)
    assert found.verdict == "chance"
    assert of(before, list(before))[0].verdict == "same"


@pytest.mark.parametrize("paired", [True, False])
def test_without_scatter_numbers_must_be_equal(paired):
    assert of([0.25] * 4, [0.25] * 4, paired=paired)[0].verdict == "same"
    assert of([0.25] * 4, [0.25 * (1 + 5e-10)] * 4, paired=paired)[0].verdict == "same"
    (found,) = of([0.25] * 4, [0.25 * (1 + 2e-9)] * 4, paired=paired)
    assert (found.verdict, found.standard_errors, found.limit) == ("moved", math.inf, None)
    assert of([0.0] * 4, [1e-15] * 4, paired=paired)[0].verdict == "moved"


def test_rounding_is_no_difference():
    before = [1.0, 2.0, 3.0]
    (found,) = of(before, [value * (1 + 3e-10) for value in before])
    assert (found.verdict, found.difference, found.probability) == ("same", 0.0, 1.0)


def test_the_same_shift_in_every_pair_is_certain():
    (found,) = of([1.0, 2.0, 3.0], [0.5, 1.5, 2.5])
    assert (found.verdict, found.standard_errors) == ("moved", -math.inf)
    assert found.reason == "the same in every pair of replicates"


def test_a_figure_that_came_or_went():
    (found,) = of([1.0, 2.0, 3.0], [None] * 3)
    assert (found.verdict, found.before, found.after) == ("moved", "a number", "nothing")
    (found,) = of([None] * 3, [1.0, 2.0, 3.0])
    assert (found.verdict, found.reason) == ("moved", "in every replicate")
    assert of([None] * 3, [None] * 3)[0].verdict == "same"


def test_a_figure_that_some_replicates_lack_is_compared_where_both_have_it():
    came, value = of([1.0, 2.0, 3.0, None], [1.0, 2.0, None, None])
    assert (came.verdict, came.before, came.after) == (
        "chance",
        "3 x a number, 1 x nothing",
        "2 x a number, 2 x nothing",
    )
    assert (value.verdict, value.before, value.after) == ("same", 1.5, 1.5)


def test_one_value_alone_says_nothing():
    (value,) = of([1.0, None, None], [2.0, None, None])
    assert value.verdict == "chance"
    assert value.reason.startswith("too few replicates")


def test_the_level_is_shared_out_by_holm_s_procedure():
    one = Movement("shop", "rate", "1/h", 1.0, 2.0, difference=1.0, standard_error=1.0, freedom=9.0, by_chance=True)
    found = judged([replace(one, probability=p) for p in (0.03, 0.001, 0.02, 0.012)], 0.05)
    # Sorted, 0.001 < 0.05/4, 0.012 < 0.05/3, 0.02 < 0.05/2 and 0.03 < 0.05/1: all of them.
    assert [movement.verdict for movement in found] == ["moved"] * 4
    found = judged([replace(one, probability=p) for p in (0.03, 0.001, 0.026, 0.012)], 0.05)
    # 0.026 > 0.05/2: it ends there, although 0.03 < 0.05.
    assert [movement.verdict for movement in found] == ["chance", "moved", "chance", "moved"]
    assert found[0].limit == found[2].limit == pytest.approx(stats.t.ppf(1 - 0.0125, 9))
    assert found[1].limit == pytest.approx(stats.t.ppf(1 - 0.00625, 9))
    with pytest.raises(ValueError, match="level"):
        judged([one], 1.0)


@pytest.mark.parametrize("paired", [True, False])
def test_false_alarms_come_at_the_stated_rate(paired):
    # 1000 checks of 15 figures that nothing has moved, at a level of 5 %: independent figures use nearly all of it
    # (1 - (1 - 0.05/15)^15 = 4.9 %), so that 49 +- 6.8 checks should fail; z = 3.3. A limit 13 % too low doubles them.
    trials, figures, n = 1000, 15, 8
    random = np.random.default_rng(20260105)
    failed = 0
    for _ in range(trials):
        values = random.normal(100.0, 5.0, size=(2, figures, n))
        movements = [
            movement
            for before, after in zip(*values.tolist(), strict=True)
            for movement in figure_movements("shop", "rate", "", before, after, paired=paired)
        ]
        failed += any(movement.regression for movement in judged(movements, 0.05))
    assert 27 <= failed <= 71
