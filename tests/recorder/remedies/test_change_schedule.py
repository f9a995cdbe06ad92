import pytest

from gradclinic.experiments.lr_schedules.constant import Constant
from gradclinic.experiments.lr_schedules.cosine import Cosine
from gradclinic.experiments.lr_schedules.one_cycle import OneCycle
from gradclinic.experiments.lr_schedules.step import Step
from gradclinic.remedies.change_schedule import ChangeSchedule
from gradclinic_torch.remedies.loop import code_between

from .programs import applied, check, loop, refusal


@pytest.mark.parametrize("schedule", [Cosine(warmup_steps=3), OneCycle(), Step(every=4)], ids=lambda each: each.kind)
def test_the_rate_follows_another_schedule(schedule):
    assert check(ChangeSchedule(schedule=schedule)).schedule == schedule


def test_a_constant_rate_takes_the_place_of_a_schedule():
    before = loop(schedule=Cosine())
    found = applied(ChangeSchedule(), to=loop(schedule=Cosine()))
    assert found.schedule == Constant()
    assert "the rate is constant" in code_between(before, found)


def test_the_same_schedule_is_refused():
    assert refusal(ChangeSchedule()) == "the schedule is already constant with these fields"
