from __future__ import annotations

import math
from statistics import NormalDist

import numba
import numpy as np
import pytest

from cellfab.core.causes import cause
from cellfab.core.draws import Draws
from cellfab.core.flaws import Found, Patches, Sizes, inspect_flaws, inspect_peel
from cellfab.core.lot import Lot
from cellfab.core.web import exit_codes
from cellfab.errors import InvariantError
from cellfab.kernels.film import weak_patches
from cellfab.kernels.web_events import EVERYWHERE

many = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="too many segments for interpreted kernels")
CAUSE = cause("test", "flaw", "flaw seen in a test")


def _web(positions=800, planned=1000, lanes=14, identity=9):
    lot = Lot(identity, n=lanes * positions, unit="m", material="anode")
    lot.attributes = {"lanes": float(lanes), "positions": float(positions), "planned_positions": float(planned)}
    return lot


def _draws(seed=1):
    return Draws(seed, 0, "film")


def test_counts_by_row():
    found = Found(
        np.array([3, 1, 3, 3], np.uint32), np.array([0.2, 0.5, 0.9, 0.1], np.float32), np.zeros(5, np.float32)
    )
    assert found.counts().tolist() == [0, 1, 0, 3, 0]
    none = Found(np.empty(0, np.uint32), np.empty(0, np.float32), np.zeros(2, np.float32))
    assert none.counts().tolist() == [0, 0]


@many
def test_flaws_are_poisson_lognormal_and_seen_by_size():
    # 30 webs x 11 200 segments at 0.3: 100 000 flaws. z-limit 4; the camera sees the share
    # Phi(ln(median / limit) / sqrt(spread^2 + error^2)) of them.
    law = Sizes(0.3, 0.6, 0.5, 0.5)
    flaws, seen, logs = 0, 0, []
    for identity in range(30):
        lot = _web(identity=identity)
        found = inspect_flaws(lot, _draws(), "holes", np.array([0.3]), EVERYWHERE, law, CAUSE, keep=True)
        flaws += found.rows.size
        logs.append(np.log(found.sizes.astype(float) / 0.3))
        scrapped = np.flatnonzero(exit_codes(lot) == CAUSE)
        seen += scrapped.size
        assert np.isin(scrapped, found.rows).all()
        assert lot.n_dead == scrapped.size and lot.losses == [(CAUSE, scrapped.size)]
    expected = 30 * 11_200 * 0.3
    assert flaws == pytest.approx(expected, abs=4 * math.sqrt(expected))
    sizes = np.concatenate(logs)
    assert sizes.mean() == pytest.approx(0.0, abs=4 * 0.6 / math.sqrt(flaws))
    assert sizes.std() == pytest.approx(0.6, rel=4 / math.sqrt(2 * flaws))
    # A segment is scrapped unless none of its flaws is read as too large.
    too_large = NormalDist().cdf(math.log(0.3 / 0.5) / math.hypot(0.6, 0.5))
    share = -math.expm1(-0.3 * too_large)
    total = 30 * 11_200
    assert seen / total == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / total))


def test_without_flaws_nothing_is_drawn_or_lost():
    lot = _web()
    found = inspect_flaws(
        lot, _draws(), "holes", np.array([0.0]), EVERYWHERE, Sizes(0.3, 0.6, 0.5, 0.5), CAUSE, keep=True
    )
    assert found.rows.size == found.sizes.size == 0
    assert lot.n_alive == lot.n


@many
@pytest.mark.parametrize(("spread", "error"), [(0.6, 0.5), (0.6, 0.0), (0.0, 0.5), (0.0, 0.0)])
def test_what_is_seen_by_size(spread, error):
    # 100 000 flaws of median 0.3 against a limit of 0.25, 40 000 of them alone on their segment. Of a class of sizes
    # the share Phi(ln(d / limit) / error) is seen; z-limit 4 in each.
    law = Sizes(0.3, spread, error, 0.25)
    sizes, seen = [], []
    for identity in range(10):
        lot = _web(identity=identity)
        found = inspect_flaws(lot, _draws(), "holes", np.array([0.9]), EVERYWHERE, law, CAUSE, keep=True)
        alone = found.counts()[found.rows] == 1
        sizes.append(found.sizes[alone].astype(float))
        seen.append((exit_codes(lot) == CAUSE)[found.rows[alone]])
    sizes, seen = np.concatenate(sizes), np.concatenate(seen)
    assert np.log(sizes / 0.3).std() == pytest.approx(spread, rel=0.02, abs=1e-6)
    for low, high in ((0.0, 0.15), (0.15, 0.25), (0.25, 0.35), (0.35, 9.0)):
        here = (sizes >= low) & (sizes < high)
        if here.any():
            reach = np.log(sizes[here] / 0.25)
            phi = [NormalDist().cdf(x / error) for x in reach] if error else (reach > 0.0).astype(float)
            assert seen[here].mean() == pytest.approx(np.mean(phi), abs=4 * 0.5 / math.sqrt(here.sum()))


