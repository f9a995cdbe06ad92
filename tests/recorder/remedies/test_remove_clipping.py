from gradclinic.experiments.clipping.norm import NormClipping
from gradclinic.remedies.remove_clipping import RemoveClipping
from gradclinic_torch.remedies.loop import code_between

from .programs import applied, loop, refusal


def test_gradients_are_not_clipped_any_more():
    before = loop(clipping=NormClipping(max_norm=1.0))
    found = applied(RemoveClipping(), to=before)
    assert found.clipping is None
    assert "# do not clip the gradients" in code_between(before, found)


def test_a_loop_without_clipping_is_refused():
    assert refusal(RemoveClipping()) == "the gradient is not clipped"
