from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from gradclinic.remedies.base import refuse
from gradclinic.remedies.replace_batch_norm import ReplaceBatchNorm

from .base import in_loop
from .loop import Loop
from .replacing import is_sound, names_of, replace_all, replacing_code


@in_loop.register
def replace_batch_norm(remedy: ReplaceBatchNorm, loop: Loop) -> Loop:
    """Put a group norm in the place of each batch norm, with its scale and shift; one group is a layer norm."""
    groups = 1 if remedy.norm == "layer_norm" else remedy.groups
    norms = [each for each in loop.model.modules() if isinstance(each, _BatchNorm)]
    if not norms:
        raise refuse("the model has no batch norm")
    uneven = next((each.num_features for each in norms if each.num_features % groups), None)
    if uneven is not None:
        raise refuse(f"{groups} groups do not divide the {uneven} units or channels of a batch norm")
    names = names_of(loop.model, norms)
    replace_all(loop.model, {norm: _with_scale(norm, groups) for norm in norms})
    is_sound(loop)
    return loop.changed(
        "after building",
        *replacing_code(
            names,
            f"new = nn.GroupNorm({groups}, old.num_features, eps=old.eps, affine=old.affine)",
            "new.weight, new.bias = old.weight, old.bias  # the optimizer has these already",
        ),
    )


def _with_scale(old: _BatchNorm, groups: int) -> nn.Module:
    new = nn.GroupNorm(groups, old.num_features, eps=old.eps, affine=old.affine)
    new.weight, new.bias = old.weight, old.bias
    return new.train(old.training)
