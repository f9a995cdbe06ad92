import torch
from torch import nn

from gradclinic.remedies.base import refuse
from gradclinic.remedies.set_forget_bias import SetForgetBias

from .base import in_loop
from .loop import Loop


@in_loop.register
@torch.no_grad()
def set_forget_bias(remedy: SetForgetBias, loop: Loop) -> Loop:
    """Set the bias of the forget gates, which torch keeps as the second quarter of two vectors that it adds."""
    cells = [each for each in loop.model.modules() if isinstance(each, nn.LSTM | nn.LSTMCell) and each.bias]
    if not cells:
        raise refuse("the model has no LSTM with biases")
    for cell in cells:
        for name, bias in cell.named_parameters():
            if "bias" in name:
                gate = bias[cell.hidden_size : 2 * cell.hidden_size]
                gate.fill_(remedy.bias if "bias_ih" in name else 0.0)
    return loop.changed(
        "after building",
        "for cell in model.modules():",
        "    if isinstance(cell, (nn.LSTM, nn.LSTMCell)):",
        "        for name, bias in cell.named_parameters():",
        '            if "bias" in name:',
        "                gate = bias.data[cell.hidden_size : 2 * cell.hidden_size]",
        f'                gate.fill_({remedy.bias!r} if "bias_ih" in name else 0.0)',
    )
