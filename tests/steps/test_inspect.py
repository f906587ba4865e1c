"""The inspection station against closed forms: detection, gauge error, sampling, rework, and stages in series."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import binom, norm

from cellfab.core import notes
from cellfab.core.causes import describe
from cellfab.core.columns import column
from cellfab.core.draws import Draws
from cellfab.core.lot import ALIVE, Lot
from cellfab.errors import ConfigError
from cellfab.pilot import QualityChain
from cellfab.scenario import load_scenario
from cellfab.steps.inspect import Inspect

DEPTH = column("test_scratch_um", "float32", "um", "depth of a scratch, of a test")
DESIGN = load_scenario("ev_4680_dry").spec.products["ev_nmc811"].design
N = 400_000


def station(**params):
    return Inspect(Inspect.Params(column=DEPTH, **params), DESIGN)


def lot(depths, identity=5):
    """Cells with the given depths of scratches."""
    made = Lot(identity, material="cell", n=len(depths), unit="cells", amount=float(len(depths)))
    made.columns[DEPTH] = np.asarray(depths, np.float32)
    return made


def looked_at(step, depths, owner="look", seed=1):
    cells = lot(depths)
    step.apply(cells, Draws(seed, 0, owner), 1.0)
    return cells


def within(found, expected, trials, z=4.0):
    """A share of `trials` within z = 4 standard deviations of sampling (one false alarm in 16 000 tests)."""
    assert abs(found - expected) < z * math.sqrt(expected * (1.0 - expected) / trials) + 1e-12


@pytest.mark.parametrize("depth", [0.0, 5.0, 10.0, 20.0])
def test_the_curve_of_detection(depth):
    """N = 400 000: z = 4 is 0.003 of a probability near 0.5, so an error of 2 % would be seen."""
    step = station(detection_probability=0.9, midpoint_value=10.0, width_value=4.0, false_alarm_probability=0.02)
    seen = 0.9 / (1.0 + math.exp(-(depth - 10.0) / 4.0)) if depth > 0.0 else 0.0
    cells = looked_at(step, np.full(N, depth))
    within(cells.n_dead / N, 0.02 + 0.98 * seen, N)
    false = N if depth == 0.0 else 0
    assert cells.attributes[notes.FALSE_REJECTS + "alarm"] == (cells.n_dead if false else 0.0)
    assert {describe(int(code)).name for code in np.unique(cells.exit_code) if code != ALIVE} == {"alarm"}


@pytest.mark.parametrize(("side", "sign"), [("high", 1.0), ("low", -1.0)])
def test_a_gauge_with_error_and_a_plain_limit(side, sign):
    """Sound rows fall out and bad ones slip through with the normal tail of their distance to the limit."""
    step = station(side=side, limit_value=50.0, gauge_sd_value=2.0)
    for beyond in (-3.0, -1.0, 1.0, 3.0):
        cells = looked_at(step, np.full(N, 50.0 + sign * beyond))
        within(cells.n_dead / N, norm.cdf(beyond / 2.0), N)


def test_stages_in_series_share_the_severity():
    """Severity exponential: escapes of two stages are the mean of (1 - p(x))^2, far above the square of the mean."""
    scale, params = 8.0, {"detection_probability": 0.98, "midpoint_value": 6.0, "width_value": 1.5}

    def missed(x):
        return 1.0 - 0.98 / (1.0 + math.exp(-(x - 6.0) / 1.5))

    def mean(power):
        return quad(lambda x: missed(x) ** power * math.exp(-x / scale) / scale, 0.0, 300.0)[0]

    depths = np.random.default_rng(3).exponential(scale, N)
    cells = looked_at(station(**params), depths, "first")
    within(cells.n_alive / N, mean(1), N)
    station(**params).apply(cells, Draws(1, 0, "second"), 1.0)
    within(cells.n_alive / N, mean(2), N)
    assert mean(2) > 1.5 * mean(1) ** 2, "independent stages would let far fewer through"


@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_yield_with_imperfect_inspection_and_rework(rounds):
    """Rolled throughput yield of one station in closed form; N = 400 000, z = 4."""
    p, f, s, bad_share = 0.8, 0.05, 0.7, 0.3
    step = station(
        detection_probability=(p - f) / (1.0 - f), false_alarm_probability=f, disposition="rework",
        rework_success_probability=s, rework_rounds_number=rounds, rework_s=2.0,
    )  # fmt: skip
    depths = np.where(np.random.default_rng(8).random(N) < bad_share, 100.0, 0.0)
    bad = depths > 0.0
    cells = looked_at(step, depths)

    passes_bad = 1.0 - p
    for n in range(1, rounds + 1):
        passes_bad = (1.0 - p) + p * (s * (1.0 - f**n) + (1.0 - s) * passes_bad)
    passes_sound = 1.0 - f ** (rounds + 1)
    alive = cells.alive()
    within(alive[bad].mean(), passes_bad, bad.sum())
    within(alive[~bad].mean(), passes_sound, (~bad).sum())
    share = bad.mean()
    within(cells.n_alive / N, share * passes_bad + (1 - share) * passes_sound, N)

    # First pass: no alarm at the first look. The rest of what passes has been reworked.
    first = share * (1.0 - p) + (1 - share) * (1.0 - f)
    within(1.0 - (cells.attributes[notes.REWORKED] + cells.n_dead) / N, first, N)
    assert cells.attributes[notes.STOPS_S] >= 2.0 * (cells.attributes[notes.REWORKED] + cells.n_dead)
    # Escapes: bad all the way; what was mended is sound now.
    still_bad = passes_bad_unmended(p, s, rounds)
    within((cells.columns[DEPTH][alive & bad] > 0.0).sum() / bad.sum(), still_bad, bad.sum())
    assert (cells.columns[DEPTH][~bad] == 0.0).all()


def passes_bad_unmended(p, s, rounds):
    """A bad row goes through unmended when each look but the last raises the alarm and each rework fails."""
    return sum((p * (1.0 - s)) ** k * (1.0 - p) for k in range(rounds + 1))


def test_downgrading_keeps_the_cells():
    cells = looked_at(station(disposition="downgrade"), [0.0, 3.0, 0.0, 9.0])
    assert cells.n_dead == 0
    assert list(cells.columns["downgraded"]) == [0, 1, 0, 1]
    again = Inspect(Inspect.Params(column=DEPTH, limit_value=2.0, side="low", disposition="downgrade"), DESIGN)
    again.apply(cells, Draws(1, 0, "later"), 1.0)
    assert list(cells.columns["downgraded"]) == [1, 1, 1, 1], "what one station has put down stays down"


# ---- sampling plans ---------------------------------------------------------------------------------------------


def test_every_third_living_row_is_looked_at():
    cells = lot(np.full(11, 5.0))
    cells.scrap(np.arange(11) == 0, 1)
    station(every_number=3).apply(cells, Draws(1, 0, "look"), 1.0)
    assert list(np.flatnonzero(cells.alive())) == [2, 3, 5, 6, 8, 9]
    assert cells.attributes["inspected_rows"] == 4.0


def test_of_three_lots_one_is_looked_at():
    for ordinal in range(7):
        cells = lot(np.full(5, 5.0))
        cells.ordinal = ordinal
        station(every_lot_number=3).apply(cells, Draws(1, 0, "look"), 1.0)
        assert cells.n_alive == (5 if ordinal % 3 else 0)
        assert cells.attributes["inspected_rows"] == (0.0 if ordinal % 3 else 5.0)
    cells = lot(np.full(5, 5.0))
    cells.ordinal = 1
    station(every_lot_number=2, disposition="downgrade").apply(cells, Draws(1, 0, "look"), 1.0)
    assert not cells.columns["downgraded"].any()


@pytest.mark.parametrize(
    ("rule", "bad_rows", "left"),
    [
        ("keep", (0, 1, 7, 8), [2, 3, 4, 5, 6, 7, 8, 9]),
        ("sort", (0, 1, 7, 8), [2, 3, 4, 5, 6, 9]),
        ("reject", (0, 1, 7, 8), []),
        ("sort", (0, 7, 8), [1, 2, 3, 4, 5, 6, 7, 8, 9]),  # one alarm is accepted
        ("reject", (0, 7, 8), [1, 2, 3, 4, 5, 6, 7, 8, 9]),
    ],
)
def test_what_a_bad_sample_does_to_its_lot(rule, bad_rows, left):
    depths = np.zeros(10)
    depths[list(bad_rows)] = 5.0
    cells = looked_at(station(first_number=4, acceptance_number=1, on_failed_sample=rule), depths)
    assert list(np.flatnonzero(cells.alive())) == left
    if not left:
        assert cells.attributes[notes.FALSE_REJECTS + "lot_rejected"] == 6.0
        assert cells.amount == 0.0


def test_the_operating_characteristic_of_a_sampling_plan():
    """2 000 lots of 300 with 2 % bad: accepted with P(Binomial(50, 0.02) <= 2) = 0.9216; z = 4."""
    step = station(first_number=50, acceptance_number=2, on_failed_sample="reject")
    rng, accepted = np.random.default_rng(4), 0
    for number in range(2_000):
        cells = lot(np.where(rng.random(300) < 0.02, 5.0, 0.0), identity=number)
        step.apply(cells, Draws(1, 0, "look"), 1.0)
        accepted += cells.n_alive > 0
    within(accepted / 2_000, binom.cdf(2, 50, 0.02), 2_000)


# ---- the whole chain, and wrong use -----------------------------------------------------------------------------


def test_grade_sells_what_was_downgraded_as_b():
    plant = Path(__file__).parents[1] / "data" / "plants" / "inspected.yaml"
    (cells,) = QualityChain(load_scenario(str(plant))).lot(0)
    down = (cells.columns["downgraded"] == 1) & cells.alive()
    assert down.sum() > 50
    assert (cells.columns["grade"][down] == 2).all()
    assert (cells.columns["grade"][cells.alive() & ~down] == 1).any()


class FarEnoughError(Exception):
    """Ends a pilot lot's way."""


