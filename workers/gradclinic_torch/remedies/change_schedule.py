from dataclasses import replace

from gradclinic.remedies.base import refuse
from gradclinic.remedies.change_schedule import ChangeSchedule

from .base import in_loop
from .loop import Loop


@in_loop.register
def change_schedule(remedy: ChangeSchedule, loop: Loop) -> Loop:
    """Use another schedule of the learning rate."""
    if loop.schedule == remedy.schedule:
        raise refuse(f"the schedule is already {remedy.schedule.kind} with these fields")
    return replace(loop, schedule=remedy.schedule)
