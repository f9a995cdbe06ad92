"""Every remedy is either applied to a program's own model, by a file with a test, or refused with a reason."""

from pathlib import Path

import pytest

from gradclinic.remedies import REMEDIES
from gradclinic.remedies.network import Network
from gradclinic.remedies.pool import pool
from gradclinic_torch import remedies
from gradclinic_torch.remedies import in_loop

from .programs import loop, refusal

KINDS = {kind: cls for kind, cls in REMEDIES.items() if cls in in_loop.registry}
NETWORK = Network(recurrent=False, transformer=False, bounded=True, linear=False, depth=3)
FOLDER = Path(remedies.__file__).parent


@pytest.mark.parametrize("kind", KINDS)
def test_a_remedy_has_a_file_and_a_test_of_its_name(kind: str) -> None:
    assert (FOLDER / f"{kind}.py").exists()
    assert Path(__file__).with_name(f"test_{kind}.py").exists()


def test_what_rewrites_a_declared_network_is_refused_with_this_reason() -> None:
    others = [each for each in pool(NETWORK).values() if type(each) not in in_loop.registry]
    assert others
    for remedy in others:
        assert "cannot be applied to a program's own model" in refusal(remedy, to=loop())
