"""What stands out in a lane is what stands out in its lone run."""

import numpy as np

from gradclinic.experiments.experiment import RecordingPlan
from gradclinic_torch.measure.recording_steps import RecordingSteps
from gradclinic_workers.train.lanes.levels import LaneLevels

LANES, STEPS = 6, 400


def plans() -> list[RecordingSteps]:
    return [RecordingSteps(RecordingPlan(adaptive=lane != 5), STEPS) for lane in range(LANES)]


def test_plans_are_told_at_the_same_steps_and_keep_the_same_levels() -> None:
    random = np.random.default_rng(3)
    shown = random.lognormal(0.0, 0.1, (STEPS, LANES, 2)) * np.where(random.random((STEPS, LANES, 1)) < 0.02, 9.0, 1.0)
    alone, together = plans(), plans()
    levels = LaneLevels(together)
    for step in range(STEPS):
        places = [lane for lane in range(LANES) if (step + lane) % 7]  # some lanes are not seen at every step
        for lane in places:
            loss, norm = shown[step, lane].tolist()
            alone[lane].saw(step, loss=loss, grad_norm=norm)
        levels.saw(places, [step] * LANES, shown[step])
        assert [each.alarmed(step + 1) for each in together] == [each.alarmed(step + 1) for each in alone]
        if step in (20, 150):
            levels.hand_over()
            levels = LaneLevels(together)
    levels.hand_over()
    assert [each.state() for each in together] == [each.state() for each in alone]
    assert sum(each.state()[2][0] for each in alone) > 2
