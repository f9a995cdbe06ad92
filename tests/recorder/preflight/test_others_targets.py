"""Targets that are the next steps of other samples, and targets that may look like it and are sound."""

import pytest
import torch

from gradclinic_torch.preflight.others_targets import of_others

TEXT = torch.randint(30, (40, 13), generator=torch.Generator().manual_seed(0)).double()
INPUTS, NEXT = TEXT[:, :-1], TEXT[:, 1:]
LONG = torch.randint(30, (60,), generator=torch.Generator().manual_seed(1)).double()
WINDOWS = LONG.unfold(0, 12, 1)


def test_next_tokens_of_other_texts_are_counted():
    assert of_others(INPUTS, NEXT.roll(1, 0)) == 40
    assert of_others(INPUTS[:20], NEXT.roll(10, 0)[:20]) == 10  # the other texts are not among them


@pytest.mark.parametrize(
    ("inputs", "targets"),
    [
        (INPUTS, NEXT),  # its own
        (INPUTS, INPUTS.roll(1, 0)),  # whole inputs of others, as the next window
        (WINDOWS[:-3], WINDOWS[3:]),  # three steps ahead, in windows that overlap
        (torch.zeros(40, 12).double(), torch.zeros(40, 12).double()),  # padding
        (INPUTS[:, :7], NEXT[:, :7].roll(1, 0)),  # short
        (INPUTS, NEXT[:, :5].roll(1, 0)),
    ],
)
def test_targets_that_belong_to_their_inputs_or_may_do_so_are_none(inputs, targets):
    rows = min(len(inputs), len(targets))
    assert of_others(inputs[:rows], targets[:rows]) == 0
