"""The plugin of pytest, in test runs of its own against a real service."""

import json

import pytest

from gradclinic.client import Clinic
from gradclinic.settings import Settings

from ...api.examples import explosive
from ...clinics import working

pytest_plugins = ["pytester"]


def ran(pytester: pytest.Pytester, clinic: Clinic, tests: str) -> pytest.RunResult:
    pytester.makepyfile(f"import json, pytest\n{tests}")
    # An installed plugin has the name of its entry point; here it is taken from this folder.
    return pytester.runpytest_inprocess(
        *("-p", "no:gradclinic", "-p", "gradclinic.client.integrations.pytest"),
        *("-p", "no:cacheprovider", "--strict-markers", "-rs", f"--gradclinic-url={clinic.url}"),
    )


def test_a_marked_test_ends_as_its_check_does(
    clinic: Clinic, settings: Settings, study: str, pytester: pytest.Pytester
) -> None:
    clinic.pin("main", study=study)
    with working(clinic, settings):
        done = ran(
            pytester,
            clinic,
            f"""
            @pytest.fixture
            def sick():
                return json.loads('''{json.dumps(explosive())}''')

            @pytest.mark.gradclinic(baseline="main")
            def test_worse(sick):
                return sick

            @pytest.mark.gradclinic("main", seeds=[0, 1, 2])
            def test_as_before():
                pass

            @pytest.mark.gradclinic("main", seeds=[0])
            def test_open():
                pass

            @pytest.mark.gradclinic("main", seeds=[0], inconclusive="fail")
            def test_strict():
                pass
            """.replace("\n            ", "\n"),
        )
    done.assert_outcomes(passed=1, failed=2, skipped=1)
    text = done.stdout.str()
    assert "Worse than the baseline." in text
    assert f"{clinic.url}/checks/check_" in text
    assert "a single seed is too few" in text
    assert [check.answer.name for check in clinic.checks(verdict="fail")] == ["test_worse"]


def test_a_check_that_cannot_be_done_fails_with_the_reason(clinic: Clinic, pytester: pytest.Pytester) -> None:
    done = ran(
        pytester,
        clinic,
        """
@pytest.mark.gradclinic(baseline="nothing")
def test_unknown():
    pass

@pytest.mark.gradclinic(base="main")
def test_misspelled():
    pass

def test_without_a_mark():
    pass
""",
    )
    done.assert_outcomes(passed=1, failed=2)
    done.stdout.fnmatch_lines(["*gradclinic could not do the check: *nothing*", "*wrong arguments of the mark*"])
