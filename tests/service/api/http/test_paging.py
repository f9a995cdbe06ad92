import httpx
import pytest

from .test_problems import refused

LISTS = {
    "/v1/runs": "run",
    "/v1/studies": "study",
    "/v1/prescriptions": "prescription",
    "/v1/checks": "check",
    "/v1/datasets": "data",
    "/v1/audit": "act",
}
OF_PAGES = {
    "/runs": "run",
    "/studies": "study",
    "/prescriptions": "prescription",
    "/checks": "check",
    "/datasets": "data",
}


@pytest.mark.parametrize("path", LISTS)
def test_a_page_after_what_is_no_item_of_the_list_is_refused(api: httpx.Client, path: str) -> None:
    other = next(noun for noun in LISTS.values() if noun != LISTS[path])
    for after in ("zzz", LISTS[path], f"{LISTS[path]}_", f"{other}_01K0A", f"{LISTS[path]}_01K0A\n"):
        (error,) = refused(api.get(path, params={"after": after}))["errors"]
        assert (error["parameter"], error["value"]) == ("after", after)
        assert f"{LISTS[path]}_" in error["detail"] + str(error.get("allowed"))
    assert api.get(path, params={"after": f"{LISTS[path]}_01K0A"}).status_code == 200


@pytest.mark.parametrize("path", OF_PAGES)
def test_so_it_is_on_the_pages(api: httpx.Client, path: str) -> None:
    assert api.get(path, params={"after": "zzz"}).status_code == 422
    assert api.get(path, params={"after": f"{OF_PAGES[path]}_01K0A"}).status_code == 200
