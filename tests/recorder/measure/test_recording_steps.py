import numpy as np
import pytest

from gradclinic.experiments.experiment import RecordingPlan
from gradclinic.measurements.record import ALARMS
from gradclinic_torch.measure.recording_steps import NORMS_DENSE, NORMS_EVERY, Level, RecordingSteps

SPARSE = RecordingPlan(every=1000, full_every=1000, dense_until=0)


def recorded(plan: RecordingSteps, losses: list[float]) -> list[int]:
    """The steps at which all statistics are recorded while these losses are seen."""
    full = []
    for step, loss in enumerate(losses):
        if plan.full(step):
            full.append(step)
        plan.saw(step, loss=loss, grad_norm=1.0)
    return full


def spiking(*steps: int, length: int = 200) -> list[float]:
    return [50.0 if step in steps else 1.0 + 0.1 * (step % 3) for step in range(length)]


def test_the_ten_steps_after_a_spike_are_recorded_fully():
    assert recorded(RecordingSteps(SPARSE, 200), spiking(60)) == [0, *range(61, 71)]


def test_nothing_more_is_recorded_where_nothing_happens_or_where_it_is_not_asked_for():
    assert recorded(RecordingSteps(SPARSE, 200), spiking()) == [0]
    assert recorded(RecordingSteps(SPARSE.model_copy(update={"adaptive": False}), 200), spiking(60)) == [0]


def test_a_device_that_is_asked_seldom_looks_closer_at_the_same_step_whenever_it_was_asked():
    assert recorded(RecordingSteps(SPARSE, 200, look_every=16), spiking(60)) == [0, *range(64, 74)]


def test_a_loss_that_spikes_for_ever_is_looked_at_five_times():
    full = recorded(RecordingSteps(SPARSE, 2000), spiking(*range(40, 2000, 40), length=2000))
    assert len(full) == 2 + 10 * ALARMS
    assert max(step for step in full if step != 1000) < 40 * (ALARMS + 1)


@pytest.mark.parametrize("at", [0, 10, 59, 60, 61, 65, 70, 71, 150])
def test_a_plan_that_is_resumed_goes_on_as_if_nothing_had_been(at):
    losses = spiking(60, 160)
    undisturbed = recorded(RecordingSteps(SPARSE, 200), losses)
    interrupted, resumed = RecordingSteps(SPARSE, 200), RecordingSteps(SPARSE, 200)
    before = recorded(interrupted, losses[:at])
    resumed.resume(interrupted.state())
    after = []
    for step in range(at, 200):
        after += [step] if resumed.full(step) else []
        resumed.saw(step, loss=losses[step], grad_norm=1.0)
    assert before + after == undisturbed


@pytest.mark.parametrize("deviation", [0.03, 0.3, 1.0])
def test_noise_stands_out_in_less_than_one_of_1000_steps(deviation):
    draws = np.exp(deviation * np.random.default_rng(0).standard_normal(40_000)).tolist()
    level, alarms = Level(), 0
    for value in draws:
        alarms += level.stands_out(value)
        level.add(value)
    assert alarms < len(draws) / 1000


def test_what_stands_out_is_at_least_twice_what_was_usual_and_says_nothing_of_a_zero():
    steady = Level([1.0] * 32)
    assert not steady.stands_out(1.9)
    assert steady.stands_out(2.1)
    assert not Level([1.0] * 31).stands_out(1e9)
    assert not Level([0.0] * 32).stands_out(1.0)


def test_layer_outputs_are_recorded_densely_at_first_and_then_as_rarely_as_the_plan_says():
    plan = RecordingSteps(RecordingPlan(adaptive=False), 300)
    seen = [step for step in range(300) if plan.sites(step)]
    assert seen[:10] == list(range(10))
    assert set(seen[10:]) == {step for step in range(10, 300) if step % 15 == 0}
    assert all(plan.basic(step) for step in range(300))


def test_a_plan_that_says_how_often_layer_outputs_are_recorded_is_followed():
    often, with_the_rest = RecordingPlan(sites_every=1), RecordingPlan(every=7, full_every=50, dense_until=0)
    assert all(RecordingSteps(often, 300).sites(step) for step in range(300))
    plan = RecordingSteps(with_the_rest, 300)
    assert [step for step in range(60) if plan.sites(step)] == [0, 7, 14, 21, 28, 35, 42, 49, 50, 56]


