"""Rules are tested with the order of their own remedies, whatever was measured."""

from collections.abc import Iterator

import pytest

from gradclinic.diagnosis import suggestions
from gradclinic.remedies.evidence import Evidence


@pytest.fixture(scope="package", autouse=True)
def nothing_measured() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(suggestions, "measured", lambda: Evidence({}, {}))
        yield
