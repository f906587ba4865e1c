"""Particles between the electrodes of dry cells, and the high-voltage test, against closed forms and a slow twin."""

from __future__ import annotations

import math

import numba
import numpy as np
import pytest
from scipy import stats

from cellfab.kernels import dry_cell
from cellfab.kernels.inspection import detection_probability
from cellfab.kernels.particles import add_counts, largest_pareto_um
from cellfab.kernels.random import normal_quantile, stream_key, uniform
from cellfab.kernels.random_blocks import fill_blocks

KEYS = np.array([stream_key(5, 0, "can", name) for name in ("cells", "particles", "mixed_in")], np.uint64)
N = 2000 if numba.config.DISABLE_JIT else 40_000  # as many as interpreted kernels manage
LAW = dry_cell.DryLaw(
    smallest_um=10.0, exponent=3.0, transport=0.05, face_median_um=40.0, face_log_sd=math.log(1.8), exposed=0.4,
    separator_um=14.0, false_alarm=0.0, ceiling=0.8, midpoint=1.0, width=0.1,
)  # fmt: skip


def look(law: dry_cell.DryLaw, n: int, closing_fault: float = 0.0, **given: object) -> tuple[np.ndarray, np.ndarray]:
    """Sizes and verdicts of n cells, sound but for what is given."""
    columns = {
        "inside": 0, "on_faces": 0, "mixed_in": 0.0, "cathode_burr": 0.0, "anode_burr": 0.0, "fault": 0, **given
    }  # fmt: skip
    kinds = (np.uint8, np.uint8, np.float32, np.float32, np.float32, np.uint8)
    arrays = [np.broadcast_to(value, n).astype(kind) for value, kind in zip(columns.values(), kinds, strict=True)]
    particle, verdict = np.empty(n, np.float32), np.zeros(n, np.int16)
    codes = np.array([dry_cell.FALSE_ALARM, dry_cell.ALARM, dry_cell.CLOSING_FAULT], np.int16)
    found = dry_cell.look_between(law, closing_fault, *KEYS, 9, *arrays, particle, codes, verdict)
    assert found == tuple(np.bincount(verdict, minlength=4)[1:])
    dead = np.full(n, 7, np.int16)
    assert dry_cell.look_between(law, closing_fault, *KEYS, 9, *arrays, particle, codes, dead) == (0, 0, 0)
    assert (dead == 7).all()
    return particle, verdict


def test_sizes_of_particles_inside_are_pareto() -> None:
    # 4 000 cells: Kolmogorov-Smirnov at the 1e-5 level.
    size, _ = look(LAW, 4000, inside=3)
    assert stats.kstest(size.astype(np.float64), lambda d: (1.0 - (d / 10.0) ** -3.0) ** 3).pvalue > 1e-5


def test_metal_in_a_coating_counts_with_its_own_size_where_it_stands_out() -> None:
    # 8 000 cells: z = 4.5. A larger particle wound in is the one that counts.
    size, verdict = look(LAW, 8000, mixed_in=90.0)
    assert set(size) == {0.0, np.float32(90.0)}
    assert abs((size > 0.0).mean() - 0.4) < 4.5 * math.sqrt(0.24 / 8000)
    assert not verdict[size == 0.0].any() and (verdict == dry_cell.ALARM).any()
    wound, _ = look(LAW, 8000, inside=2)
    both, _ = look(LAW, 8000, inside=2, mixed_in=12.0)
    assert set(both[wound < 12.0]) > {np.float32(12.0)}
    assert np.array_equal(both[wound >= 12.0], wound[wound >= 12.0])
    size, verdict = look(LAW, 5, mixed_in=math.nan)
    assert np.isnan(size).all() and (verdict == dry_cell.ALARM).all()