def test_segments_of_a_web_leave_with_their_mass():
    film: list[Lot] = []

    def keep(visit):
        if visit.place.key == "cathode_film":
            film.append(visit.made)
            raise FarEnoughError

    scenario = load_scenario("ev_4680_dry", ["line.stations.cathode_dose.params.roll_length_m=300"])
    with pytest.raises(FarEnoughError):
        QualityChain(scenario).lot(0, keep)
    (web,) = film
    before, facts = web.n_alive, web.attributes
    limit = float(np.median(web.columns["loading_mg_per_cm2"]))
    step = Inspect(Inspect.Params(column="loading_mg_per_cm2", side="low", limit_value=limit), DESIGN)
    good_kg = facts["kg_good"]
    step.apply(web, Draws(1, 0, "look"), 1.0)
    assert 0.4 * before < web.n_alive < 0.6 * before
    assert facts["kg_in"] == pytest.approx(facts["kg_good"] + facts["kg_scrap"] + facts["kg_returned"])
    assert 0.4 * good_kg < facts["kg_good"] < 0.6 * good_kg
    assert web.amount == pytest.approx(web.n_alive * facts["pitch_m"] / facts["lanes"])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"column": "capacity_a"}, "did you mean 'capacity_ah'"),
        ({"column": "capacity_ah", "disposition": "rework", "repaired_value": 9.0, "limit_value": 5.0}, "still beyond"),
    ],
)
def test_wrong_parameters(params, message):
    with pytest.raises(ConfigError, match=message):
        Inspect(Inspect.Params(**params), DESIGN)


def test_wrong_places():
    cells = Lot(1, material="cell", n=3, unit="cells", amount=3.0)
    with pytest.raises(ConfigError, match="'look' inspects test_scratch_um, which lots do not have there"):
        station().apply(cells, Draws(1, 0, "look"), 1.0)
    web = lot([1.0])
    web.material = "anode"
    with pytest.raises(ConfigError, match="only cells have a grade"):
        station(disposition="downgrade").apply(web, Draws(1, 0, "look"), 1.0)


def test_plans_that_let_found_defects_go_on_are_remarked():
    (remark,) = station(every_number=10).review()
    assert "every 10 rows" in remark.message and not remark.impossible
    assert not list(station(every_number=10, on_failed_sample="sort").review())
    (remark,) = station(every_lot_number=5).review()
    assert "of 5 lots one is looked at" in remark.message and not remark.impossible
    (remark,) = station(detection_probability=0.0).review()
    assert "sees no defect" in remark.message
