import pytest
import torch
from torch import Tensor, nn

from gradclinic.remedies.standardize_inputs import StandardizeInputs
from gradclinic_torch.remedies.loop import code_between

from .programs import applied, batches, loop, pasted, refusal, trained


def unscaled(*shape: int) -> list[tuple[Tensor, Tensor]]:
    return [(100.0 + 30.0 * inputs, targets) for inputs, targets in batches(*shape)]


@pytest.mark.parametrize(("make", "shape"), [(None, (6,)), (nn.Flatten, (2, 3))], ids=["table", "other"])
def test_the_model_gets_standardized_inputs(make, shape):
    def network() -> nn.Module:
        return nn.Sequential(*([] if make is None else [make()]), nn.Linear(6, 3))

    data = unscaled(*shape)
    inputs, targets = (torch.cat(part) for part in zip(*data, strict=True))
    seen: list[Tensor] = []
    before = loop(network, *shape)
    found = applied(StandardizeInputs(), to=loop(network, *shape, sample=lambda: (inputs, targets)))
    found.model[0].register_forward_hook(lambda _, given, __: seen.append(given[0]))
    found.model(inputs)
    assert torch.allclose(seen[0].mean(), torch.tensor(0.0), atol=1e-5)
    assert torch.allclose(seen[0].std(), torch.tensor(1.0), atol=1e-2)
    code = code_between(before, found)
    assert trained(found, data) == pytest.approx(pasted(code, loop(network, *shape), data, inputs=inputs), rel=1e-5)


def test_a_constant_column_is_only_centred():
    inputs = torch.tensor([[5.0, 1.0], [5.0, 3.0]])
    found = applied(StandardizeInputs(), to=loop(lambda: nn.Linear(2, 3), sample=lambda: (inputs, torch.zeros(2))))
    assert bool(torch.isfinite(found.model(inputs)).all())


def test_standardized_inputs_tokens_and_batches_of_another_form_are_refused():
    normal = torch.randn(1000, 6, dtype=torch.float64)
    normal = (normal - normal.mean(0)) / normal.std(0)
    assert "already standardized" in refusal(StandardizeInputs(), to=loop(sample=lambda: (normal, normal)))
    tokens = torch.ones(4, 6, dtype=torch.int64)
    assert "no measured values" in refusal(StandardizeInputs(), to=loop(sample=lambda: (tokens, tokens)))
    assert "make batches of (inputs, targets)" in refusal(StandardizeInputs())