@many
def test_false_rejects_are_segments_on_which_nothing_seen_is_too_large():
    # 10 webs x 11 200 segments at 0.2, median at the limit: half of what is seen is truly smaller, as it is for a
    # camera of this error: P(small | seen) = 1/2 - arctan(spread / error) / pi. z-limit 4.
    noted, off, expected = 0.0, 0, 0
    for identity in range(10):
        lot = _web(identity=identity)
        found = inspect_flaws(
            lot, _draws(), "holes", np.array([0.2]), EVERYWHERE, Sizes(0.3, 0.6, 0.5, 0.3), CAUSE, keep=True
        )
        noted += lot.attributes["false_rejects_flaw"]
        rejected = exit_codes(lot) == CAUSE
        expected += np.count_nonzero(rejected & (found.largest <= 0.3))
        off += np.count_nonzero(rejected & (found.counts() == 1))
        assert lot.losses == [(CAUSE, lot.n_dead)]
    share = 0.5 - math.atan(0.6 / 0.5) / math.pi
    assert noted >= expected > 0.9 * noted  # a large one that passed does not make the alarm right
    assert expected / off == pytest.approx(share, abs=4 * math.sqrt(share / off) + 0.01)


def test_flaws_that_pass_change_nothing_for_the_others():
    codes = []
    for keep in (False, True):
        lot = _web(200, 250, 3)
        found = inspect_flaws(
            lot, _draws(), "holes", np.array([0.2]), EVERYWHERE, Sizes(0.3, 0.6, 0.5, 0.5), CAUSE, keep=keep
        )
        assert (found is None) != keep
        codes.append(exit_codes(lot).copy())
    assert np.array_equal(*codes)
    assert (codes[0] == CAUSE).any()


@many
def test_a_sharper_limit_and_more_flaws_scrap_more_of_the_same_web():
    for identity in range(5):
        good = []
        for limit, rate in ((9.0, 0.05), (0.5, 0.05), (0.5, 0.2), (0.2, 0.2)):
            lot = _web(identity=identity)
            inspect_flaws(lot, _draws(), "holes", np.array([rate]), EVERYWHERE, Sizes(0.3, 0.6, 0.5, limit), CAUSE)
            good.append(lot.n_alive)
        assert good == sorted(good, reverse=True)
        assert good[0] > good[-1]


@many
def test_patches_come_off_with_the_probability_of_the_minimum():
    # Two charges of 400 positions each: the weakest of 4000 lognormal patches against 10 N/m; 10 webs, z-limit 4.
    median, spread, number = np.array([15.0, 16.5]), np.array([0.12, 0.12]), 4000.0
    expected = np.array([weak_patches(10.0, m, s, number) for m, s in zip(median, spread, strict=True)])
    exact = -np.expm1(-expected)
    assert 0.05 < exact[1] < exact[0] < 0.98
    patches = Patches(median, spread, expected, number)
    charge = np.repeat([0, 1], 400).astype(np.int32)
    weak, seen = np.zeros(2), np.zeros(2)
    for identity in range(10):
        lot = _web(identity=identity)
        peel = inspect_peel(lot, _draws(), "peel", patches, charge, 0.7, CAUSE, keep=True)
        below = (peel < 10.0).reshape(14, -1)
        off = (exit_codes(lot) == CAUSE).reshape(14, -1)
        assert not (off & ~below).any()
        for k in range(2):
            weak[k] += below[:, charge == k].sum()
            seen[k] += off[:, charge == k].sum()
    n = 10 * 14 * 400
    assert weak / n == pytest.approx(exact, abs=4 * 0.5 / math.sqrt(n))
    assert seen / weak == pytest.approx([0.7, 0.7], abs=4 * 0.5 / math.sqrt(weak.min()))


def test_strength_is_drawn_only_if_asked_for_and_decides_nothing():
    patches = Patches(np.array([15.0]), np.array([0.12]), np.array([0.5]), 4000.0)
    charge = np.zeros(50, np.int32)
    codes = []
    for keep in (False, True):
        lot = _web(50, 60, 2)
        peel = inspect_peel(lot, _draws(), "peel", patches, charge, 0.7, CAUSE, keep=keep)
        assert (peel is None) != keep
        codes.append(exit_codes(lot).copy())
    assert np.array_equal(*codes)
    assert (codes[0] == CAUSE).any()


def test_a_rate_that_is_no_number_is_announced():
    rates, charge = np.array([0.1, math.nan]), np.repeat([0, 1], 25).astype(np.int32)
    with pytest.raises(InvariantError, match=r"'holes'.*not a number"):
        inspect_flaws(_web(50, 60, 2), _draws(), "holes", rates, charge, Sizes(0.3, 0.6, 0.5, 0.5), CAUSE)
    patches = Patches(np.array([15.0]), np.array([0.12]), np.array([math.nan]), 4000.0)
    with pytest.raises(InvariantError, match=r"'peel'.*not a number"):
        inspect_peel(_web(50, 60, 2), _draws(), "peel", patches, np.zeros(50, np.int32), 0.7, CAUSE)
