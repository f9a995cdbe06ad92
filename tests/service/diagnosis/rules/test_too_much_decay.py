from dataclasses import replace

import numpy as np
import pytest

from gradclinic.diagnosis import diagnose

from ..records import changed, failed, healthy_record
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
        (0.1, 0.7, "SGD", True),
        (0.1, 0.8, "SGD", False),
        (0.1, 0.4, "SGD", False),
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
