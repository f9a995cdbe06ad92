import pytest
from pydantic import ValidationError

from gradclinic.experiments.initializations import INITIALIZATIONS

KNOBS = {"normal": {"std": 0.1}, "uniform": {"bound": 0.3}}
"""What a scheme without defaults is tried with."""


def made(scheme: str, **changes: float | str):
    return INITIALIZATIONS[scheme](**{**KNOBS.get(scheme, {}), **changes})


@pytest.mark.parametrize("scheme", INITIALIZATIONS)
def test_gain_multiplies_the_deviation_and_enters_theory_squared(scheme: str):
    assert made(scheme, gain=3.0).deviation(30, 50) == pytest.approx(3 * made(scheme).deviation(30, 50))
    assert made(scheme, gain=3.0).weight_variance(30, 50) == pytest.approx(9 * made(scheme).weight_variance(30, 50))


@pytest.mark.parametrize("scheme", INITIALIZATIONS)
def test_a_constant_bias_enters_theory_squared(scheme: str):
    assert made(scheme, bias=-2.0).bias_variance(30) == 4


@pytest.mark.parametrize("scheme", [scheme for scheme in INITIALIZATIONS if scheme != "torch_default"])
def test_biases_start_at_zero_except_in_torch(scheme: str):
    assert made(scheme).bias_variance(30) == 0


def test_the_readout_can_have_any_scheme_that_needs_no_samples_and_the_schema_lists_them():
    readout = INITIALIZATIONS["normal"].model_json_schema()["properties"]["readout"]
    assert readout["enum"] == sorted(set(INITIALIZATIONS) - {"lsuv"})
    assert all(made("normal", readout=scheme).readout == scheme for scheme in readout["enum"])
    with pytest.raises(ValidationError, match="'xavier_uniform'"):
        made("normal", readout="lsuv")
