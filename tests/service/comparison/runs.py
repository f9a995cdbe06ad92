"""Made-up runs for the comparison's tests."""

from gradclinic.comparison import RunResult
from gradclinic.diagnosis import Diagnosis
from gradclinic.kernel.codec import decode

from ..diagnoses import diagnosis, finding
from ..metrics import metrics

CONSTANT = 2.3
"""Loss of the best constant predictor of ten classes."""


def run(arm, seed, loss, condition="healthy", *, harmful=None, status="succeeded", **known):
    """A run whose losses are all `loss`; a condition other than healthy is harmful."""
    harm = condition not in ("healthy", "insufficient_evidence") if harmful is None else harmful
    return RunResult(
        run_id=f"run_{arm}_{seed}",
        arm=arm,
        seed=seed,
        status=status,
        metrics=metrics(
            **{
                "final_train_loss": loss,
                "final_validation_loss": loss,
                "relative_train_loss": loss / CONSTANT,
                "train_seconds": 2.0,
                **known,
            }
        ),
        target_probed="steps_to_target" in known,
        diagnosis=diagnosis(finding(condition, harm=harm)),
    )


def arm(name, losses, condition="healthy", **more):
    return [run(name, seed, loss, condition, **more) for seed, loss in enumerate(losses)]


STUCK = arm("baseline", [2.301, 2.303, 2.302, 2.304, 2.300], "vanishing_gradients")
"""A baseline that learned nothing in five seeds."""
NAN = float("nan")
DIVERGED = arm("baseline", [NAN] * 5, "divergence")


def read_run(document):
    """A run that was written as JSON."""
    point = document["sweep_point"]
    found = document["diagnosis"]
    judged = None if found is None else decode(Diagnosis, found)
    measured = metrics(**document["metrics"]) if document["metrics"] else None
    place = tuple(point.items()) if point else None
    return RunResult(**{**document, "metrics": measured, "diagnosis": judged, "sweep_point": place})
