"""The command catalogue."""

import json

from .command import gradclinic, refused


def test_the_catalogue_needs_no_service() -> None:
    shown = gradclinic("catalogue", "remedies").stdout.splitlines()
    assert shown[0] == "remedies"
    assert shown[1].split()[0] == "swap_activation"
    assert json.loads(gradclinic("catalogue", "rules", "--json").stdout)["rules"]
    assert "activations" in refused(gradclinic("catalogue", "beauty"), 2)


def test_one_entry_is_shown_with_its_fields_and_an_example() -> None:
    shown = gradclinic("catalogue", "models", "mlp").stdout
    assert "depth  (required)\n      An integer from 1 to 1,000." in shown
    assert 'example   {"kind": "mlp", "depth": 1' in shown
    assert "depth_slope  (1.5 orders of magnitude)" in gradclinic("catalogue", "rules", "vanishing_gradients").stdout
    assert json.loads(gradclinic("catalogue", "layers", "linear", "--json").stdout)["kind"] == "linear"
    assert "swap_activation" in refused(gradclinic("catalogue", "remedies", "hope"), 2)


def test_sections_and_entries_are_completed() -> None:
    def completed(words: str, place: int) -> list[str]:
        asked = {"COMP_WORDS": words, "COMP_CWORD": str(place), "_GRADCLINIC_COMPLETE": "complete_bash"}
        return gradclinic(**asked).stdout.split()

    assert completed("gradclinic cat", 1) == ["catalogue"]
    assert completed("gradclinic catalogue rem", 2) == ["remedies"]
    assert completed("gradclinic catalogue remedies swap", 3) == ["swap_activation"]
    assert completed("gradclinic runs list --status su", 4) == ["succeeded"]
