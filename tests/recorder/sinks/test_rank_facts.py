import numpy as np
import pytest

from gradclinic_torch.sinks.rank_facts import RankComparison


def test_each_process_is_compared_with_the_geometric_mean_of_the_others() -> None:
    comparison = RankComparison()
    for step in range(5):
        comparison.losses({rank: np.array([float(rank + step)]) for rank in range(3)})
        comparison.gradients({0: np.array([1.0, 1.0]), 1: np.array([4.0, 4.0]), 2: np.array([16.0, 16.0])})
    first, second, third = comparison.facts()
    assert (first.rank, first.steps, first.loss) == (0, 5, 2.0)
    assert [each.gradient for each in (first, second, third)] == pytest.approx([1 / 8, 1.0, 8.0])
    assert (first.above, third.above) == (0.0, 1.0)


def test_a_process_without_any_gradient_is_far_below_the_others() -> None:
    comparison = RankComparison()
    comparison.gradients({0: np.array([0.0, 0.0]), 1: np.array([1.0, 0.5])})
    assert comparison.facts()[0].gradient < 1e-20


def test_steps_that_are_not_finite_and_processes_without_sites_are_left_out() -> None:
    comparison = RankComparison()
    comparison.gradients({0: np.array([np.inf]), 1: np.array([1.0])})
    comparison.gradients({0: np.array([np.nan]), 1: np.array([1.0])})
    comparison.gradients({0: np.zeros(0), 1: np.zeros(0)})
    assert comparison.facts() == ()
