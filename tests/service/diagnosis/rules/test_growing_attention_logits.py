import numpy as np

from gradclinic.diagnosis import Finding, diagnose
from gradclinic.measurements.record import RunRecord

from ..records import failed, healthy_record
from .attention import HEADS, attending


def growth(record: RunRecord) -> list[Finding]:
    return [each for each in diagnose(record).findings if each.condition == "growing_attention_logits"]


def rising(steps: np.ndarray) -> np.ndarray:
    return 2.0 * np.exp(steps / 40)


def test_growing_logits_are_named_from_the_step_on_at_which_they_are_too_large():
    (finding,) = growth(attending(logits=rising, entropy=0.5, ended=failed()))
    assert (finding.harm, finding.first_step, finding.layers) == (True, 130, HEADS)
    assert finding.blames[0] == "learning_rate"
    assert "grew from 2" in finding.summary


def test_they_are_a_warning_where_the_network_learned_or_still_trains():
    (finding,) = growth(attending(logits=rising, entropy=0.5))
    assert (finding.harm, finding.severity) == (False, "warning")
    assert diagnose(attending(logits=rising, entropy=0.5)).primary == "healthy"


def test_logits_that_are_large_before_the_first_step_blame_the_initialization():
    (finding,) = growth(attending(logits=400.0, entropy=0.5, ended=failed()))
    assert finding.blames[0] == "initialization"
    assert finding.summary.startswith("From the start")


def test_a_sharp_attention_and_a_network_without_one_are_sound():
    assert not growth(attending(logits=17.0, entropy=0.0, ended=failed()))
    assert not growth(healthy_record())


def test_logits_are_too_large_from_fifty_on():
    (finding,) = growth(attending(logits=50.0, entropy=0.5, ended=failed()))
    assert finding.layers == HEADS
    assert not growth(attending(logits=49.9, entropy=0.5, ended=failed()))
