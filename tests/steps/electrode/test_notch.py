from __future__ import annotations

import math

import numba
import numpy as np
import pytest

from cellfab.steps import notch

pytestmark = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="too many segments for interpreted kernels")


def _notched(electrode, ordinal=0, **params):
    return electrode.run(electrode.chain(quiet=True, notch=params, dose={"roll_length_m": 700.0})[:6], ordinal)


def test_flaws_are_seen_and_imagined_at_the_stated_rates(electrode):
    # 40 rolls x 2 800 segments: flaws, their share seen and alarms over sound cuts, each within z = 4.
    flaws = seen = alarms = sound = 0
    for ordinal in range(40):
        lot = _notched(electrode, ordinal, flaw_probability=0.05, flaw_seen_share=0.8, false_alarm_probability=0.02)
        flaw, out = lot.columns["notch_flaw"] == 1, lot.exit_code == notch.SEEN_FLAW
        flaws, seen = flaws + flaw.sum(), seen + (flaw & out).sum()
        alarms, sound = alarms + (out & ~flaw).sum(), sound + (~flaw).sum()
    for found, share, of in ((flaws, 0.05, flaws + sound), (seen, 0.8, flaws), (alarms, 0.02, sound)):
        assert found / of == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / of))


def test_flag_height_is_read_with_error(electrode):
    lot = _notched(electrode, height_noise_sd_mm=0.1, height_gauge_sd_mm=0.05)
    draws = electrode.draws(electrode.step(notch.Notch))
    height = 0.1 * draws.normal("height", lot)
    assert lot.columns["flag_height_error_mm"] == pytest.approx(height, abs=1e-6)
    read = np.abs(height + 0.05 * draws.normal("height_gauge", lot))
    clear = np.abs(read - 0.25) > 1e-5
    assert np.array_equal((lot.exit_code == notch.OFF_HEIGHT)[clear], read[clear] > 0.25)


def test_lanes_share_their_guide(electrode):
    lot = _notched(electrode, lane_height_sd_mm=0.05)
    height = lot.columns["flag_height_error_mm"].reshape(14, -1)
    assert np.all(height == height[:, :1])
    assert np.unique(height[:, 0]).size == 14


@pytest.mark.parametrize("source", ["flaw_probability", "false_alarm_probability"])
def test_more_flaws_or_alarms_spare_no_electrode(electrode, source):
    # Few flaws are seen and alarms are many, so that on some electrodes both meet.
    fewer = {"flaw_probability": 0.1, "flaw_seen_share": 0.3, "false_alarm_probability": 0.1}
    for ordinal in range(6):
        before = _notched(electrode, ordinal, **fewer)
        after = _notched(electrode, ordinal, **{**fewer, source: 3.0 * fewer[source]})
        assert not (after.alive() & ~before.alive()).any()
        assert after.n_alive < before.n_alive
        flawed = (before.exit_code == notch.SEEN_FLAW) & (before.columns["notch_flaw"] == 1)
        noted = before.attributes["false_rejects_cut_edge"]
        assert noted == np.count_nonzero((before.exit_code == notch.SEEN_FLAW) & ~flawed) > 0
