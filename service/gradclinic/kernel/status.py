"""The states of a run, and of resources that consist of runs."""

from typing import Literal

RunStatus = Literal["queued", "running", "succeeded", "failed", "canceled", "expired"]
StudyStatus = Literal["running", "succeeded", "failed", "canceled"]
"""State of a study, a prescription or a check; it is running until all its runs have ended."""

ENDED: tuple[RunStatus, ...] = ("succeeded", "failed", "canceled", "expired")
"""The final states of a run."""
