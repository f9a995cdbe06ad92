from gradclinic.remedies.clip_gradients import ClipGradients

from .programs import check, loop, refusal


def test_gradients_are_clipped_before_the_step():
    check(ClipGradients(by="norm", threshold=0.05))
    check(ClipGradients(by="value", threshold=0.001))


def test_what_torch_has_no_function_for_and_the_same_clipping_are_refused():
    assert "torch has no adaptive clipping" in refusal(ClipGradients(by="adaptive"))
    clipped = loop(clipping=ClipGradients().clipping())
    assert refusal(ClipGradients(), to=clipped) == "the gradient is already clipped by norm at this threshold"
