"""The recorder's plan: which steps are recorded, and how fully. Pure functions of the step."""

from dataclasses import dataclass

from gradclinic.experiment import Recording

PROBES = 60
"""A run's probe loss is measured about this often."""


@dataclass(frozen=True)
class Plan:
    """Which statistics are recorded at which step of a run."""

    recording: Recording
    steps: int

    def full(self, step: int) -> bool:
        """Whether all statistics are recorded at this step."""
        return step < self.recording.dense_until or step % self.recording.full_every == 0

    def basic(self, step: int) -> bool:
        """Whether the basic statistics are recorded at this step."""
        return self.full(step) or step % self.recording.every == 0

    def probe(self, step: int) -> bool:
        """Whether the probe batch is measured before this step; also after the last."""
        return step % max(1, self.steps // PROBES) == 0 or step == self.steps
