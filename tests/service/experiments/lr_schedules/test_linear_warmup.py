import pytest

from gradclinic.experiments.lr_schedules.linear_warmup import LinearWarmup


def test_it_rises_in_equal_parts_and_stays():
    factors = [LinearWarmup(warmup_steps=4).factor(step, 10) for step in range(6)]
    assert factors == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 1.0])


def test_no_step_is_lost_to_a_rate_of_zero():
    assert LinearWarmup(warmup_steps=1000).factor(0, 10) > 0
    assert LinearWarmup(warmup_steps=0).factor(0, 10) == 1.0
