"""Records a training loop of one's own, and has it diagnosed like a run of the service.

    from gradclinic_torch import Recording

    with Recording(model, optimizer, criterion, to="http://127.0.0.1:8000") as recording:
        for inputs, targets in batches:
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            recording.after_backward(loss)     # before any clipping
            optimizer.step()

It needs torch (any version that the training uses, tested with the one of `gradclinic[worker]`) and nothing else of the
workers. It finds what it records for by itself: the outputs of linear and convolutional layers, after the norm that
follows and before the activation, modules that add their input to what they make of it, and recurrent cells. It never
changes the training, and never ends it.
"""

from .recording import Recording

__all__ = ["Recording"]
