"""Made-up records of runs, whose metrics are known."""

import numpy as np

from gradclinic.measurements.record import Outcome, RunRecord, Series, SiteInfo, WeightInfo

DEPTH, STEPS = 5, 60
LOSSES = np.linspace(2.0, 1.0, STEPS)


def recorded(*, decades=2.0, updates=-1.0, losses=LOSSES, nonfinite_step=None, finished=True):
    """A run whose gradients fall by so many decades to the input, and whose updates fall likewise."""
    steps = np.arange(STEPS, dtype=np.int32)

    def fan(loss_of_decades):
        return np.tile(10.0 ** np.linspace(-loss_of_decades, 0, DEPTH), (STEPS, 1)).astype(np.float32)

    readout = np.ones((STEPS, 1), np.float32)
    outcome = Outcome(
        steps_done=STEPS,
        nonfinite_step=nonfinite_step,
        initial_train_loss=2.0,
        final_train_loss=float(losses[-1]),
        constant_loss=2.0,
        final_validation_loss=1.1,
        final_validation_accuracy=0.5,
        steps_to_target=None,
        train_seconds=1.0,
        recording_seconds=0.1,
    )
    return RunRecord(
        steps=STEPS,
        batch_size=32,
        sites=tuple(SiteInfo(f"{layer}.linear", "pre_activation", True, 8) for layer in range(DEPTH)),
        weights=tuple(WeightInfo(f"{layer}.linear", (8, 8), layer == DEPTH) for layer in range(DEPTH + 1)),
        series={
            "site_grad_rms": Series(steps, fan(decades)),
            "update_to_weight_ratio": Series(steps, np.hstack([fan(-updates), readout])),
            "train_loss": Series(steps, losses[:, None].astype(np.float32)),
            "probe_loss": Series(steps, losses[:, None].astype(np.float32)),
        },
        outcome=outcome if finished else None,
    )
