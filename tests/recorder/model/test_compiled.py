"""A recording of a model that torch.compile was given."""

import logging

import pytest
import torch
from torch import nn

from gradclinic_torch import Recording

from ..loops import digits, mlp, same, weights_of

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:torch")
"""torch looks at the gradients of tensors between two graphs, and hides the warning that this gives."""


def trained(how: str, *, record: str, fullgraph: bool = False) -> tuple[list[torch.Tensor], Recording | None]:
    torch._dynamo.reset()
    model, criterion = mlp(depth=3), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    called = torch.compile(model, backend=how, fullgraph=fullgraph) if how else model
    batches = digits(steps=6, batch_size=16)
    if record == "late":
        called(batches[0][0])
    recording = None if record == "no" else Recording(model if record == "inner" else called, optimizer, criterion)
    for inputs, targets in batches:
        optimizer.zero_grad()
        loss = criterion(called(inputs), targets)
        loss.backward()
        if recording is not None:
            recording.after_backward(loss)
        optimizer.step()
    if recording is not None:
        recording.finish()
    return weights_of(model), recording


@pytest.mark.parametrize(("record", "how"), [("wrapper", "eager"), ("inner", "eager"), ("wrapper", "aot_eager")])
def test_a_compiled_model_has_the_sites_of_the_model_that_was_compiled(record: str, how: str) -> None:
    """Behind `aot_eager`, as behind `inductor`, autograd sees each compiled graph as one operation."""
    weights, recording = trained(how, record=record)
    assert recording is not None
    assert recording.over is None
    assert [site.name for site in recording.record.sites] == ["0", "2", "4"]
    assert [weight.name for weight in recording.record.weights] == ["0", "2", "4", "6"]
    assert same(weights, trained(how, record="no")[0])


@pytest.mark.parametrize("record", ["wrapper", "inner"])
def test_a_model_compiled_as_one_whole_graph_trains_on_and_the_record_says_what_is_missing(record: str) -> None:
    weights, recording = trained("eager", record=record, fullgraph=True)
    assert recording is not None
    assert recording.over is None
    assert recording.record.sites == ()
    assert "compiled" in recording.record.environment["notes"][0]
    assert len(recording.record.get("weight_grad_norm_l2")) == 6
    assert same(weights, trained("eager", record="no", fullgraph=True)[0])


def test_a_model_that_was_compiled_and_called_before_is_recorded_and_a_note_says_whether_sites_are_missing() -> None:
    """Where hooks were added, torch 2.4 compiles again, and later ones do not."""
    weights, recording = trained("eager", record="late")
    assert recording is not None
    missing = any("compiled" in note for note in recording.record.environment["notes"])
    assert [site.name for site in recording.record.sites] == ([] if missing else ["0", "2", "4"])
    assert same(weights, trained("eager", record="no")[0])


def test_an_error_in_any_hook_leaves_the_training_as_it_is(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from gradclinic_torch.attach import observer
    from gradclinic_torch.model import hooks
    from gradclinic_torch.non_finite import origin
    from gradclinic_torch.preflight import first_batches

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("injected")

    caplog.set_level(logging.CRITICAL)
    plain = trained("", record="no")[0]
    for place, name in [
        (hooks, "first_tensor"),
        (hooks, "_with_gradient"),
        (hooks.Watch, "_entered"),
        (hooks.Watch, "_left"),
        (observer.Observer, "after_backward"),
        (observer.Observer, "before_step"),
        (observer.Observer, "after_step"),
        (observer.Observer, "end"),
        (origin.LastBatch, "before_forward"),
        (origin.LastBatch, "after_forward"),
        (origin.LastBatch, "after_loss"),
        (origin.LastBatch, "after_backward"),
        (origin.LastBatch, "origin"),
        (first_batches.FirstLook, "before_forward"),
        (first_batches.FirstLook, "after_loss"),
        (observer.Taps, "leaves"),
        (observer.Spikes, "called"),
        (observer.Spikes, "saw"),
        (observer, "own_statistics"),
        (observer.Observer, "saw_loss"),
        (observer.Discovery, "find"),
        (observer.Discovery, "leaves"),
        (observer.Discovery, "enters"),
    ]:
        with monkeypatch.context() as patch:
            patch.setattr(place, name, fails)
            assert same(plain, trained("", record="wrapper")[0]), name
