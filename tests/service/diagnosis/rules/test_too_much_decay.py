from dataclasses import replace

import numpy as np
import pytest

from gradclinic.diagnosis import diagnose

from ..records import changed, failed, healthy_record, with_slope
from ..seen import CLASSIFIER, but, seen

SHRINKING = changed(healthy_record(), {"weight_norm_l2": lambda steps: 6.0 * np.exp(-steps / 50)}, outcome=failed())


def test_weights_that_shrink_under_the_decay_are_named():
    finding = diagnose(seen(but(CLASSIFIER, "optimizer", weight_decay=1.0), record=SHRINKING)).findings[0]
    assert finding.condition == "too_much_decay"
    assert finding.blames == ("regularization",)
    assert "weight decay of 1" in finding.summary


def test_weights_that_keep_their_size_are_not_decayed_away():
    look = but(CLASSIFIER, "optimizer", weight_decay=0.01)
    assert "too_much_decay" not in {finding.condition for finding in diagnose(seen(look)).findings}


def test_weights_that_shrink_without_a_decay_have_another_cause():
    assert "too_much_decay" not in {each.condition for each in diagnose(seen(CLASSIFIER, record=SHRINKING)).findings}


DECAYING = but(CLASSIFIER, "optimizer", weight_decay=1.0)


def found(record):
    findings = diagnose(seen(DECAYING, record=record)).findings
    return next((finding for finding in findings if finding.condition == "too_much_decay"), None)


def with_norms(rows, **fields):
    record = changed(healthy_record(layers=2), outcome=failed())
    old = record.series["weight_norm_l2"]
    values = np.array(rows, np.float32)
    norms = replace(old, steps=old.steps[: len(values)], values=values)
    return replace(record, series={**record.series, "weight_norm_l2": norms}, **fields)


def test_the_typical_layer_must_keep_less_than_a_fifth() -> None:
    finding = found(with_norms([[1.0, 2.0, 4.0], [0.5, 0.38, 0.1]]))
    assert [(each.name, each.value) for each in finding.evidence] == [
        ("weight_norm_left", pytest.approx(0.19)),
        ("weight_decay", 1.0),
    ]
    assert "19 % of their initial size" in finding.summary
    assert found(with_norms([[5.0, 5.0, 5.0], [1.0, 1.0, 1.0]])).evidence[0].value == 0.2
    assert found(with_norms([[1.0, 2.0, 4.0], [0.5, 0.42, 0.1]])) is None


def test_layers_without_a_size_before_or_after_do_not_count() -> None:
    finding = found(with_norms([[0.0, 1.0, 4.0], [0.0, 0.1, np.nan]]))
    assert finding.evidence[0].value == pytest.approx(0.1)


def test_frozen_layers_and_single_records_say_nothing() -> None:
    shrunk = with_norms([[1.0, 1.0, 1.0], [0.1, 0.1, 0.1]])
    frozen = tuple(replace(weight, trainable=False) for weight in shrunk.weights)
    assert found(replace(shrunk, weights=frozen)) is None
    assert found(with_norms([[1.0, 1.0, 1.0]])) is None
    assert found(shrunk) is not None


@pytest.mark.parametrize(
    ("decay", "gradient", "optimizer", "there"),
    [
        (0.1, 0.6, "SGD", True),
        (0.1, 1.19, "SGD", True),
        (0.1, 1.21, "SGD", False),
        (0.1, 0.49, "SGD", True),
        (0.1, 0.47, "SGD", False),
        (0.1, 0.6, "AdamW", False),
        (0.01, 0.06, "SGD", True),
        (0.0099, 0.0594, "SGD", False),
    ],
)
def test_a_decay_that_takes_away_what_the_gradient_adds_is_named(decay, gradient, optimizer, there):
    """Weights of norm 6."""
    stuck = changed(healthy_record(), {"weight_norm_l2": 6.0, "weight_grad_norm_l2": gradient}, outcome=failed())
    look = but(CLASSIFIER, "optimizer", weight_decay=decay, name=optimizer)
    found = {finding.condition: finding for finding in diagnose(seen(look, record=stuck)).findings}
    assert ("too_much_decay" in found) is there
    if there:
        assert "takes away what the gradient adds" in found["too_much_decay"].summary


