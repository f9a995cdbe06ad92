"""The plugin of pytest: a test that trains, and fails as a check against a baseline fails.

    @pytest.mark.gradclinic(baseline="main")
    def test_the_network_trains_as_well_as_before():
        return {"model": ..., "data": ..., "optimizer": ...}  # or None: the baseline's experiment

The service trains what the test returns, and compares it with the baseline. A check that fails fails the test, with the
evidence as its message. An inconclusive check skips it, or fails it with `inconclusive="fail"`. A check that cannot be
done fails it, too. The service is that of `--gradclinic-url`, else GRADCLINIC_URL, else http://127.0.0.1:8000.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import TYPE_CHECKING, Literal

import pytest

if TYPE_CHECKING:
    from .. import Check
    from ..spec import ExperimentLike, RemedyLike

MARK = "gradclinic"
_USAGE = (
    f"{MARK}(baseline, *, remedies=None, seeds=None, margins=None, inconclusive='skip', timeout_s=None): train the "
    "experiment that the test returns, and compare it with a baseline of gradclinic"
)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The arguments of the mark."""

    baseline: str
    """Name of the baseline."""
    remedies: "Sequence[RemedyLike] | None" = None
    """Changes of the experiment, in order."""
    seeds: Sequence[int] | None = None
    """Seeds to train, out of the baseline's; all by default."""
    margins: Mapping[str, float] | None = None
    """How much worse each metric may be; only these are checked."""
    inconclusive: Literal["skip", "fail"] = "skip"
    """What becomes of the test if the check is not decided."""
    timeout_s: float | None = None
    """Longest time to wait for the verdict, in seconds."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option for the address of the service."""
    parser.getgroup("gradclinic").addoption(
        "--gradclinic-url", metavar="URL", help="Address of the gradclinic service."
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark."""
    config.addinivalue_line("markers", _USAGE)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Call a marked test, check what it returns, and let it fail as the check fails."""
    mark = pyfuncitem.get_closest_marker(MARK)
    if mark is None:
        return None
    asked = _asked(mark)
    arguments = {name: pyfuncitem.funcargs[name] for name in signature(pyfuncitem.obj).parameters}
    _judge(pyfuncitem, asked, pyfuncitem.obj(**arguments))
    return True


def _asked(mark: pytest.Mark) -> Asked:
    names = dict(zip(["baseline"], mark.args, strict=False))
    try:
        return Asked(**names, **mark.kwargs)
    except TypeError:
        pytest.fail(f"wrong arguments of the mark; allowed: {_USAGE}", pytrace=False)


def _judge(item: pytest.Function, asked: Asked, experiment: "ExperimentLike | None") -> None:
    from ...kernel.errors import GradclinicError
    from .. import Clinic

    try:
        with Clinic(item.config.getoption("--gradclinic-url")) as clinic:
            check = clinic.check(
                asked.baseline,
                experiment,
                asked.remedies,
                seeds=asked.seeds,
                margins=asked.margins,
                name=item.name[:100],
            )
            item.user_properties += [("gradclinic_check", check.id), ("gradclinic_page", check.page)]
            _end(check.wait(timeout_s=asked.timeout_s), asked)
    except (GradclinicError, TimeoutError) as error:
        pytest.fail(f"gradclinic could not do the check: {error}", pytrace=False)


def _end(check: "Check", asked: Asked) -> None:
    words = f"{check}\n{check.page}"
    if check.verdict == "inconclusive" and asked.inconclusive == "skip":
        pytest.skip(words)
    if check.verdict != "pass":
        pytest.fail(words, pytrace=False)
