"""Whether a loss of the program's own compares every output with every target, because their shapes differ.

Outputs [n, 1] and targets [n] broadcast to [n, n] in `(outputs - targets) ** 2`. A loss may also bring them to one
shape itself. To tell, a copy of it is called with the first batch in equal shapes, both [n, 1] and both [n].
"""

from torch import Tensor, nn

from .own_loss import are_equal, values_of


def broadcasts(criterion: nn.Module, outputs: Tensor, targets: Tensor, value: Tensor) -> bool:
    """Whether the loss is another one if both have the same shape, whichever of the two shapes that is."""
    if not _may_be(outputs, targets):
        return False
    pairs = [(outputs.detach().reshape(shape), targets.reshape(shape)) for shape in ((-1,), (-1, 1))]
    found = values_of(criterion, outputs, targets, pairs, known=value)
    return found is not None and are_equal(*found) and not are_equal(found[0], value)


def _may_be(outputs: Tensor, targets: Tensor) -> bool:
    """Whether one is a column and the other a row of as many numbers."""
    count = outputs.numel()
    shapes = ((count, 1), (count,))
    return targets.is_floating_point() and count > 1 and (outputs.shape, targets.shape) in (shapes, shapes[::-1])
