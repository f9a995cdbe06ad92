import pytest

from gradclinic.experiments.lr_schedules.cosine import Cosine


def test_it_falls_along_half_a_cosine():
    schedule = Cosine(final_factor=0.1)
    assert schedule.factor(0, 100) == 1.0
    assert schedule.factor(50, 100) == pytest.approx(0.55)
    assert schedule.factor(100, 100) == pytest.approx(0.1)


def test_it_can_warm_up_first():
    factors = [Cosine(warmup_steps=10).factor(step, 100) for step in range(100)]
    assert factors.index(max(factors)) == 10
    assert factors[:11] == sorted(factors[:11])
    assert factors[10:] == sorted(factors[10:], reverse=True)
