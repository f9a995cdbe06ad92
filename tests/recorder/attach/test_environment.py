"""What is noted of a recording."""

import pytest
import torch
from torch import nn

from gradclinic.measurements.record import SiteInfo
from gradclinic_torch.attach.environment import environment_of

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit")


@pytest.mark.parametrize(
    ("layer", "compiled", "noted"),
    [
        (nn.MultiheadAttention(4, 1), True, True),
        (nn.MultiheadAttention(4, 1), False, False),
        (nn.Linear(4, 4), True, False),
    ],
)
def test_attention_that_a_compiled_graph_hides_is_noted(layer: nn.Module, compiled: bool, noted: bool) -> None:
    model = torch.compile(nn.Sequential(layer)) if compiled else nn.Sequential(layer)
    parameters = list(model.parameters())
    optimizer, sites = torch.optim.SGD(parameters, lr=0.1), tuple[SiteInfo, ...]()
    facts = environment_of(
        model, optimizer, parameters, device=torch.device("cpu"), sites=sites, unseen=0, unmeasured=0, split=0,
        weights_seen=True,
    )  # fmt: skip
    assert any("attention" in note for note in facts["notes"]) is noted
