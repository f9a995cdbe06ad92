"""The states of a run, and those of whatever consists of runs."""

from typing import Literal

RunStatus = Literal["queued", "running", "succeeded", "failed", "canceled", "expired"]
StudyStatus = Literal["running", "succeeded", "failed", "canceled"]
"""Of a study, a prescription or a check: it runs until all of its runs have ended."""

ENDED: tuple[RunStatus, ...] = ("succeeded", "failed", "canceled", "expired")
"""The states that a run never leaves."""
