import math

from gradclinic.comparison import RunResult, compare
from gradclinic.measurements.metrics import metrics_of

from ..measurements.records import recorded


def test_a_run_that_broke_off_with_a_finite_loss_still_ranks_worst():
    results = [
        RunResult("run", name, seed, metrics=metrics_of(recorded(nonfinite_step=step)))
        for name, step in (("baseline", None), ("arm", 30))
        for seed in range(3)
    ]
    effect = compare(results).arms[0].effects["final_validation_loss"]
    assert effect.difference is None
    assert (effect.wins, effect.losses) == (0, 3)
    assert math.isfinite(results[-1].metric("final_validation_loss"))
