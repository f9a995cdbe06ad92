import torch
from torch import nn

from gradclinic.remedies.grow_batch import GrowBatch
from gradclinic_torch.trial.batches import repeated

from .programs import applied, batches, loop, refusal


def test_several_batches_become_the_batch_of_a_step():
    found = applied(GrowBatch(factor=2), GrowBatch(factor=2))
    assert found.joined == 4
    data = batches(6)
    first, second = list(repeated(data, seed=0, steps=2, joined=2))
    assert torch.equal(first[0], torch.cat([data[0][0], data[1][0]]))
    assert torch.equal(second[1], torch.cat([data[2][1], data[3][1]]))


def test_batches_of_any_form_are_joined():
    one = {"x": torch.ones(2, 3), "more": [torch.zeros(2)]}
    (found,) = repeated([one, one], seed=0, steps=1, joined=2)
    assert (found["x"].shape, found["more"][0].shape) == ((4, 3), (4,))


def test_batches_that_cannot_be_joined_are_refused():
    made = loop()
    text = loop(batch=(made.batch[0], "text"))
    object.__setattr__(text, "loss", nn.CrossEntropyLoss())
    assert "cannot be joined" in refusal(GrowBatch(), to=text)
