import pytest
from pydantic import ValidationError

from gradclinic.experiments.lr_schedules.step import Step


def test_it_drops_after_every_so_many_steps():
    factors = [Step(every=2, gamma=0.5).factor(step, 6) for step in range(6)]
    assert factors == [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]


def test_a_gamma_that_grows_is_refused():
    with pytest.raises(ValidationError):
        Step(gamma=2.0)
