"""What is stacked together must not matter to a statistic."""

import pytest

from gradclinic_torch.measure import reductions


@pytest.fixture(params=[1, 24, 2**17], autouse=True)
def block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test runs with blocks of one tensor, of two small ones, and of all that have one shape."""
    monkeypatch.setattr(reductions, "BLOCK", request.param)
