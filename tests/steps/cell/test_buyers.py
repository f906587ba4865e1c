"""Cells sold by specifications: shares of a normal population against the bivariate normal law, and who gets what."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.core.racks import Racks
from cellfab.steps.grade import Grade

N = 200_000
MEAN_AH, SD_AH, MEAN_MOHM, SD_MOHM, RHO = 100.0, 1.5, 0.50, 0.02, 0.4
READ_AH, READ_MOHM = 0.006, 0.02
"""Errors of the tests, of the value."""


def population(seed=1, n=N):
    """Graded cells to be: true capacity and resistance from one bivariate normal law, nothing else wrong."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((2, n))
    lot = Lot(seed, ordinal=seed, product="cell", material="cell", n=n, unit="trays")
    lot.columns = {
        "capacity_ah": (MEAN_AH + SD_AH * z[0]).astype(np.float32),
        "dcir_mohm": (MEAN_MOHM + SD_MOHM * (RHO * z[0] + math.sqrt(1.0 - RHO**2) * z[1])).astype(np.float32),
        "k_measured_mv_per_d": np.zeros(n, np.float32),
        "defects": np.zeros(n, np.uint16),
        "tray_position": np.arange(n, dtype=np.int32),
    }
    lot.attributes = {"rated_capacity_ah": MEAN_AH, "rated_dcir_mohm": MEAN_MOHM, "cells_per_tray": 64.0}
    return lot


def step(cells, **buyers):
    design = cells.design()
    own = {"appearance_probability": 0.0, "leak_detection_probability": 0.0, "tray_temperature_k": 0.0}
    noise = {"capacity_noise_fraction": READ_AH, "dcir_noise_fraction": READ_MOHM}
    return Grade(Grade.Params(**own, **noise, buyers=buyers), design)


def graded(cells, lot=None, **buyers):
    return step(cells, **buyers).apply(lot or population(), Draws(3, 0, "grade"), 1.0)


ENERGY = {"nameplate_ah": 99.0, "most_dcir_mohm": 0.54, "price_ratio": 1.0}
POWER = {"nameplate_ah": 96.0, "most_dcir_mohm": 0.49, "price_ratio": 1.2}


def test_two_specifications_share_a_normal_population_as_the_bivariate_law_says(cells):
    # Readings are normal, too: variances add, and the error's own spread with the value is below 1e-3 of it.
    sd_ah, sd_mohm = math.hypot(SD_AH, READ_AH * MEAN_AH), math.hypot(SD_MOHM, READ_MOHM * MEAN_MOHM)
    rho = RHO * SD_AH * SD_MOHM / (sd_ah * sd_mohm)
    law = multivariate_normal([0.0, 0.0], [[1.0, rho], [rho, 1.0]])

    def kept(least_ah, most_mohm):
        """P(capacity read >= least, resistance read <= most)."""
        at = (most_mohm - MEAN_MOHM) / sd_mohm
        below = law.cdf([(least_ah - MEAN_AH) / sd_ah, at])
        return law.cdf([math.inf, at]) - below

    power = kept(96.0, 0.49)
    energy = kept(99.0, 0.54) - kept(99.0, 0.49)  # what the power buyer leaves of it
    made = graded(cells, energy=ENERGY, power=POWER)
    shares = np.bincount(made.columns["grade"], minlength=3) / N
    # 200 000 cells, |z| below 4: 0.4 points; two per cent of either share are 0.6 points and more.
    for share, expected in ((shares[1], power), (shares[2], energy), (shares[0], 1.0 - power - energy)):
        assert share == pytest.approx(expected, abs=4.0 * math.sqrt(expected * (1.0 - expected) / N))
    assert made.attributes["buyer_cells_power"] == np.count_nonzero(made.columns["grade"] == 1)


def test_who_pays_most_is_served_first_whatever_is_written_first(cells):
    one = graded(cells, energy=ENERGY, power=POWER)
    two = graded(cells, power=POWER, energy=ENERGY)
    assert (one.columns["grade"] == two.columns["grade"]).all()
    dear = graded(cells, energy={**ENERGY, "price_ratio": 1.3}, power=POWER)
    both = (one.columns["capacity_measured_ah"] >= 99.0) & (one.columns["dcir_measured_mohm"] <= np.float32(0.49))
    assert both.any()
    assert (one.columns["grade"][both] == 1).all(), "power pays more"
    assert (dear.columns["grade"][both] == 1).all(), "energy pays more and is first now"
    assert dear.attributes["buyer_cells_energy"] > one.attributes["buyer_cells_energy"]


