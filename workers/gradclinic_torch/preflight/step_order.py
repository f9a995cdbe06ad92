"""Checks which steps of a sequence a recurrent network or an attention sees, and whether the latter tells their order.

Before the first step of training, a copy of the model, in evaluation mode, is called with a few samples: as they are,
with their inner steps in another order, and with their inner steps, their last or their first replaced. A language
model whose mask hides later steps then is called once more as in training. The model itself is not called, and no
generator advances.
"""

from collections.abc import Callable, Mapping
from math import inf
from typing import Any, Literal

import torch
from torch import Tensor, nn

from gradclinic.measurements.preflight import OrderFacts

from ..model.generator import kept_generators
from ..model.hooks import first_tensor
from ..model.module_kinds import is_attention
from .model_copy import Arguments, Look, copied, few_of, may_be_copied, output_of, with_tensors

SAMPLES = 8
"""Maximum number of samples that the copy is called with."""
FEWEST_STEPS = 5
"""Three inner steps can be turned round without a step that stays."""
_UNCHANGED = 1e-4
"""Largest change of the outputs, over their range, that is rounding: sums over the steps in another order."""
_RECURRENT = (nn.RNNBase, nn.RNNCellBase)
_CHANGED = 1e-3
"""Least change, likewise, that other inner steps must make at the last step: else it sees none of them."""


