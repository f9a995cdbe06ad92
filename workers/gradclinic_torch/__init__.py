"""Records your own training loop, which is then diagnosed like a run of the service.

    from gradclinic_torch import Recording

    with Recording(model, optimizer, criterion, to="http://127.0.0.1:8000") as recording:
        for inputs, targets in batches:
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            recording.after_backward(loss)     # before any clipping
            optimizer.step()

It needs torch 2.4 or newer (tested most with the version of `gradclinic[worker]`), but not the workers. It finds by
itself the outputs of linear and convolutional layers (after a norm and before the activation), residual blocks, and
recurrent cells. It never changes the training, and never stops it.

`study` trains your model with several remedies, here, and compares them:

    from gradclinic import Clinic
    from gradclinic_torch import study

    def build():
        model = Net()
        return model, torch.optim.SGD(model.parameters(), lr=0.5), nn.CrossEntropyLoss()

    found = study(Clinic(), build, loader, {"lower": ["lower_learning_rate"], "relu": ["swap_activation"]})
    print(found.comparison())

`prescribe` finds out which remedies to try, and stops at the first one that cures it.
"""

from typing import TYPE_CHECKING

from .recording import Recording
from .watch import watch

if TYPE_CHECKING:
    from .trial.prescription import prescribe
    from .trial.study import study

__all__ = ["Recording", "prescribe", "study", "watch"]


def __getattr__(name: str) -> object:
    """`study` and `prescribe`, imported when they are used: a recording needs neither them nor the client."""
    if name == "study":
        from .trial.study import study

        return study
    if name == "prescribe":
        from .trial.prescription import prescribe

        return prescribe
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