def test_causes_of_scrap_name_what_no_buyer_takes(cells):
    made = graded(cells, energy=ENERGY, power=POWER)
    ah, mohm = made.columns["capacity_measured_ah"], made.columns["dcir_measured_mohm"]
    low, high = ah < 96.0, mohm > np.float32(0.54)
    neither = ~low & ~high & (ah < 99.0) & (mohm > np.float32(0.49))
    dead = ~made.alive()
    assert (dead == (low | high | neither)).all()
    codes = [set(made.exit_code[rows].tolist()) for rows in (low, high & ~low, neither)]
    assert [len(code) for code in codes] == [1, 1, 1]
    assert len(set.union(*codes)) == 3


def test_energy_cells_and_errors_of_the_tests_are_told_by_buyer(cells):
    made = graded(cells, energy=ENERGY, power=POWER)
    ah, mohm, grade = (made.columns[name] for name in ("capacity_ah", "dcir_mohm", "grade"))
    for place, (name, least, most) in enumerate((("power", 96.0, 0.49), ("energy", 99.0, 0.54)), start=1):
        mine = grade == place
        short = mine & ((ah < least) | (mohm > most))
        assert made.attributes[f"buyer_cells_{name}"] == mine.sum()
        assert made.attributes[f"buyer_short_{name}"] == short.sum() > 0
        kwh = 1e-3 * made.columns["energy_wh"][mine].sum(dtype=np.float64)
        assert made.attributes[f"buyer_kwh_{name}"] == pytest.approx(kwh, rel=1e-9)
    whole = sum(made.attributes[f"buyer_kwh_{name}"] for name in ("power", "energy"))
    assert made.attributes["good_energy_kwh"] == pytest.approx(whole, rel=1e-6)


def test_self_discharge_and_downgrades_decide_as_well(cells):
    lot = population(n=6000)
    lot.columns["k_measured_mv_per_d"] = np.linspace(0.0, 0.1, 6000, dtype=np.float32)
    lot.columns["downgraded"] = (np.arange(6000) % 2).astype(np.uint8)
    wide = {"nameplate_ah": 50.0, "most_dcir_mohm": 5.0}
    made = graded(
        cells, lot, still={**wide, "most_self_discharge_mv_per_d": 0.05, "price_ratio": 2.0}, new=wide,
        all={**wide, "takes_downgraded": True, "price_ratio": 0.5},
    )  # fmt: skip
    down = made.columns["downgraded"] == 1
    assert (made.columns["grade"][down] == 3).all()
    still = made.columns["k_measured_mv_per_d"] <= np.float32(0.05)
    assert (made.columns["grade"][~down] == np.where(still[~down], 1, 2)).all()


def test_every_buyer_has_strings_of_its_own(cells):
    made = graded(cells, energy=ENERGY, power={**POWER, "cells_in_series": 16, "match_capacity_fraction": 0.0})
    counted = {}
    for place, name in ((1, "power"), (2, "energy")):
        racks = Racks(place, name)
        racks.add(made)
        counted[name] = racks
    assert counted["power"].cells == made.attributes["buyer_cells_power"]
    assert counted["energy"].cells == made.attributes["buyer_cells_energy"]
    assert counted["power"].strings > counted["energy"].strings > 0
    assert counted["power"].usable_fraction < counted["energy"].usable_fraction, "one bin of capacity against many"


def test_review_names_demands_that_cannot_be_met_or_bring_nothing(cells):
    design = cells.design()
    hopeless = {"use": {"c_rate_per_h": 4.0, "least_efficiency_fraction": 0.995}}
    remarks = list(step(cells, hopeless={**hopeless, "nameplate_ah": 1.0}).review())
    assert [(one.about, one.impossible) for one in remarks] == [("buyers.hopeless.use.least_efficiency_fraction", True)]
    remarks = list(step(cells, full={}).review())
    assert [one.about for one in remarks] == ["buyers.full.tolerance_fraction"]
    half = {"nameplate_ah": 0.5 * design.capacity_ah}
    remarks = list(step(cells, first={**half, "price_ratio": 2.0}, second=half).review())
    assert [one.about for one in remarks] == ["buyers.second"]
    assert list(step(cells, first=half).review()) == []
