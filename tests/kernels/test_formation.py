"""Formation against slow twins, cell by cell in float64, and against closed forms."""

from __future__ import annotations

import math

import numba
import numpy as np
import pytest
from scipy import stats

from cellfab.core.defects import MECHANISMS, bit
from cellfab.kernels import formation, formation_theory
from cellfab.kernels.random import stream_key

N = 400
KEY = stream_key(1, 0, "formation")


def normals(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.standard_normal(shape).astype(np.float32)


def near(rng: np.random.Generator, mean: float, relative_sd: float = 0.03) -> np.ndarray:
    return (mean * (1.0 + relative_sd * rng.standard_normal(N))).astype(np.float32)


def test_one_full_cycle_takes_about_0_6_kwh_per_kwh_of_cell() -> None:
    assert formation_theory.grid_energy_kwh(1.0 / 0.875, 1.0, 0.90, 0.75) == pytest.approx(0.52, abs=0.005)
    assert formation_theory.grid_energy_kwh(1.0, 1.0, 1.0, 1.0) == 0.0


def test_binder_loss_is_charge_per_mass_of_binder() -> None:
    assert formation_theory.binder_loss_ah(0.07, 0.03, 300.0) == pytest.approx(0.63)  # 70 g of coating, 2.1 g of PTFE


LAW = formation.FirstCycleLaw(
    charge_per_areal=5.8, efficiency=0.870, efficiency_sd=0.01, moisture_free_ppm=250.0, moisture_loss=3e-5,
    moisture_resistance=2e-4, binder_loss=0.7, most_per_areal=4.7, capacity_cv=0.01, roll_mohm=4.5, roll_cv=0.05,
    pore_share=0.4, cathode_porosity=0.24, anode_porosity=0.28, terminal_mohm=0.15, hard_siemens=1.0, leak_ah=66.0,
    least_efficiency=0.825, gas_ml_per_ah=0.8, gas_cv=0.15, gas_ml_per_ah_ppm=2e-4,
)  # fmt: skip
OFFSET = 0.005


def test_first_cycle_equals_the_twin() -> None:
    rng = np.random.default_rng(4)
    z = normals(rng, 2, N)
    cathode, anode, loading, binder = near(rng, 4.8), near(rng, 5.2), near(rng, 15.4), near(rng, 0.03)
    ppm = near(rng, 260.0), near(rng, 250.0)
    dry = np.where(rng.random(N) < 0.2, 0.05, 0.0).astype(np.float32)
    siemens = np.where(rng.random(N) < 0.2, 10.0 ** rng.uniform(-3, 1, N), 0.0).astype(np.float32)
    delay = np.where(rng.random(N) < 0.3, 2.0, 0.0).astype(np.float32)
    came = rng.random(N) < 0.9
    capacity, efficiency, reason = np.empty(N, np.float32), np.empty(N, np.float32), np.empty(N, np.uint8)
    sums = formation.first_cycle(
        LAW, OFFSET, z, cathode, anode, loading, binder, *ppm, dry, siemens, delay, came, capacity, efficiency, reason
    )
    expected: list[tuple[float, float, int]] = []
    for i in range(N):
        full = 5.8 * float(cathode[i])
        wet = max(0.0, 0.5 * (float(ppm[0][i]) + float(ppm[1][i])) - 250.0)
        held = full * (0.875 + 0.01 * float(z[0, i]) - 3e-5 * wet) - 0.7 * float(loading[i]) * float(binder[i])
        held = min(held, 4.7 * float(anode[i])) * (1.0 - float(dry[i])) * (1.0 + 0.01 * float(z[1, i]))
        charge = full * (1.0 - float(dry[i]))
        at_once = float(siemens[i]) if delay[i] == 0.0 else 0.0
        low = (held - 66.0 * at_once) / charge < 0.83
        expected.append((charge, held, 1 if at_once > 1.0 else 2 * low))
    charge, held, why = np.array(expected).T
    np.testing.assert_allclose(capacity, held, rtol=1e-6)
    np.testing.assert_allclose(efficiency, held / charge, rtol=1e-6)
    np.testing.assert_array_equal(reason, why)
    np.testing.assert_allclose(sums, (charge[came].sum(), held[came].sum()), rtol=1e-6)
    assert set(reason) == {0, 1, 2}


def test_resistance_equals_the_twin() -> None:
    rng = np.random.default_rng(5)
    z, ppm, welds = normals(rng, N), (near(rng, 260.0), near(rng, 250.0)), (near(rng, 0.06), near(rng, 0.07))
    torn = rng.uniform(0.0, 0.5, (2, N)).astype(np.float32)
    porosity = near(rng, 0.24, 0.1), near(rng, 0.28, 0.1)
    found = np.empty(N, np.float32)
    formation.resistance(LAW, z, *ppm, *welds, *torn, *porosity, found)
    wet = np.maximum(0.0, 0.5 * (ppm[0].astype(float) + ppm[1]) - 250.0)
    narrow = (porosity[0].astype(float) / 0.24) ** -1.5 + (porosity[1].astype(float) / 0.28) ** -1.5
    expected = 4.5 * (0.6 + 0.2 * narrow) * (1.0 + 0.05 * z.astype(float)) * (1.0 + 2e-4 * wet) + 0.15
    expected += welds[0] / (1.0 - torn[0]) + welds[1] / (1.0 - torn[1])
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_gas_equals_the_twin() -> None:
    rng = np.random.default_rng(6)
    z, areal, ppm = normals(rng, N), near(rng, 4.8), (near(rng, 260.0, 0.3), near(rng, 250.0, 0.3))
    z[0] = -9.0  # so far below that less than nothing would come out
    found = np.empty(N, np.float32)
    formation.gas(LAW, z, areal, *ppm, found)
    wet = np.maximum(0.0, 0.5 * (ppm[0].astype(float) + ppm[1]) - 250.0)
    expected = 5.8 * areal.astype(float) * np.maximum(0.8 + 0.12 * z.astype(float) + 2e-4 * wet, 0.0)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert found[0] == 0.0
    assert 15.0 < found.mean() < 30.0  # a 23 Ah cell makes about 20 mL


def plates(cathode: np.ndarray, anode: np.ndarray, critical: float = 1.0, **more: np.ndarray) -> np.ndarray:
    n = cathode.size
    zeros = np.zeros(n, np.float32)
    out = np.empty(n, np.uint8)
    formation.plating(
        critical, (anode / cathode).astype(np.float32), more.get("cathode_thinning", zeros),
        more.get("anode_thinning", zeros), more.get("porosity", zeros + np.float32(0.3)), more.get("unwetted", zeros),
        more.get("holes", zeros), 1.0, 0.1, np.array([KEY, KEY + np.uint64(1)]), 3, out,
    )  # fmt: skip
    return out


# Share of cells with an anode smaller than the cathode: N/P, cv of anode and of cathode, digits as printed.
NP_TABLE = [
    (1.04, 0.01, 0.01, 0.0028, 0.00005), (1.06, 0.01, 0.01, 2e-5, 0.5e-5), (1.08, 0.01, 0.01, 3e-8, 0.5e-8),
    (1.08, 0.02, 0.03, 0.015, 0.0005), (1.10, 0.02, 0.03, 0.0036, 0.0003), (1.12, 0.015, 0.015, 5e-8, 5e-8),
]  # fmt: skip


@pytest.mark.parametrize(("np_ratio", "anode_cv", "cathode_cv", "printed", "last_digit"), NP_TABLE)
def test_tail_of_the_anode_reserve(
    np_ratio: float, anode_cv: float, cathode_cv: float, printed: float, last_digit: float
) -> None:
    found = formation_theory.share_below(np_ratio, anode_cv, cathode_cv)
    z = (np_ratio - 1.0) / math.hypot(np_ratio * anode_cv, cathode_cv)
    assert found == pytest.approx(stats.norm.sf(z), rel=1e-9)
    assert found == pytest.approx(printed, abs=last_digit)


@pytest.mark.parametrize(("np_ratio", "cv", "critical"), [(1.04, 0.02, 1.0), (1.08, 0.03, 1.0), (1.06, 0.01, 1.05)])
def test_cells_plate_as_often_as_the_closed_form_says(np_ratio: float, cv: float, critical: float) -> None:
    # 400 000 cells: z = 4.5 on the count; a shift of 2 % in the reserve would stand out by tens of sigma.
    rng = np.random.default_rng(7)
    n = 20_000 if numba.config.DISABLE_JIT else 400_000  # interpreted kernels are slow
    found = plates(1.0 + cv * rng.standard_normal(n), np_ratio * (1.0 + cv * rng.standard_normal(n)), critical)
    expected = formation_theory.share_below(np_ratio, cv, cv, critical)
    assert abs(found.mean() - expected) < 4.5 * math.sqrt(expected * (1.0 - expected) / n)


def test_critical_ratio_rises_with_rate_cold_and_density() -> None:
    critical = formation_theory.plating_np_ratio
    assert critical(0.0, 25.0, 0.3) == 1.0
    assert critical(0.5, 25.0, 0.3) == pytest.approx(1.01)
    assert critical(0.0, 5.0, 0.3) == pytest.approx(1.03)
    assert critical(0.0, 25.0, 0.21) == pytest.approx(1.02)
    assert critical(0.5, 5.0, 0.21, 0.02) == pytest.approx(1.08)


def test_thin_edges_and_dense_anodes_plate_first() -> None:
    # As designed; anode thin at its edge; so is the cathode; cathode heavy there; anode heavy; anode dense.
    anode_thinning = np.array([0.0, 0.06, 0.06, 0.0, -0.1, 0.0], np.float32)
    cathode_thinning = np.array([0.0, 0.0, 0.06, -0.06, 0.0, 0.0], np.float32)
    porosity = np.array([0.3, 0.3, 0.3, 0.3, 0.3, 0.14], np.float32)
    found = plates(
        np.ones(6), np.full(6, 1.05), porosity=porosity, anode_thinning=anode_thinning,
        cathode_thinning=cathode_thinning,
    )  # fmt: skip
    assert found.tolist() == [0, 1, 0, 1, 0, 1]
    heavy = np.full(1, -0.1, np.float32)  # a heavy edge of the anode does not help the rest of it
    assert plates(np.ones(1), np.full(1, 0.99), anode_thinning=heavy).tolist() == [1]


def test_dry_parts_make_their_surroundings_plate_as_often_as_they_should() -> None:
    # 20 000 cells, z = 4.5.
    n, dry = 20_000, 0.03
    found = plates(np.ones(n), np.full(n, 1.1), unwetted=np.full(n, dry, np.float32)).mean()
    expected = 1.0 - math.exp(-20.0 * dry)
    assert abs(found - expected) < 4.5 * math.sqrt(expected * (1.0 - expected) / n)


def test_holes_of_the_anode_plate_from_their_size_as_often_as_they_should() -> None:
    # 20 000 cells, z = 4.5.
    n = 20_000
    holes = np.repeat(np.array([0.99, 1.0, 4.0, np.nan], np.float32), n // 4)
    found = plates(np.ones(n), np.full(n, 1.1), holes=holes).reshape(4, -1).mean(axis=1)
    assert found[0] == 0.0 and found[3] == 1.0
    assert np.abs(found[1:3] - 0.1).max() < 4.5 * math.sqrt(0.09 / (n // 4))


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_every_mechanism_has_its_own_bit(mechanism: str) -> None:
    sound = {
        "soft_short": np.zeros(1, np.float32), "no_fusion": np.zeros(1, np.uint8),
        "burn_through": np.zeros(1, np.uint8), "separator_fault": np.zeros(1, np.uint8),
        "overhang": np.zeros(1, np.float32), "under_wetted": np.full(1, 0.02, np.float32),
        "leak": np.zeros(1, np.float32), "anode_limited": np.full(1, 1.05, np.float32),
        "plating": np.zeros(1, np.uint8),
    }  # fmt: skip
    cathode, out = np.ones(1, np.float32), np.empty(1, np.uint16)
    for changed, side, expected in ((False, 0, 0), (True, 0, bit(mechanism)), (True, 1, bit(mechanism))):
        values = dict(sound)
        if changed:
            worse = {"overhang": -0.1, "anode_limited": 0.99}.get(mechanism, 1.0)
            values[mechanism] = np.full_like(sound[mechanism], worse)
        joints = []  # either side of the cell may have the faulty joint
        for name in ("no_fusion", "burn_through"):
            pair = [values[name], sound[name]]
            joints += pair[::-1] if side else pair
        formation.hidden_defects(
            values["soft_short"], *joints, values["separator_fault"], values["overhang"], values["under_wetted"],
            values["leak"], cathode, values["anode_limited"], values["plating"], 0.02, 1.0, out,
        )  # fmt: skip
        assert out[0] == expected
