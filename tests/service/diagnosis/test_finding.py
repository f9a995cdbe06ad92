"""Findings as documents: of this version, and as earlier and later ones stored them."""

import json
from typing import Any

import pytest

from gradclinic.diagnosis import Diagnosis, diagnose
from gradclinic.diagnosis.finding import Evidence
from gradclinic.experiments.activations.relu import ReLU
from gradclinic.kernel.codec import decode, encode
from gradclinic.remedies.add_batch_norm import AddBatchNorm
from gradclinic.remedies.swap_activation import SwapActivation

from .records import SICK

STORED: dict[str, Any] = {
    "primary": "vanishing_gradients",
    "rule_set": "1",
    "findings": [
        {
            "condition": "vanishing_gradients",
            "severity": "critical",
            "harm": True,
            "confidence": 1.0,
            "layers": ["2.linear"],
            "first_step": 0,
            "last_step": 9,
            "evidence": [{"name": "depth_slope", "value": "Infinity", "unit": "orders of magnitude", "threshold": 1.5}],
            "rule": "vanishing_gradients",
            "source": "somebody",
            "summary": "Gradients vanish.",
            "suggested_remedies": [{"kind": "swap_activation", "activation": "relu"}, {"kind": "add_batch_norm"}],
        }
    ],
}
"""As the version before typed remedies stored it."""


@pytest.mark.parametrize("condition", SICK)
def test_a_diagnosis_survives_being_stored(condition: str) -> None:
    diagnosis = diagnose(SICK[condition]())
    again = decode(Diagnosis, json.loads(json.dumps(encode(diagnosis))))
    assert repr(again) == repr(diagnosis)  # NaN is not equal to itself, but reads the same


def test_a_diagnosis_of_an_earlier_version_is_read_with_typed_remedies() -> None:
    (finding,) = decode(Diagnosis, STORED).findings
    assert finding.suggested_remedies == (SwapActivation(activation=ReLU()), AddBatchNorm())
    assert finding.evidence == (Evidence("depth_slope", float("inf"), "orders of magnitude", 1.5),)
    assert finding.layers == ("2.linear",)


def test_a_remedy_that_this_version_does_not_know_is_left_out() -> None:
    remedies = [{"kind": "pray_harder"}, {"kind": "add_batch_norm"}]
    later = {**STORED, "findings": [{**STORED["findings"][0], "suggested_remedies": remedies}]}
    assert decode(Diagnosis, later).findings[0].suggested_remedies == (AddBatchNorm(),)
