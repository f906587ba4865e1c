"""Sound cells that winding rejects are told, counted from the true state behind each rejection."""

from __future__ import annotations

import numpy as np
import pytest

from cellfab.core.causes import describe
from cellfab.core.lot import ALIVE
from cellfab.pilot import QualityChain
from cellfab.scenario import load_scenario


@pytest.mark.parametrize("maturity", [0.0, 1.0])
def test_the_winder_tells_which_of_its_rejects_were_sound(maturity):
    sets = [
        f"line.stations.wind.params.{one}"
        for one in ("overhang_gauge_mm=0.15", "camera_false_alarm_probability=0.02", "separator_fault_probability=0.02")
    ]
    seen = []

    def look(visit):
        if visit.place.key == "wind":
            cells = visit.made
            reason = np.array([describe(int(code)).name if code != ALIVE else "" for code in cells.exit_code])
            wide = cells.columns["overhang_mm"] >= visit.step.params.overhang_limit_mm
            whole = cells.columns["separator_fault"] == 0
            sound = {
                "overhang": int(np.count_nonzero((reason == "overhang") & wide)),
                "separator_fault": int(np.count_nonzero((reason == "separator_fault") & whole)),
            }
            assert dict(visit.false_rejects) == sound
            seen.append((sound, int((reason == "separator_fault").sum()), int((reason == "overhang").sum())))

    QualityChain(load_scenario("ev_4680_dry", sets), maturity=maturity).lot(0, look)
    ((sound, by_camera, by_overhang),) = seen
    assert 0 < sound["separator_fault"] < by_camera
    assert 0 < sound["overhang"] <= by_overhang