def test_particles_from_the_faces_arrive_as_often_as_they_should() -> None:
    # 8 000 cells with five particles each: z = 4.5 on the count, Kolmogorov-Smirnov on the sizes.
    size, _ = look(LAW, 8000, on_faces=5)
    arrived = size[size > 0.0]
    expected = 1.0 - 0.95**5
    assert abs(arrived.size / 8000 - expected) < 4.5 * math.sqrt(expected * (1.0 - expected) / 8000)
    assert stats.kstest(np.log(arrived / 40.0) / math.log(1.8), "norm").pvalue > 1e-5


@pytest.mark.parametrize(
    ("given", "severity"),
    [
        ({"cathode_burr": 9.0, "anode_burr": 9.5}, 0.0),  # below 0.7 of the separator
        ({"cathode_burr": 14.0}, 1.0),
        ({"cathode_burr": 3.0, "anode_burr": 15.4}, 1.1),
        ({"fault": 1, "anode_burr": 10.5}, 1.5),
        ({"anode_burr": 28.0, "fault": 1}, 2.0),
    ],
)
def test_an_alarm_is_as_likely_as_the_worst_defect_makes_it(given: dict[str, float], severity: float) -> None:
    # 40 000 cells: z = 4.5.
    law = LAW._replace(false_alarm=0.02)
    _, verdict = look(law, N, **given)
    seen = detection_probability(severity, 0.8, 1.0, 0.1) if severity else 0.0
    expected = 0.02 + 0.98 * seen
    assert set(verdict) <= {dry_cell.QUIET, dry_cell.ALARM if severity else dry_cell.FALSE_ALARM}
    assert abs((verdict > 0).mean() - expected) < 4.5 * math.sqrt(expected * (1.0 - expected) / N)


def test_the_kernel_does_what_its_slow_twin_does() -> None:
    rng = np.random.default_rng(3)
    n, law = 700, LAW._replace(false_alarm=0.05)
    inside, on_faces = rng.poisson(0.2, n), rng.poisson(0.5, n)
    (cathode, anode), fault = rng.gamma(2.0, 4.0, (2, n)).astype(np.float32), rng.random(n) < 0.05
    given = {"inside": inside, "on_faces": on_faces, "cathode_burr": cathode, "anode_burr": anode, "fault": fault}
    size, verdict = look(law, n, 0.03, **given)
    words = np.empty((4, n), np.uint32)
    fill_blocks(KEYS[0], 9, 0, 0, words)
    u_face, u_test, u_fault, _ = (words + 0.5) / 2.0**32
    for i in range(n):
        sizes = [0.0]
        if inside[i]:
            sizes.append(largest_pareto_um(inside[i], uniform(KEYS[1], 9, 2 * i), 10.0, 3.0))
        if u_face[i] < 1.0 - 0.95 ** on_faces[i]:
            sizes.append(40.0 * 1.8 ** normal_quantile(uniform(KEYS[1], 9, 2 * i + 1)))
        burr = max(cathode[i], anode[i]) / 14.0
        severity = max(max(sizes) / 21.0, 1.5 * fault[i], burr if burr > 0.7 else 0.0)
        seen = detection_probability(severity, 0.8, 1.0, 0.1) if severity else 0.0
        alarm = u_test[i] < 0.05 + 0.95 * seen
        assert size[i] == pytest.approx(max(sizes), rel=1e-6)
        tested = dry_cell.QUIET if not alarm else dry_cell.ALARM if severity else dry_cell.FALSE_ALARM
        assert verdict[i] == (dry_cell.CLOSING_FAULT if u_fault[i] < 0.03 else tested)
    assert {0, 1, 2, 3} == set(verdict)


def test_particles_of_several_kinds_are_added_up_to_255() -> None:
    total = np.array([0, 3, 200, 255], np.uint8)
    add_counts(np.array([0, 4, 100, 1], np.uint8), total)
    assert total.tolist() == [0, 7, 255, 255]


def test_faults_at_closing_are_as_many_as_they_should_be() -> None:
    # 40 000 cells: z = 4.5.
    _, verdict = look(LAW, N, closing_fault=0.01)
    assert abs((verdict == dry_cell.CLOSING_FAULT).mean() - 0.01) < 4.5 * math.sqrt(0.0099 / N)
