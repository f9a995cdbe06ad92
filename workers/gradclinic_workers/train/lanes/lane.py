"""One run of an ensemble."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from gradclinic.experiments.experiment import Experiment

from ..fit import Fit
from ..reporter import Reporter


class Lane:
    """A run as it is trained alone, with its own copy of torch's generator, which lanes would otherwise share."""

    def __init__(self, index: int, experiment: Experiment, *, reporter: Reporter, record: bool) -> None:
        self.index = index
        """Its place in what was asked for."""
        self.fit = Fit(experiment, device="cpu", reporter=reporter, record=record)
        self.noise = torch.Generator()
        self.noise.set_state(torch.random.get_rng_state())

    @contextmanager
    def alone(self) -> Iterator[Fit]:
        """The run as a lone one, which draws from torch's generator; what it draws continues the lane's own."""
        torch.random.set_rng_state(self.noise.get_state())
        yield self.fit
        self.noise.set_state(torch.random.get_rng_state())

    @property
    def step(self) -> int:
        """Steps done."""
        return self.fit.progress.step

    @property
    def settings(self) -> str:
        """What the update of its weights depends on; lanes that agree in it are updated together."""
        experiment, training = self.fit.experiment, self.fit.experiment.training
        declared = experiment.optimizer.model_dump_json(), experiment.schedule.model_dump_json()
        return f"{declared} {training.steps} {self.step}"

    @property
    def learning_rate(self) -> float:
        """The learning rate of its next step."""
        experiment = self.fit.experiment
        return experiment.optimizer.learning_rate * experiment.schedule.factor(self.step, experiment.training.steps)
