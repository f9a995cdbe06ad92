import numpy as np
import pytest

from gradclinic.diagnosis import Finding, diagnose, extract
from gradclinic.diagnosis.rules.collapsed_attention import CollapsedAttention
from gradclinic.diagnosis.thresholds import Thresholds
from gradclinic.measurements.record import RunRecord

from ..records import failed, healthy_record
from .attention import HEADS, attending


def collapse(record: RunRecord) -> list[Finding]:
    return [each for each in diagnose(record).findings if each.condition == "collapsed_attention"]


def falling(steps: np.ndarray) -> np.ndarray:
    return np.exp(-steps / 40)


def test_attention_that_collapses_under_large_logits_is_named_from_that_step_on():
    (finding,) = collapse(attending(logits=200.0, entropy=falling, ended=failed()))
    assert (finding.harm, finding.first_step, finding.layers) == (True, 100, HEADS)
    assert finding.blames[0] == "learning_rate"
    assert finding.summary.startswith("From step 100 on")


def test_it_is_a_warning_where_the_network_learned():
    (finding,) = collapse(attending(logits=200.0, entropy=falling))
    assert (finding.harm, finding.severity) == (False, "warning")


def test_a_collapse_before_the_first_step_blames_the_initialization():
    (finding,) = collapse(attending(logits=200.0, entropy=0.01, ended=failed()))
    assert finding.blames[0] == "initialization"


def test_a_low_entropy_with_ordinary_logits_is_what_some_tasks_need():
    assert not collapse(attending(logits=17.0, entropy=0.0, ended=failed()))
    assert not collapse(attending(logits=200.0, entropy=0.5, ended=failed()))
    assert not collapse(healthy_record())


@pytest.mark.parametrize(
    ("logits", "entropy", "there"), [(50.0, 0.125, True), (49.9, 0.125, False), (50.0, 0.126, False)]
)
def test_logits_and_entropy_may_lie_at_their_limits(logits, entropy, there):
    record = attending(logits=logits, entropy=entropy)
    found = CollapsedAttention().judge(extract(record), record, Thresholds(attention_entropy=0.125))
    assert (found is not None) is there


def test_an_entropy_that_is_not_a_number_is_no_evidence():
    assert not collapse(attending(logits=200.0, entropy=np.nan, ended=failed()))
