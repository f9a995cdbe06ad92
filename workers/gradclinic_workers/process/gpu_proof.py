"""Whether this process's GPU can compute. Run as a program, it prints why not and ends with status 1."""

import subprocess
import sys

from gradclinic.kernel.errors import SetupFailed

PROOF_S = 180.0
"""Seconds for importing torch, starting CUDA and one small product; a GPU that takes longer hangs."""


def fault_of_gpu() -> str | None:
    """Why the GPU cannot be used, in torch's words; None if it can.

    It is tried in another process: torch stays out of this one, and a driver that hangs cannot hold it.
    """
    try:
        tried = subprocess.run(  # noqa: S603  # our own module
            [sys.executable, "-m", __name__], capture_output=True, text=True, timeout=PROOF_S, check=False
        )
    except subprocess.TimeoutExpired:
        return f"the GPU has not computed one small product within {PROOF_S:g} s"
    if tried.returncode == 0:
        return None
    said = (tried.stdout.strip() or tried.stderr.strip()).splitlines()
    return said[-1] if said else f"the GPU ended the process that tried it (status {tried.returncode})"


def main() -> int:
    """Try it here."""
    from ..train import device

    try:
        device.prove("cuda")
    except SetupFailed as error:
        sys.stdout.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
