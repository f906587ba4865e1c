"""How many times fewer replicates a paired comparison needs than independent seeds, for two changes of the 4680 line.

    python benchmarks/study_pairing.py [HORIZON_H [REPLICATES]]

The ramp of the dry 4680 line (`ev_4680_dry`, its first HORIZON_H hours, default 1344: eight weeks) with winders a tenth
faster and with the copper weld at 1150 W in place of 1250 W, REPLICATES of each (default 8) with the same random
numbers. Printed for each figure: the difference, how many times less variance pairs leave, and how many independent
replicates of each variant give the half-width that the pairs have, over the number of pairs. Both are estimates from
few replicates themselves. A figure that a variant changes altogether, such as defects that only a weak weld makes, has
no noise in common with the other's, and pairing brings little there.

The two-year conversion is `cellfab study experiments/ess_ramp.yaml`, whose table has the same column.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from cellfab.study.conduct import run_study
from cellfab.study.result import CaseDifference

FIGURES = (
    "good_energy_mwh", "line_yield_last_quarter", "first_pass_yield", "final_yield", "cost_usd_per_kwh",
    "cash_cost_usd_per_kwh", "throughput_per_h", "escape_ppm",
)  # fmt: skip
STUDY = """\
name: pairing
base: ev_4680_dry
variants:
  as_planned: {{set: {{run.horizon_h: {horizon}}}}}
  speed: {{extends: as_planned, set: {{line.stations.wind.cycle.value_s: 5.4}}}}
  weld_power: {{extends: as_planned, set: {{line.stations.assembly.machines.weld_anode.params.power_w: 1150}}}}
replicates: {replicates}
comparison: {{reference: as_planned}}
"""


def line(found: CaseDifference) -> str:
    """One figure of one variant."""
    interval, fewer = found.interval, found.independent_n
    ratio = f"{found.variance_ratio:9.1f}"
    times = f"{fewer / interval.n:7.1f}" if fewer is not None else "  exact"
    return (
        f"{found.case.variant:11} {found.metric:25} {interval.mean:12.5g} +- {interval.half_width:<10.3g}"
        f" {found.unit:8} {ratio} x less variance, {times} x fewer replicates"
    )


def main() -> None:
    """Run the study and print its table."""
    horizon = float(sys.argv[1]) if len(sys.argv) > 1 else 1344.0
    replicates = int(sys.argv[2]) if len(sys.argv) > 2 else 8
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "study.yaml"
        file.write_text(STUDY.format(horizon=horizon, replicates=replicates), encoding="utf-8")
        result = run_study(file, store=Path(folder) / "store")
    for variant in ("speed", "weld_power"):
        for name in FIGURES:
            try:
                print(line(result.difference(variant, name)))
            except KeyError:
                print(f"{variant:11} {name:25} has no value in these weeks")


if __name__ == "__main__":
    main()
