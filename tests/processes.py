"""Which processes belong to a service, told by the data folder in their environment, or as their own folder.

Valkey writes its title over its environment, but works inside the data folder.
"""

from pathlib import Path

import psutil


def processes_of(data_dir: Path) -> list[psutil.Process]:
    """Every living process that was started for a data folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            told = process.environ().get("GRADCLINIC_DATA_DIR") == str(data_dir)
            if told or Path(process.cwd()).is_relative_to(data_dir):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return found


def named(data_dir: Path, part: str) -> list[psutil.Process]:
    """Those of them whose command line has a part."""
    found = []
    for process in processes_of(data_dir):
        try:
            if part in " ".join(process.cmdline()):
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found
