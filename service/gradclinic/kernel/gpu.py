"""The GPUs that this process may use, found without torch."""

import os
import re
import subprocess
from itertools import takewhile
from pathlib import Path

LISTING_S = 20.0
"""Seconds after which nvidia-smi counts as hanging."""
_LISTED = re.compile(r"^(?P<slice>\s*)(?:GPU|MIG)\b.*\(UUID: (?P<uuid>[^)]+)\)", re.MULTILINE)


def visible_gpus(device_folder: Path = Path("/dev")) -> list[str]:
    """One value of CUDA_VISIBLE_DEVICES for each GPU, or for each slice of a GPU that is divided (MIG).

    They come from CUDA_VISIBLE_DEVICES if that is set, and otherwise from nvidia-smi. Without nvidia-smi, the device
    files are only counted: their numbers are not CUDA's, which always start at 0.
    """
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return list(takewhile(lambda name: name not in {"", "-1"}, (name.strip() for name in chosen.split(","))))
    listed = _listed_by_nvidia_smi()
    if listed is not None:
        return listed
    if (device_folder / "dxg").exists():  # Windows Subsystem for Linux
        return ["0"]
    return [str(number) for number, _ in enumerate(device_folder.glob("nvidia[0-9]*"))]


def _listed_by_nvidia_smi() -> list[str] | None:
    """The UUIDs; None if the program is missing or fails."""
    try:
        answer = subprocess.run(
            ["nvidia-smi", "-L"],  # noqa: S607  # it is found where the driver's package put it
            capture_output=True,
            text=True,
            timeout=LISTING_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return uuids_in(answer.stdout)


def uuids_in(listing: str) -> list[str]:
    """The UUIDs in the output of `nvidia-smi -L`; those of its slices instead of a divided GPU's own."""
    found: list[str] = []
    for line in _LISTED.finditer(listing):
        if line["slice"] and found and found[-1].startswith("GPU-"):
            found.pop()
        found.append(line["uuid"])
    return found
