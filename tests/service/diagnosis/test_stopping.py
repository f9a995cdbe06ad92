from dataclasses import replace

import pytest

from gradclinic.diagnosis.rules import STOPPING_CONDITIONS
from gradclinic.diagnosis.stopping import LOOK_EVERY, check_stopping, due, reason_to_stop
from gradclinic.experiments.experiment import StopWhen
from gradclinic.kernel.errors import InvalidSpec

from ..remedies.experiments import mlp
from . import records

VANISHING = StopWhen(conditions=("vanishing_gradients",))


def live(record, steps: int):
    """What a run that is still training has recorded after some steps."""
    return replace(records.truncated(record, steps), outcome=None)


def test_a_run_is_looked_at_on_fixed_steps_and_only_where_its_owner_asked_for_it():
    assert [step for step in range(200) if due(VANISHING, step=step)] == list(range(100, 200, LOOK_EVERY))
    assert not due(None, step=100)


def test_a_certain_finding_of_a_named_condition_ends_a_run():
    finding = reason_to_stop(live(records.vanishing(), 100), VANISHING)
    assert finding is not None
    assert finding.condition == "vanishing_gradients"
    assert finding.confidence >= VANISHING.confidence


def test_a_finding_of_just_the_confidence_that_was_asked_for_ends_a_run():
    record = live(records.vanishing(), 100)
    certain = reason_to_stop(record, VANISHING).confidence
    assert reason_to_stop(record, VANISHING.model_copy(update={"confidence": certain})) is not None
    assert reason_to_stop(record, VANISHING.model_copy(update={"confidence": certain + 0.001})) is None


def test_a_run_goes_on_while_it_looks_healthy_or_shows_only_what_nobody_named():
    assert reason_to_stop(live(records.healthy_record(), 100), VANISHING) is None
    assert reason_to_stop(live(records.vanishing(), 100), StopWhen(conditions=("dead_units",))) is None


def asking_for(*conditions: str):
    training = {"stop_when": {"conditions": list(conditions)}}
    return mlp(experiment_changes={"training": training})


def test_a_run_may_be_asked_to_stop_on_every_rule_that_allows_it():
    check_stopping(asking_for(*STOPPING_CONDITIONS))
    check_stopping(mlp())
    assert not {"healthy", "insufficient_evidence", "divergence"} & set(STOPPING_CONDITIONS)


@pytest.mark.parametrize("condition", ["healthy", "hiccups"])
def test_no_run_stops_on_health_or_on_what_no_rule_knows(condition):
    with pytest.raises(InvalidSpec) as refused:
        check_stopping(asking_for("dead_units", condition))
    (problem,) = refused.value.problems
    assert problem.pointer == "/training/stop_when/conditions/1"
    assert "vanishing_gradients" in problem.allowed
