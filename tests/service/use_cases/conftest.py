from collections.abc import Iterator
from pathlib import Path

import pytest

from gradclinic.settings import Settings
from gradclinic.use_cases.service import Service

from ..api.serving import NOBODY


@pytest.fixture
def service(sqlite_url: str, tmp_path: Path) -> Iterator[Service]:
    made = Service.of(Settings(data_dir=tmp_path, database_url=sqlite_url, broker_url=NOBODY))
    yield made
    made.close()
