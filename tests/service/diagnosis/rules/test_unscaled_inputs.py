import pytest

from gradclinic.diagnosis import diagnose
from gradclinic.diagnosis.features import extract
from gradclinic.diagnosis.rules.unscaled_inputs import UnscaledInputs
from gradclinic.diagnosis.thresholds import Thresholds
from gradclinic.remedies.network import Network

from ..records import outcome
from ..seen import CLASSIFIER, but, seen


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rms": 80.0}, "RMS 80 instead of about 1"),
        ({"rms": 3e4, "largest_std": 1e5}, "standard deviation of 1e+05, the typical one of 0.9"),
        ({"largest_offset": 40.0}, "40 of their deviations away from 0"),
        ({"rms": 0.002}, "RMS 0.002"),
    ],
)
def test_each_kind_of_scale_is_named_with_its_number(changes, said):
    finding = diagnose(seen(but(CLASSIFIER, "inputs", **changes))).findings[0]
    assert finding.condition == "unscaled_inputs"
    assert said in finding.summary
    assert finding.blames[0] == "input_scaling"


def test_pixels_between_0_and_1_are_no_fault():
    look = but(CLASSIFIER, "inputs", rms=0.33, largest_std=0.45, typical_std=0.3, largest_offset=2.0)
    assert "unscaled_inputs" not in {finding.condition for finding in diagnose(seen(look)).findings}


def test_a_network_that_learned_all_the_same_is_healthy_with_a_note():
    found = diagnose(seen(but(CLASSIFIER, "inputs", rms=80.0), outcome=outcome()))
    assert found.primary == "healthy"
    assert [finding.harm for finding in found.findings if finding.condition == "unscaled_inputs"] == [False]


def test_standardizing_is_suggested():
    record = seen(but(CLASSIFIER, "inputs", rms=50.0))
    finding = UnscaledInputs().judge(extract(record), record, Thresholds())
    assert [each.kind for each in UnscaledInputs().remedies(finding, Network.recorded(record))] == [
        "standardize_inputs"
    ]
