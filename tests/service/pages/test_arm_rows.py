import numpy as np
import pytest

from gradclinic.comparison import RunResult, compare
from gradclinic.pages.arm_rows import arm_rows, changes_in_words

from .test_figures import metrics

LOSS = "final_validation_loss"


def results(arm, *losses):
    return [
        RunResult(f"{arm} {seed}", arm, seed, metrics=metrics(final_validation_loss=loss))
        for seed, loss in enumerate(losses)
    ]


def rows(*runs):
    arms = [{"name": "baseline"}, {"name": "norm", "remedies": [{"kind": "add_batch_norm"}]}]
    return arm_rows(arms, compare(runs, arms=["baseline", "norm"]), runs)


def test_the_baseline_comes_first_with_the_geometric_mean_of_its_loss():
    baseline, norm = rows(*results("baseline", 1.0, 4.0), *results("norm", 0.1, 0.1))
    assert (baseline.arm, baseline.changes, baseline.compared) == ("baseline", "no change", None)
    assert baseline.reached[LOSS].mean == pytest.approx(2.0)
    assert norm.reached[LOSS].mean == pytest.approx(norm.compared.effects[LOSS].arm_mean)
    assert norm.changes == "add batch norm"


def test_runs_whose_loss_is_not_finite_are_counted_and_left_out_of_the_mean():
    _, norm = rows(*results("baseline", 1.0, 1.0), *results("norm", 0.5, np.inf))
    assert (norm.reached[LOSS].mean, norm.reached[LOSS].not_finite) == (pytest.approx(0.5), 1)


def test_runs_that_wait_are_counted_and_have_reached_nothing():
    _, norm = rows(*results("baseline", 1.0), RunResult("", "norm", 0, status="queued"))
    assert (norm.runs, norm.finished, norm.reached[LOSS].mean) == (1, 0, None)


def test_an_arm_without_remedies_is_described_by_the_fields_that_it_changes():
    patch = [
        {"op": "replace", "path": "/optimizer/learning_rate", "value": 0.01},
        {"op": "replace", "path": "/optimizer", "value": {"kind": "adam", "learning_rate": 0.1}},
        {"op": "remove", "path": "/model/normalization"},
    ]
    assert changes_in_words({"name": "a", "patch": patch}) == "learning rate 0.01, optimizer adam, no normalization"
    assert changes_in_words({"name": "a", "patch": patch * 2}).endswith("no normalization and 3 more fields")