def held_back(
    *, decay: float = 0.1, left: float = 0.7, gradient: float = 0.3, slope: float = 0.0, **statistics: object
):
    """Weights of norm 1 that shrink evenly to a fraction, under a gradient that size, in a training that failed."""
    shrinking = {"weight_norm_l2": lambda steps: 1.0 + (left - 1.0) * steps / steps[-1]}
    levels = {**shrinking, "weight_grad_norm_l2": gradient, **statistics}
    record = with_slope(changed(healthy_record(), levels, outcome=failed()), slope)
    findings = diagnose(seen(but(CLASSIFIER, "optimizer", weight_decay=decay), record=record)).findings
    return next((finding for finding in findings if finding.condition == "too_much_decay"), None)


def test_a_decay_of_half_the_gradient_or_more_that_shrinks_the_weights_is_named():
    finding = held_back(left=0.7, gradient=0.1)
    (evidence, _) = finding.evidence
    assert (evidence.name, evidence.threshold) == ("decay_to_gradient", 0.5)
    assert evidence.value == pytest.approx(0.73, abs=0.02), "the mean norm of the last quarter is .73"
    assert held_back(left=0.7, gradient=0.001) is not None, "a decay that meets no gradient shrinks them, too"
    assert held_back(left=0.7, gradient=0.16) is None, "less than half"


def test_weights_that_keep_three_quarters_do_not_shrink():
    assert held_back(left=0.75, gradient=0.1) is not None
    assert held_back(left=0.76, gradient=0.05, update_to_weight_ratio=0.005) is None, "more than a balance"


def test_weights_at_rest_that_never_moved_are_not_held_back_by_a_decay():
    assert held_back(left=1.0, gradient=0.1, update_to_weight_ratio=0.01) is not None
    assert held_back(left=1.0, gradient=0.1, update_to_weight_ratio=0.001) is None


def test_where_the_gradient_vanished_from_the_start_weights_shrink_for_lack_of_it():
    assert held_back(left=0.5, gradient=0.001, slope=1.0) is not None
    assert held_back(left=0.5, gradient=0.001, slope=6.0) is None
    assert held_back(decay=0.01, left=0.1, gradient=0.001, slope=6.0).confidence == 0.7
    assert held_back(decay=0.01, left=0.1, gradient=0.001, slope=1.0).confidence == 0.94
    assert held_back(decay=0.009, left=0.1, gradient=0.001, slope=6.0) is None, "a weak decay is not the cause"


def test_few_records_say_nothing_of_the_pull_of_a_decay():
    record = changed(healthy_record(), {"weight_norm_l2": 1.0, "weight_grad_norm_l2": 0.1}, outcome=failed())
    steps = record.series["weight_norm_l2"].steps
    for number, there in ((8, True), (7, False)):
        norms = replace(record.series["weight_norm_l2"], steps=steps[-number:])
        norms = replace(norms, values=norms.values[-number:])
        fewer = replace(record, series={**record.series, "weight_norm_l2": norms})
        look = but(CLASSIFIER, "optimizer", weight_decay=0.1)
        conditions = {finding.condition for finding in diagnose(seen(look, record=fewer)).findings}
        assert ("too_much_decay" in conditions) is there


@pytest.mark.parametrize(
    ("optimizer", "decay", "left", "there"),
    [
        ("AdamW", 20.0, 0.5, True),
        ("AdamW", 5.0, 0.5, False),
        ("Adam", 20.0, 0.5, False),
        ("AdamW", 20.0, 0.8, False),
    ],
)
def test_adamw_keeps_weights_below_one_over_its_decay(optimizer, decay, left, there):
    """32 x 32 weights with a norm of 3.2 have an RMS of 0.1; 1/20 is less than that, and 1/5 is not."""
    shrinking = {
        "weight_norm_l2": lambda steps: 3.2 * np.where(steps < 10, 1.0, left),
        "weight_grad_norm_l2": 0.0,
    }
    look = but(CLASSIFIER, "optimizer", name=optimizer, weight_decay=decay)
    record = changed(healthy_record(), shrinking, outcome=failed())
    found = {each.condition: each for each in diagnose(seen(look, record=record)).findings}
    assert ("too_much_decay" in found) is there
    if there:
        assert "below about 0.05, and the typical one began at 0.1" in found["too_much_decay"].summary