class StepOrder:
    """Keeps the first batch of a training until it has been checked."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._arguments: Arguments | None = None
        self._targets: Tensor | None = None
        self._done = not any(is_attention(module) or isinstance(module, _RECURRENT) for module in model.modules())

    def before_forward(self, args: tuple[Any, ...], kwargs: Mapping[str, object]) -> None:
        """The model is about to be called."""
        if not self._done and self._arguments is None:
            self._arguments = (args, kwargs)

    def after_loss(self, targets: Any) -> None:
        """The criterion was called."""
        if not self._done and self._targets is None and isinstance(targets, Tensor):
            self._targets = targets.detach()

    def facts(self) -> OrderFacts | None:
        """What the first batch shows, looked at once; None without attention over steps, or if it cannot be told."""
        arguments, targets = self._arguments, self._targets
        self._arguments = self._targets = None
        if self._done or arguments is None:
            return None
        self._done = True
        try:
            return _facts(self._model, arguments, targets)
        except Exception:  # noqa: BLE001  # a model need not take so few samples, nor be copied
            return None


def _facts(model: nn.Module, arguments: Arguments, targets: Tensor | None) -> OrderFacts | None:
    inputs = first_tensor((*arguments[0], *arguments[1].values()))
    if inputs is None or inputs.ndim != (3 if inputs.is_floating_point() else 2) or not may_be_copied(model):
        return None
    count, steps = len(inputs), inputs.shape[1]
    if count < 2 or steps < FEWEST_STEPS:  # steps are taken from another sample
        return None
    few, device = min(SAMPLES, count), inputs.device
    given = few_of(arguments, count, few)
    alone = copied(model).eval()
    before = output_of(alone, given, device)
    if before is None or len(before) != few:
        return None
    by_sample = targets is not None and targets.ndim == 1 and len(targets) == count  # as many classes as steps
    axes = [axis for axis in range(1, before.ndim) if before.shape[axis] == steps and not by_sample]
    look = _Look(alone, given, before, device)
    attends = any(is_attention(module) for module in model.modules())
    if attends and not axes and _hides_content(alone, given, inputs[:few], device):
        return OrderFacts(steps=steps, blind=False, sees_later=None, predicts_next=False, content_hidden=True)
    only = look.only_step(inputs[:few]) if not axes else None
    if not attends:
        only = None if only == "last" else only  # a recurrence may forget all but the last step
        cut = not axes and only is None and _is_cut(alone, given, device)
        copies = len(axes) == 1 and look.repeats(inputs, targets, axes[0])
        return OrderFacts(
            steps=steps,
            blind=False,
            sees_later=None,
            predicts_next=False,
            sees_only=only,
            repeats_input=copies,
            padding=_padding(inputs),
            spread=None if axes else look.spread,
            cut=cut,
        )
    return _of_attention(look, inputs, targets, axes, only=only)


def _of_attention(
    look: "_Look", inputs: Tensor, targets: Tensor | None, axes: list[int], *, only: Literal["first", "last"] | None
) -> OrderFacts | None:
    before, steps, range_ = look.before, inputs.shape[1], look.range
    inner = [0, *range(2, steps - 1), 1, steps - 1]  # the ends stay: outputs are often read there
    turned, replaced = look.with_other(lambda rows: rows[:, inner]), look.with_other(_with_other_step(-1))
    others = look.with_other(_with_other_inner_steps)
    if turned is None or replaced is None or others is None:
        return None
    reached = (others - before).abs()
    if len(axes) == 1:
        reached = reached.movedim(axes[0], 0)[-1]
    if range_ <= 0 or (float(reached.max()) < _CHANGED * range_ and only is None):
        return None
    same_place = torch.tensor(inner, device=before.device)
    candidates = [before, *(before.index_select(axis, same_place) for axis in axes)]
    blind = any(float((turned - each).abs().max()) <= _UNCHANGED * range_ for each in candidates)
    sees_later = _reaches_earlier(before, replaced, axes[0], range_) if len(axes) == 1 else None
    predicts_next = _is_next(inputs, targets)
    unmasked = predicts_next and sees_later is False and _sees_later_in_training(look, axes[0])
    return OrderFacts(
        steps=steps,
        blind=blind and only is None,
        sees_later=sees_later or unmasked if sees_later is not None else None,
        in_training_only=unmasked,
        predicts_next=predicts_next,
        sees_only=only,
        repeats_input=len(axes) == 1 and look.repeats(inputs, targets, axes[0]),
    )


def _sees_later_in_training(look: "_Look", axis: int) -> bool:
    """Whether the copy, as in training, sees later steps. Each call draws the same noise, as that of dropout."""
    for module in look.model.train().modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()  # else samples are mixed
    before = output_of(look.model, look.given, look.device)
    replaced = look.with_other(_with_other_step(-1))
    if before is None or replaced is None or before.shape != replaced.shape:
        return False
    return _reaches_earlier(before, replaced, axis, float(before.max() - before.min())) is True


class _Look(Look):
    """What outputs change with, of the steps of the samples."""

    def with_other(self, change: Callable[[Tensor], Tensor]) -> Tensor | None:
        """The outputs with the first tensor changed."""
        return self.after(_with_first(self.given, change))

    def only_step(self, inputs: Tensor) -> Literal["first", "last"] | None:
        """Which of the two ends the outputs change with, where they change with nothing else.

        None where the inner steps of all samples are equal, as those of padding, or where samples are mixed: what looks
        like a step may be a sample then.
        """
        if torch.equal(inputs[:, 1:-1], inputs[:, 1:-1].roll(1, 0)):
            return None
        changed = [self._change(each) for each in (_with_other_step(0), _with_other_inner_steps, _with_other_step(-1))]
        if changed[1] > _UNCHANGED or self._change(_with_other_sample, skip=1) > _UNCHANGED:
            return None
        if changed[0] >= _CHANGED and changed[2] <= _UNCHANGED:
            return "first"
        return "last" if changed[2] >= _CHANGED and changed[0] <= _UNCHANGED else None

    @property
    def spread(self) -> float | None:
        """The largest difference between the outputs of two samples, relative to the outputs; None if all are 0."""
        size = float(self.before.abs().max())
        return float((self.before.amax(0) - self.before.amin(0)).max()) / size if size > 0 else None

    def repeats(self, inputs: Tensor, targets: Tensor | None, axis: int) -> bool:
        """Whether each target is the input of its own step, in outputs that no later step changes."""
        if targets is None or targets.shape != inputs.shape or not torch.equal(targets, inputs):
            return False
        replaced = self.with_other(_with_other_step(-1))
        return replaced is not None and _reaches_earlier(self.before, replaced, axis, self.range) is False

    def _change(self, change: Callable[[Tensor], Tensor], *, skip: int = 0) -> float:
        """The largest change of the outputs after the first `skip` samples, over the range; infinite if unknown."""
        after = self.with_other(change)
        return inf if after is None or self.range <= 0 else float((after - self.before)[skip:].abs().max()) / self.range


def _padding(rows: Tensor) -> float:
    """Mean fraction of the steps of a sample that are padding: the step that all samples end with, from its end on."""
    count, steps = rows.shape[:2]
    flat = rows.reshape(count, steps, -1)
    if not bool((flat[:, -1] == flat[0, -1]).all()):
        return 0.0
    content = (flat != flat[:1, -1:]).any(2)
    after = content.int().flip(1).argmax(1)
    return float(torch.where(content.any(1), after, steps).double().mean()) / steps


def _hides_content(model: nn.Module, arguments: Arguments, rows: Tensor, device: torch.device) -> bool:
    """Whether the gradient of the outputs reaches steps that are alike in all samples, and none of the others.

    Alike are the steps that are equal in all samples at their place, and padding, which all samples end with.
    """
    flat = rows.reshape(*rows.shape[:2], -1)
    ends_alike = bool((flat[:, -1] == flat[0, -1]).all())
    content = (flat != flat[:1]).any(2).any(0) & ((flat != flat[:, -1:]).any(2) | (not ends_alike))
    gradient = _gradient_to_steps(model, arguments, rows, device)
    if gradient is None or not bool(content.any()) or not bool(gradient.any()):
        return False
    return not bool(gradient[content].any())


def _gradient_to_steps(model: nn.Module, arguments: Arguments, rows: Tensor, device: torch.device) -> Tensor | None:
    """[samples, steps, features]: that of the outputs to the steps, or to what an embedding makes of them."""
    leaves: list[Tensor] = []

    def cut(_: nn.Module, given: tuple[Any, ...], output: Tensor) -> Tensor | None:
        if not given or given[0].shape != rows.shape or not torch.equal(given[0], rows):
            return None
        leaves.append(output.detach().requires_grad_())
        return leaves[-1]

    handles = [each.register_forward_hook(cut) for each in model.modules() if isinstance(each, nn.Embedding)]
    if rows.is_floating_point():
        leaves.append(rows.detach().clone().requires_grad_())
        arguments = _with_first(arguments, lambda _: leaves[0])
    try:
        with kept_generators(device), torch.enable_grad(), torch.backends.cudnn.flags(enabled=False):
            outputs = first_tensor(model(*arguments[0], **arguments[1]))
            if outputs is None or outputs.grad_fn is None or not leaves:
                return None
            weights = torch.linspace(0.5, 1.5, outputs.numel(), device=outputs.device)  # a softmax fixes the plain sum
            found = torch.autograd.grad((outputs.flatten() * weights).sum(), leaves, allow_unused=True)
    finally:
        for handle in handles:
            handle.remove()
    known = [each for each in found if each is not None]
    return torch.stack([each.abs().sum(2) for each in known]).sum(0)[:, :, None] if known else None


def _is_cut(model: nn.Module, arguments: Arguments, device: torch.device) -> bool:
    """Whether the gradient of the outputs reaches the last step and no other; False where inputs are no numbers."""
    inputs = first_tensor((*arguments[0], *arguments[1].values()))
    if inputs is None or not inputs.is_floating_point():
        return False
    leaf = inputs.detach().clone().requires_grad_()
    args, kwargs = _with_first(arguments, lambda _: leaf)
    with kept_generators(device), torch.enable_grad(), torch.backends.cudnn.flags(enabled=False):  # it has no eval mode
        outputs = first_tensor(model(*args, **kwargs))
        if outputs is None or outputs.grad_fn is None:
            return False
        weights = torch.linspace(0.5, 1.5, outputs.numel(), device=outputs.device)  # a softmax fixes the plain sum
        (gradient,) = torch.autograd.grad((outputs.flatten() * weights).sum(), leaf, allow_unused=True)
    return gradient is not None and bool(gradient[:, -1].any()) and not bool(gradient[:, :-1].any())


def _with_first(arguments: Arguments, change: Callable[[Tensor], Tensor]) -> Arguments:
    """The arguments with their first tensor changed."""
    first = first_tensor((*arguments[0], *arguments[1].values()))

    def only_first(tensor: Tensor) -> Tensor:
        return change(tensor) if tensor is first else tensor

    return with_tensors(arguments, only_first)


def _with_other_inner_steps(rows: Tensor) -> Tensor:
    """The rows with all but the first and last step of the row before."""
    other = rows.clone()
    other[:, 1:-1] = rows[:, 1:-1].roll(1, 0)
    return other


def _with_other_step(step: int) -> Callable[[Tensor], Tensor]:
    """Takes one step of each row from the row before."""

    def changed(rows: Tensor) -> Tensor:
        other = rows.clone()
        other[:, step] = rows[:, step].roll(1, 0)
        return other

    return changed


def _with_other_sample(rows: Tensor) -> Tensor:
    """The rows with the last in place of the first."""
    return torch.cat([rows[-1:], rows[1:]])


def _reaches_earlier(before: Tensor, after: Tensor, axis: int, range_: float) -> bool | None:
    """Whether outputs at earlier steps change with the last step's input; None if none changes at all."""
    change = (after - before).abs().movedim(axis, 0).flatten(1).amax(1)
    if float(change.max()) < _CHANGED * range_:
        return None
    return bool(float(change[:-1].max()) > _UNCHANGED * range_)


def _is_next(inputs: Tensor, targets: Tensor | None) -> bool:
    """Whether the target of each step is the input of the next; one row of targets for each step, or all in a row."""
    if targets is None or inputs.is_floating_point() or targets.is_floating_point():
        return False
    if targets.numel() != inputs.numel():
        return False
    known = targets.reshape(inputs.shape)[:, :-1] == inputs[:, 1:]
    return bool(known.double().mean() > _ALMOST_ALL) and not bool(torch.equal(targets.reshape(inputs.shape), inputs))


_ALMOST_ALL = 0.9
"""Fraction of targets that are the next input; the others may be padding that is ignored."""
