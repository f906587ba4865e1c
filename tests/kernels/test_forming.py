from __future__ import annotations

import numpy as np

from cellfab.kernels import formation, particles
from cellfab.kernels.cell_numbers import fill_cell_normals
from cellfab.kernels.forming import HiddenLaw, form_cells
from cellfab.kernels.random import stream_key

N = 3000
CELLS, SHORTS, DRY, HOLE = (stream_key(1, 0, "forming", name) for name in ("cells", "shorts", "dry", "hole"))
LAW = formation.FirstCycleLaw(
    charge_per_areal=5.8, efficiency=0.875, efficiency_sd=0.0025, moisture_free_ppm=250.0, moisture_loss=3e-5,
    moisture_resistance=2e-4, binder_loss=0.05, most_per_areal=5.0, capacity_cv=0.002, roll_mohm=4.5, roll_cv=0.017,
    pore_share=0.3, cathode_porosity=0.24, anode_porosity=0.28, terminal_mohm=0.15, hard_siemens=1e-3, leak_ah=60.0,
    least_efficiency=0.86, gas_ml_per_ah=0.8, gas_cv=0.15, gas_ml_per_ah_ppm=2e-4,
)  # fmt: skip
SHORT_LAW = particles.ShortLaw(
    separator_um=25.0, mechanical_midpoint=1.5, mechanical_width=0.2, on_cathode=0.3, on_anode=0.3, dissolving=0.6,
    bridge_um=20.0, delay_median_d=3.0, delay_log_sd=1.1, burr_contact=0.1, fault_contact=0.7,
    resistance_median_ohm=300.0, resistance_reference_um=30.0, resistance_log_sd=1.8, fault_um=60.0,
)  # fmt: skip
HIDDEN_LAW = HiddenLaw(1.008, 1.0, 0.1, 0.02, 0.95)
CODES = np.array([11, 12], np.int16)


def test_a_lot_is_formed_by_the_laws_of_its_parts() -> None:
    rng = np.random.default_rng(4)

    def around(mean: float, sd: float) -> np.ndarray:
        return rng.normal(mean, sd, N).astype(np.float32)

    def seldom(values: np.ndarray, share: float) -> np.ndarray:
        return np.where(rng.random(N) < share, values, 0).astype(values.dtype)

    areals, ppm, porosities = (around(4.0, 0.1), around(4.4, 0.1)), (around(200, 60), around(250, 60)), (
        around(0.24, 0.01), around(0.26, 0.02),
    )  # fmt: skip
    loading, binder = around(12.0, 0.2), around(0.02, 0.001)
    np_ratio, thinning, hole = around(1.1, 0.05), (around(0.05, 0.02), around(0.02, 0.02)), seldom(around(2, 0.2), 0.05)
    dry, overhang, leak = seldom(around(0.1, 0.02), 0.1), around(0.5, 0.3), seldom(around(1.0, 0.1), 0.02)
    size, burrs = seldom(around(36, 5), 0.2), (around(10, 5), around(12, 5))
    welds, torn = (around(0.06, 0.01), around(0.07, 0.01)), (seldom(around(0.02, 0.001), 0.1), around(0.01, 0.001))
    fault, *joints = (seldom(np.ones(N, np.uint8), 0.05) for _ in range(5))
    before = seldom(np.full(N, 3, np.int16), 0.1)
    code, made, defects = before.copy(), np.empty((6, N), np.float32), np.empty(N, np.uint16)
    found = form_cells(
        LAW, SHORT_LAW, HIDDEN_LAW, -0.002, CELLS, SHORTS, DRY, HOLE, 7, *areals, loading, binder, *ppm, *porosities,
        np_ratio, *thinning, hole, dry, overhang, leak, size, *burrs, fault, *welds, *torn, *joints, CODES, code, *made,
        defects,
    )  # fmt: skip

    z, apart, reason = np.empty((4, N), np.float32), np.empty((6, N), np.float32), np.empty(N, np.uint8)
    plates, bits, came = np.empty(N, np.uint8), np.empty(N, np.uint16), before == 0
    capacity, efficiency, dcir, gas, siemens, delay = apart
    fill_cell_normals(CELLS, 7, z)
    shorts = particles.soft_shorts(SHORT_LAW, size, *burrs, fault, SHORTS, 7, siemens, delay)
    sums = formation.first_cycle(
        LAW, -0.002, z, *areals, loading, binder, *ppm, dry, siemens, delay, came, capacity, efficiency, reason
    )
    formation.resistance(LAW, z[2], *ppm, *welds, *torn, *porosities, dcir)
    formation.gas(LAW, z[3], areals[0], *ppm, gas)
    formation.plating(
        1.008, np_ratio, *thinning, porosities[1], dry, hole, 1.0, 0.1, np.array([DRY, HOLE], np.uint64), 7, plates
    )
    formation.hidden_defects(siemens, *joints, fault, overhang, dry, leak, *areals, plates, 0.02, 0.95, bits)
    np.testing.assert_array_equal(made, apart)
    np.testing.assert_array_equal(defects, bits)
    np.testing.assert_array_equal(code, np.where(came & (reason > 0), np.int16(10) + reason, before))
    rejected = [np.count_nonzero(came & (reason == why)) for why in (1, 2)]
    assert found == (*sums, *rejected, *shorts)
    assert min(*rejected, *shorts) > 0
