from gradclinic.experiments.lr_schedules.cosine import Cosine
from gradclinic.experiments.lr_schedules.linear_warmup import LinearWarmup
from gradclinic.experiments.lr_schedules.step import Step
from gradclinic.remedies.add_warmup import AddWarmup

from .programs import check, loop, refusal


def test_the_rate_rises_over_the_first_steps():
    assert check(AddWarmup(warmup_steps=5)).schedule == LinearWarmup(warmup_steps=5)
    assert check(AddWarmup(warmup_steps=5), schedule=Cosine()).schedule == Cosine(warmup_steps=5)


def test_a_schedule_that_cannot_have_it_or_has_it_is_refused():
    assert "does not support warmup" in refusal(AddWarmup(), to=loop(schedule=Step()))
    assert "already has 50 warmup steps" in refusal(AddWarmup(), to=loop(schedule=LinearWarmup()))
