"""`./run screenshots FOLDER [URL]`: a picture of every page of a running service: light, dark, and as on a phone."""

import argparse
from collections.abc import Iterator
from pathlib import Path

import httpx

from .chromium import MISSING, browsing, complaints, executable, open_page

LISTS = ("", "studies", "runs", "prescriptions", "checks", "claims", "datasets", "catalogue", "system", "docs", "new")
KINDS = ("studies", "runs", "prescriptions", "checks")
LOOKS = {"light": (1400, "light"), "dark": (1400, "dark"), "narrow": (400, "light")}
"""Width of the window in pixels and colour scheme, by the name of the picture."""


def main() -> None:
    """Write FOLDER/PAGE-LOOK.png for each page in each look, and print what the console complains about."""
    parser = argparse.ArgumentParser(prog="./run screenshots", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("url", nargs="?", default="http://127.0.0.1:8000", help="the service (default: %(default)s)")
    asked = parser.parse_args()
    if executable() is None:
        raise SystemExit(f"run: {MISSING}")
    asked.folder.mkdir(parents=True, exist_ok=True)
    with httpx.Client(base_url=asked.url, timeout=30) as client:
        try:
            pages = list(addresses(client))
        except httpx.HTTPError as error:
            raise SystemExit(f"run: no service answers at {asked.url}: {error}") from None
    with browsing() as browser:
        for look, (width, scheme) in LOOKS.items():
            context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
            for name, path in pages:
                page = context.new_page()
                errors = complaints(page)
                open_page(page, f"{asked.url}{path}")
                page.screenshot(path=asked.folder / f"{name}-{look}.png", full_page=True)
                print(f"{name}-{look}.png", *errors)
                page.close()
            context.close()


def addresses(client: httpx.Client) -> Iterator[tuple[str, str]]:
    """The lists, a baseline, and the newest study, run, prescription and check of each status: name and path."""
    for name in LISTS:
        yield name or "overview", f"/{name}"
    yield "new-study", "/new?kind=study"
    for baseline in client.get("/v1/baselines", params={"limit": 1}).raise_for_status().json()["items"]:
        yield "baseline", f"/baselines/{baseline['name']}"
    for kind in KINDS:
        items = client.get(f"/v1/{kind}", params={"limit": 100}).raise_for_status().json()["items"]
        newest = {item["status"]: item["id"] for item in reversed(items)}
        for status, identifier in newest.items():
            yield f"{kind}-{status}", f"/{kind}/{identifier}"
        if kind == "runs" and len(items) > 1:
            yield "runs-compared", f"/compare?run={items[0]['id']}&run={items[1]['id']}"


if __name__ == "__main__":
    main()
