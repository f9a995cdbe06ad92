import pytest
import torch
from torch import nn

from gradclinic_torch.measure.gradients import EXACT_LOOKS, Gradients


def seen(*sizes: int) -> tuple[list[nn.Parameter], Gradients]:
    """Parameters of these sizes with gradients of ones, whose norms were taken."""
    parameters = [nn.Parameter(torch.zeros(size)) for size in sizes]
    for each in parameters:
        each.grad = torch.ones_like(each)
    gradients = Gradients(parameters, torch.optim.SGD(parameters, lr=0.1), scaler=None)
    gradients.norms()
    return parameters, gradients


def gradient(parameter: nn.Parameter) -> torch.Tensor:
    assert parameter.grad is not None
    return parameter.grad


def test_norms_of_gradients_that_nothing_changed_are_not_taken_again() -> None:
    _, gradients = seen(4, 9)
    assert gradients.norms_again(exact=False) is gradients.norms_again(exact=False)
    assert gradients.norms_again(exact=True).tolist() == [2.0, 3.0]


def test_clipping_in_place_and_new_gradients_are_seen() -> None:
    (_, second), gradients = seen(4, 9)
    gradient(second).mul_(2)
    assert gradients.norms_again(exact=False).tolist() == [2.0, 6.0]
    (_, second), gradients = seen(4, 9)
    second.grad = 3 * gradient(second)
    assert gradients.norms_again(exact=False).tolist() == [2.0, 9.0]


def test_clipping_the_data_of_all_gradients_is_seen_though_it_leaves_no_mark() -> None:
    parameters, gradients = seen(4, 9)
    for each in parameters:
        gradient(each).data.mul_(0.5)
    assert gradients.norms_again(exact=False).tolist() == [1.0, 1.5]


def test_after_an_exact_look_found_a_change_without_a_mark_every_look_is_exact() -> None:
    (_, second), gradients = seen(4, 9)
    gradient(second).data.mul_(2)
    assert gradients.norms_again(exact=False).tolist() == [2.0, 3.0]
    assert gradients.norms_again(exact=True).tolist() == [2.0, 6.0]
    gradients.norms()
    gradient(second).data.mul_(2)
    assert gradients.norms_again(exact=False).tolist() == [2.0, 12.0]


def test_a_sample_of_the_gradients_shows_what_spreads_to_the_first_layer() -> None:
    parameters, gradients = seen(4, 9, 16, 2**15)
    assert gradients.sampled_norm() == 2.0 + 3.0 + 4.0  # the large one is not read
    gradient(parameters[0])[1] = torch.nan
    assert torch.tensor(gradients.sampled_norm()).isnan()


def test_complex_and_sparse_gradients_and_missing_ones_are_sampled() -> None:
    parameters = [nn.Parameter(torch.zeros(4, dtype=torch.complex64)), nn.Parameter(torch.zeros(3, 2)), *seen(9)[0]]
    parameters[0].grad = torch.full((4,), 3 + 4j)
    parameters[1].grad = torch.sparse_coo_tensor([[1]], [[0.6, 0.8]], (3, 2), check_invariants=True)
    parameters[2].grad = None
    sampled = Gradients(parameters, torch.optim.SGD(parameters, lr=0.1), scaler=None).sampled_norm()
    assert sampled == pytest.approx(10.0 + 1.0)


def test_after_some_exact_looks_without_a_change_only_the_smallest_is_looked_at() -> None:
    (_, second), gradients = seen(4, 9)
    for _ in range(EXACT_LOOKS):
        gradients.norms_again(exact=True)
    gradient(second).data.mul_(2)
    assert gradients.norms_again(exact=True).tolist() == [2.0, 3.0]
