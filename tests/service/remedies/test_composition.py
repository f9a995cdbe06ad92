"""Remedies compose in list order, and a refusal says which of them refused."""

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from gradclinic import remedies
from gradclinic.experiments.experiment import Experiment
from gradclinic.experiments.lowering import lower
from gradclinic.kernel.errors import InvalidRequest, RemedyDoesNotApply
from gradclinic.remedies import REMEDIES, apply_all
from tests.service.examples import examples

from .experiments import cnn, kinds, mlp, rnn, transformer


def test_the_order_of_two_remedies_can_matter():
    norm, skip = remedies.AddBatchNorm(momentum=0.5), remedies.AddSkipConnections()
    one, other = apply_all(mlp(), [norm, skip]), apply_all(mlp(), [skip, norm])
    assert kinds(one) == kinds(other)
    gated = apply_all(rnn(), [remedies.SwapActivation(), remedies.UseGatedCell()])
    assert gated.model.cell == "gru"
    with pytest.raises(RemedyDoesNotApply, match="gated"):
        apply_all(rnn(), [remedies.UseGatedCell(), remedies.SwapActivation()])


def test_a_refusal_carries_the_pointer_of_the_remedy_that_refused():
    with pytest.raises(RemedyDoesNotApply) as caught:
        apply_all(mlp(), [remedies.SwapActivation(), remedies.LowerLearningRate(), remedies.SwapActivation()])
    assert caught.value.problems[0].pointer == "/remedies/2"


def test_no_remedies_change_nothing():
    assert apply_all(mlp(), []) == mlp()


@settings(max_examples=75, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(data=st.data())
def test_any_remedies_in_any_order_give_a_valid_experiment_or_a_reason(data: st.DataObject):
    experiment: Experiment = data.draw(st.sampled_from([mlp(), cnn(), rnn(), transformer()]))
    chosen = data.draw(st.lists(st.sampled_from(sorted(REMEDIES)), min_size=1, max_size=4))
    try:
        after = apply_all(experiment, [data.draw(examples(REMEDIES[kind])) for kind in chosen])
    except InvalidRequest as refusal:
        assume(any(not problem.pointer.startswith("/remedies/") for problem in refusal.problems))
        raise
    assert Experiment.model_validate(after.to_json()) == after
    lower(after)
