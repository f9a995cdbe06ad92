import pytest

from gradclinic.kernel import installation


@pytest.mark.parametrize(
    ("python", "advice"),
    [
        ((3, 10), "it needs Python 3.11 or newer, and this is Python 3.10; there, install it with: pip install "),
        ((3, 11), "install it with: pip install 'gradclinic[embedded,worker]'"),
    ],
)
def test_a_missing_service_says_how_to_install_it_and_with_which_python(
    monkeypatch: pytest.MonkeyPatch, python: tuple[int, int], advice: str
) -> None:
    monkeypatch.setattr(installation, "SERVICE", ("json", "no_such_module"))
    monkeypatch.setattr(installation.sys, "version_info", (*python, 0))
    missing = str(installation.service_missing())
    assert missing.startswith("the service is not installed (no_such_module); ")
    assert advice in missing
