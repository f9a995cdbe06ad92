"""What the previous version stored, as `tests/data/make_previous_version.py` made it."""

import lzma
from pathlib import Path

from gradclinic.store import migrate

DATA = Path(__file__).resolve().parents[1] / "data"


def unpacked(name: str) -> bytes:
    """The content of a packed file."""
    return lzma.decompress((DATA / name).read_bytes())


def database_in(folder: Path) -> None:
    """Its database, brought to today's schema, where a service looks for its own."""
    database = folder / "gradclinic.db"
    database.write_bytes(unpacked("previous_version.db.xz"))
    migrate.upgrade(f"sqlite:///{database}")