@pytest.mark.parametrize("steps", [60, 300, 2000, 100_000])
def test_a_calm_run_is_probed_30_to_60_times_and_after_its_last_step(steps):
    plan = RecordingSteps(RecordingPlan(), steps)
    probes = [step for step in range(steps + 1) if plan.probe(step)]
    assert 30 <= len(probes) - 1 <= 66
    assert (probes[0], probes[-1]) == (0, steps)
    looks = [step for step in range(steps + 1) if plan.units(step)]
    assert 10 <= len(looks) - 1 <= 12
    assert (looks[0], looks[-1]) == (0, steps)


def probed(plan: RecordingSteps, losses: dict[int, float]) -> list[int]:
    """The steps at which the probe is measured, if it has these losses at these steps and 1 elsewhere."""
    found = []
    for step in range(300):
        if plan.probe(step):
            found.append(step)
            plan.saw_probe(step, losses.get(step, 1.0))
    return found


def test_after_the_probes_loss_has_risen_it_is_probed_twice_as_often_for_three_intervals():
    assert probed(RecordingSteps(RecordingPlan(), 300), {100: 1.005}) == list(range(0, 300, 10))
    rising = probed(RecordingSteps(RecordingPlan(), 300), {100: 1.02})
    assert rising == [*range(0, 110, 10), 110, *range(115, 144, 5), *range(150, 300, 10)]
    assert probed(RecordingSteps(RecordingPlan(probe_every=10), 300), {100: 1.02}) == list(range(0, 300, 10))
    assert probed(RecordingSteps(RecordingPlan(adaptive=False), 300), {100: 1.02}) == list(range(0, 300, 10))


def test_a_plan_that_is_resumed_remembers_its_last_probe():
    interrupted, resumed = RecordingSteps(RecordingPlan(), 300), RecordingSteps(RecordingPlan(), 300)
    interrupted.saw_probe(0, 1.0)
    resumed.resume(interrupted.state())
    resumed.saw_probe(10, 1.02)
    assert resumed.probe(25)
    of_an_earlier_version = RecordingSteps(RecordingPlan(), 300)
    of_an_earlier_version.resume(interrupted.state()[:3])
    of_an_earlier_version.saw_probe(10, 1.02)
    assert not of_an_earlier_version.probe(25)


def test_a_run_of_unknown_length_is_probed_ever_more_rarely():
    plan = RecordingSteps(RecordingPlan(), None)
    probes = [step for step in range(100_000) if plan.probe(step)]
    assert probes[:4] == [0, 10, 20, 30]
    assert len([step for step in probes if step < 300]) == 30
    assert len(probes) < 200
    assert (np.diff(np.diff(probes)) >= 0).all()


def test_a_run_of_unknown_length_is_recorded_up_to_four_times_as_rarely_later():
    plan = RecordingSteps(RecordingPlan(adaptive=False, full_every=1200), None)
    sites = [step for step in range(5000) if plan.sites(step)]
    assert set(np.diff([step for step in sites if 15 <= step < 300])) == {15}
    assert set(np.diff(sites[-20:])) == {60}


def test_norms_are_taken_early_then_seldom_and_wherever_more_is_recorded():
    plan = RecordingSteps(RecordingPlan(), 300)
    taken = [step for step in range(300) if plan.norms(step)]
    assert taken[:NORMS_DENSE] == list(range(NORMS_DENSE))
    assert set(taken) >= {step for step in range(300) if plan.full(step) or plan.sites(step)}
    assert max(np.diff(taken)) == NORMS_EVERY


@pytest.mark.parametrize(("recording", "look_every"), [(RecordingPlan(every=3), 1), (RecordingPlan(), 16)])
def test_norms_are_always_taken_where_few_steps_are_recorded_or_a_device_is_asked_seldom(recording, look_every):
    plan = RecordingSteps(recording, 300, look_every=look_every)
    assert all(plan.norms(step) for step in range(300))


def test_a_step_whose_norm_was_not_taken_is_an_event_by_its_loss_alone():
    plan = RecordingSteps(SPARSE, 200)
    for step, loss in enumerate(spiking(60, length=61)):
        plan.saw(step, loss=loss, grad_norm=None)
    assert plan.alarmed(61)
