"""Made-up runs for the comparison's tests."""

from gradclinic.comparison import RunResult

CONSTANT = 2.3
"""Loss of the best constant predictor of ten classes."""


def finding(condition, *, harm=True):
    return {"condition": condition, "harm": harm}


def run(arm, seed, loss, condition="healthy", *, harmful=None, status="succeeded", **metrics):
    """A run whose losses are all `loss`; a condition other than healthy is harmful."""
    harm = condition not in ("healthy", "insufficient_evidence") if harmful is None else harmful
    findings = [finding(condition, harm=harm)] if condition not in ("healthy", "insufficient_evidence") else []
    return RunResult(
        run_id=f"run_{arm}_{seed}",
        arm=arm,
        seed=seed,
        status=status,
        metrics={
            "final_train_loss": loss,
            "final_validation_loss": loss,
            "relative_train_loss": loss / CONSTANT,
            "train_seconds": 2.0,
            **metrics,
        },
        diagnosis={"primary": condition, "findings": findings, "rule_set": "1"},
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
    return RunResult(**{**document, "sweep_point": tuple(point.items()) if point else None})
