import pytest

from gradclinic.diagnosis import Finding, diagnose
from gradclinic.measurements.spike import Spike

from ..records import changed, failed, healthy_record, outcome

OF_ONE_ROW = Spike(step=120, loss=9.0, usual=0.2, batch_rows=64, rows=(17,), carried=0.97)
OF_ALL = Spike(step=150, loss=5.0, usual=0.2, batch_rows=64, rows=tuple(range(20)), carried=0.5)
OF_UNKNOWN_ROWS = Spike(step=150, loss=5.0, usual=0.2)


def found(*spikes: Spike, **ended: float) -> list[Finding]:
    findings = diagnose(changed(healthy_record(), outcome=outcome(spikes=spikes, **ended))).findings
    return [each for each in findings if each.condition == "loss_spikes"]


def test_a_spike_of_few_samples_names_them_and_blames_the_data():
    (finding,) = found(OF_ONE_ROW)
    assert (finding.harm, finding.severity, finding.first_step, finding.last_step) == (False, "warning", 120, 120)
    assert finding.blames[0] == "data"
    assert "at step 120, from 0.2 to 9; row 17 of its 64 carried 97 % of that" in finding.summary


def test_a_spike_of_the_whole_batch_blames_the_step_before():
    (finding,) = found(OF_ALL)
    assert finding.blames[0] == "learning_rate"
    assert "the step before was too large" in finding.summary


def test_of_several_spikes_the_largest_is_told():
    (finding,) = found(OF_ONE_ROW, OF_ALL)
    assert (finding.first_step, finding.last_step) == (120, 150)
    assert "jumped in 2 steps, most at step 120" in finding.summary


def test_without_the_losses_of_the_rows_the_step_is_named():
    (finding,) = found(OF_UNKNOWN_ROWS)
    assert "at step 150, from 0.2 to 5; the network learned" in finding.summary


def test_a_small_jump_of_a_small_loss_is_none_and_a_divergence_is_no_spike():
    assert not found(Spike(step=120, loss=0.03, usual=0.01))
    ended = failed(steps_done=160, nonfinite_step=160, final_train_loss=float("nan"), spikes=(OF_ALL,))
    findings = diagnose(changed(healthy_record(), outcome=ended)).findings
    assert not any(each.condition == "loss_spikes" for each in findings)


def test_spikes_are_no_reason_not_to_be_healthy():
    assert diagnose(changed(healthy_record(), outcome=outcome(spikes=(OF_ONE_ROW,)))).primary == "healthy"


@pytest.mark.parametrize(("loss", "there"), [(0.75, True), (0.74, False)])
def test_a_spike_rises_by_a_quarter_of_the_average_s_loss_at_least(loss, there):
    assert bool(found(Spike(step=120, loss=loss, usual=0.25), constant_loss=2.0)) is there


def test_without_any_loss_to_compare_with_there_is_no_spike():
    assert not found(OF_ALL, constant_loss=0.0, initial_train_loss=0.0)


@pytest.mark.parametrize(
    ("rows", "of", "blamed"), [(8, 64, "data"), (9, 64, "learning_rate"), (1, 4, "data"), (2, 4, "learning_rate")]
)
def test_an_eighth_of_a_batch_but_at_least_one_row_are_few(rows, of, blamed):
    (finding,) = found(Spike(step=120, loss=9.0, usual=0.2, batch_rows=of, rows=tuple(range(rows)), carried=0.9))
    assert finding.blames[0] == blamed
