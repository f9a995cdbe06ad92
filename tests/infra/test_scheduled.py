"""The weekly job, as far as it can be known right without a package index."""

import re
import subprocess
from pathlib import Path


def test_the_weekly_job_can_be_read_by_bash_and_pins_its_tools(checkout: Path):
    job = checkout / ".ci" / "scheduled"
    assert job.stat().st_mode & 0o111
    subprocess.run(["bash", "-n", str(job)], check=True)
    (tools,) = re.findall(r"install --quiet (\S+==.*)", job.read_text())
    assert all(re.fullmatch(r"[a-z-]+==[\d.]+", tool) for tool in tools.split())
    assert "/audit/" in (checkout / ".gitignore").read_text().splitlines()
