"""A made-up world in which trainings end as a function says, so that the search can be watched without training."""

import random

from gradclinic.comparison import RunResult
from gradclinic.experiments.experiment import Experiment
from gradclinic.prescription import advance

from ..diagnoses import diagnosed
from ..metrics import metrics

CONSTANT = 2.3

EXPERIMENT = Experiment.model_validate(
    {
        "model": {"kind": "mlp", "depth": 12, "width": 16, "activation": "sigmoid"},
        "data": {"kind": "digits"},
        "optimizer": {"kind": "sgd", "learning_rate": 0.1},
        "training": {"steps": 300, "seed": 7},
    }
)
"""Seven is its seed, so that nobody takes zero for granted."""


def result_of(trial, left, *, condition="vanishing_gradients", status="succeeded"):
    """The result of a trial that left a share of the constant predictor's loss; harmful above one half."""
    noise = 1 + 0.02 * random.Random(f"{trial.arm} {trial.seed}").uniform(-1, 1)
    loss = left * noise * CONSTANT
    sick = not left <= 0.5
    return RunResult(
        run_id=f"run_{trial.key}",
        arm="whoever trained it",
        seed=trial.seed,
        status=status,
        metrics=metrics(
            final_train_loss=loss,
            relative_train_loss=loss / CONSTANT,
            final_validation_loss=loss,
            train_seconds=0.01 * trial.steps,
            recording_seconds=0.0,
            steps_done=trial.steps,
        ),
        target_probed=False,
        diagnosis=diagnosed(condition if sick else "healthy"),
    )


def search(task, world, *, order=lambda trials: trials):
    """Play a search to its end; `world` gives a trial's result."""
    results = {}
    while (state := advance(task, results)).waiting:
        for trial in order(list(state.waiting)):
            results[trial.key] = world(trial)
    return state


def by_norm(trial):
    """A world where batch norm is all that is needed."""
    return result_of(trial, 0.1 if getattr(trial.experiment.model, "normalization", None) == "batch_norm" else 1.0)


def by_norm_and_adam(trial):
    """A world where only batch norm with Adam helps, and batch norm alone a little."""
    norm = getattr(trial.experiment.model, "normalization", None) == "batch_norm"
    adam = trial.experiment.optimizer.kind == "adam"
    return result_of(trial, 0.05 if norm and adam else 0.8 if norm else 1.0)


def hopeless(trial):
    """A world where nothing helps."""
    return result_of(trial, 1.0)
