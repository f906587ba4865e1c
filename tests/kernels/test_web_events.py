from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from cellfab.kernels import web_events

KEY = np.uint64(7)


def _scatter(rate, lanes=3, positions=150, planned=161, entity=5, share=1.0):
    rate = np.asarray(rate, float)
    kind = np.arange(positions, dtype=np.int32) if rate.size > 1 else web_events.EVERYWHERE
    rows, first, second = web_events.scatter_events(KEY, entity, rate, kind, share, lanes, positions, planned)
    return rows, np.column_stack((first, second))


def test_counts_per_segment_are_poisson_of_the_local_rate():
    # 300 webs of 3 x 150 segments at 0.2, none and 1.5 per segment: means and variances within z = 4.
    rate = np.repeat([0.2, 0.0, 1.5], 50)
    counts = np.zeros((300, 3, 150))
    for entity in range(300):
        rows, _ = _scatter(rate, entity=entity)
        np.add.at(counts[entity].reshape(-1), rows, 1)
    assert not counts[:, :, 50:100].any()
    for part, mean in ((counts[:, :, :50], 0.2), (counts[:, :, 100:], 1.5)):
        n = part.size
        assert part.mean() == pytest.approx(mean, abs=4 * math.sqrt(mean / n))
        assert part.var() == pytest.approx(mean, abs=4 * math.sqrt((2 * mean**2 + mean) / n))
        # Every place of a block is as likely as any other.
        places = part.sum(axis=(0, 1))
        assert np.abs(places - places.mean()).max() < 5 * math.sqrt(places.mean())


def test_words_are_uniform_and_differ():
    _, words = _scatter([1.0], lanes=40)
    u = (words + 0.5) / 2.0**32
    for column in u.T:
        assert stats.kstest(column, "uniform").pvalue > 1e-4
    assert abs(np.corrcoef(u.T)[0, 1]) < 4 / math.sqrt(len(u))


def _as_set(rows, words):
    return {(int(row), *map(int, pair)) for row, pair in zip(rows, words, strict=True)}


def test_a_higher_rate_adds_events_and_takes_none_away():
    before = set()
    for rate in (0.02, 0.1, 0.5, 2.0):
        now = _as_set(*_scatter([rate]))
        assert before < now
        before = now


@pytest.mark.parametrize("seed", range(8))
def test_a_rate_that_is_higher_anywhere_adds_events_and_takes_none_away(seed):
    # Rates that differ from segment to segment, raised here and there, beyond a block's highest and the cap as well.
    rng = np.random.default_rng(seed)
    rate = rng.gamma(0.5, 0.4, 150)
    higher = rate + np.where(rng.random(150) < 0.3, rng.gamma(0.5, 8.0, 150), 0.0)
    assert _as_set(*_scatter(rate)) < _as_set(*_scatter(higher))


def test_a_roll_cut_short_keeps_the_events_of_what_is_left():
    rate = np.random.default_rng(3).gamma(0.5, 0.8, 161)
    long, all_words = _scatter(rate, positions=161)
    short, words = _scatter(rate[:100], positions=100)
    left = long % 161 < 100
    assert np.array_equal(long[left] // 161 * 100 + long[left] % 161, short)
    assert np.array_equal(all_words[left], words)


def test_nothing_happens_at_rate_zero_or_on_no_web():
    assert _scatter([0.0])[0].size == 0
    assert _scatter([1.0], share=0.0)[0].size == 0
    assert _scatter([1.0], positions=0)[0].size == 0


@pytest.mark.parametrize("rate", [[math.nan], [0.1] * 149 + [math.nan]])
def test_a_rate_that_is_no_number_is_told(rate):
    with pytest.raises(ValueError, match="not a number"):
        _scatter(rate)


def test_a_rate_that_is_no_number_does_no_harm_where_it_does_not_hold():
    kind = np.zeros(150, np.int32)
    rows, _, _ = web_events.scatter_events(KEY, 5, np.array([0.1, math.nan]), kind, 1.0, 3, 150, 161)
    assert np.array_equal(rows, _scatter([0.1])[0])


def test_there_is_room_for_as_many_events_as_there_are():
    # 450 segments with ten each: room for 4500 out of that for 256, z-limit 4.
    rows, words = _scatter([web_events.RATE_AT_MOST])
    assert rows.size == len(words) == pytest.approx(4500, abs=4 * math.sqrt(4500))
    assert len(_as_set(rows, words)) == rows.size


def test_a_share_of_a_rate_is_that_rate():
    rate = np.random.default_rng(4).gamma(0.5, 0.8, 150)
    for one, other in zip(_scatter(rate, share=0.25), _scatter(0.25 * rate), strict=True):
        assert np.array_equal(one, other)


def test_rate_of_a_probability():
    # One event or more with the probability asked for: 400 webs of 483 segments, z-limit 4.
    assert web_events.rate_of(0.0) == 0.0
    assert web_events.rate_of(1.0) == web_events.RATE_AT_MOST
    rate = web_events.rate_of(0.3)
    hit = sum(np.unique(_scatter([rate], positions=161, entity=entity)[0]).size for entity in range(400))
    n = 400 * 483
    assert hit / n == pytest.approx(0.3, abs=4 * math.sqrt(0.21 / n))


def test_scrapping_at_rows_named_twice():
    code = np.array([0, 7, 0, 0], np.int16)
    assert web_events.scrap_at(np.array([0, 1, 3, 3], np.uint32), 4, code) == 2
    assert code.tolist() == [4, 7, 0, 4]
