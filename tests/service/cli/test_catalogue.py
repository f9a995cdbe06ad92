"""The command catalogue."""

import json

from .command import gradclinic, refused


def test_the_catalogue_needs_no_service() -> None:
    shown = gradclinic("catalogue", "remedies").stdout.splitlines()
    assert shown[0] == "remedies"
    assert shown[1].split()[0] == "swap_activation"
    assert json.loads(gradclinic("catalogue", "rules", "--json").stdout)["rules"]
    assert "activations" in refused(gradclinic("catalogue", "beauty"), 2)
