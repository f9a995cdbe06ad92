"""A language model is known by its targets: the next tokens of its own input."""

import pytest
import torch
from torch import Tensor, nn

from gradclinic_torch import Recording, watch

TEXT = torch.randint(0, 50, (9, 17), generator=torch.Generator().manual_seed(0))
ROWS, NEXT = TEXT[:, :-1], TEXT[:, 1:]


class Reader(nn.Module):
    """One output for each token; computes its own loss if it gets labels."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.head = nn.Embedding(50, 8), nn.Linear(8, 50)

    def forward(self, tokens: Tensor, targets: Tensor | None = None, *, labels: Tensor | None = None) -> object:
        outputs = self.head(self.table(tokens))
        if targets is not None:
            return outputs, nn.functional.cross_entropy(outputs.flatten(0, 1), targets.flatten())
        if labels is not None:
            return {"loss": nn.functional.cross_entropy(outputs[:, :-1].flatten(0, 1), labels[:, 1:].flatten())}
        return outputs


def of_criterion(tokens: Tensor, targets: Tensor) -> bool:
    model, criterion = Reader(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with Recording(model, optimizer, criterion) as recording:
        loss = criterion(model(tokens).flatten(0, 1), targets.flatten())
        loss.backward()
        recording.after_backward(loss)
        optimizer.step()
    return recording.record.preflight.next_token


@pytest.mark.parametrize(
    ("tokens", "targets", "is_next"),
    [
        (ROWS, NEXT, True),
        (ROWS.T, NEXT.T, True),  # time first
        (ROWS, ROWS, False),
        (ROWS, NEXT.flip(0), False),
        (torch.zeros_like(ROWS), torch.zeros_like(ROWS), False),
    ],
)
def test_targets_that_are_the_next_tokens_along_either_axis_are_those_of_a_language_model(tokens, targets, is_next):
    assert of_criterion(tokens, targets) is is_next


@pytest.mark.parametrize(
    ("given", "is_next"),
    [((ROWS, NEXT), True), ((ROWS, ROWS), False), ({"tokens": ROWS, "labels": ROWS}, True)],
)
def test_targets_that_the_model_gets_are_compared_too(given, is_next):
    """With nanoGPT they are the next tokens; with Hugging Face the tokens, which the model shifts itself."""
    model = Reader()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    recording = watch(model, optimizer)
    for _ in range(2):
        found = model(**given) if isinstance(given, dict) else model(*given)
        (found["loss"] if isinstance(found, dict) else found[1]).backward()
        optimizer.step()
    recording.finish()
    assert recording.record.preflight.next_token is is_next
