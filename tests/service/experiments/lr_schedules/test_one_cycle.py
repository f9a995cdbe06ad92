import pytest
import torch

from gradclinic.experiments.lr_schedules.one_cycle import OneCycle


def test_it_is_torchs():
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    reference = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=60)
    rates = []
    for _ in range(60):
        rates.append(reference.get_last_lr()[0])
        optimizer.step()
        if len(rates) < 60:
            reference.step()
    assert [OneCycle().factor(step, 60) for step in range(60)] == pytest.approx(rates, abs=1e-6)


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_run_of_hardly_any_steps_has_finite_factors(steps):
    assert all(0 < OneCycle().factor(step, steps) <= 1 for step in range(steps))
