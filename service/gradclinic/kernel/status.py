"""The states and sources of a run, and the states of resources that consist of runs."""

from typing import Literal

RunStatus = Literal["queued", "running", "succeeded", "failed", "canceled", "expired"]
StudyStatus = Literal["running", "succeeded", "failed", "canceled"]
"""State of a study, a prescription or a check; it is running until all its runs have ended."""

RunSource = Literal["own", "recording", "study", "prescription", "check"]
"""What asked for a run. `own`: nothing else, it was posted or recorded as a run; `recording`: those of it that an
external program recorded."""

Retention = Literal["raw", "thinned", "summary"]
"""What is stored of the statistics of a run: all, a bounded number of steps of each, or only those of the whole run."""

ENDED: tuple[RunStatus, ...] = ("succeeded", "failed", "canceled", "expired")
"""The final states of a run."""
