"""A page as a browser takes it, and the addresses of all pages."""

from html.parser import HTMLParser

from gradclinic.pages.rendering import templates

from .conftest import Clinic

VOID = {"meta", "link", "input", "br", "img", "hr"}


class Page(HTMLParser):
    """What a browser would make of a page: its elements, and whether every one that opens closes."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def parts(macro: str, *arguments: object) -> str:
    """What one macro of the templates makes of its arguments."""
    return str(getattr(templates.get_template("parts.html").module, macro)(*arguments))


def paths(clinic: Clinic) -> list[str]:
    """The address of every page."""
    runs = [f"/runs/{run}" for run in (clinic.sick, clinic.broken, clinic.waiting)]
    studies = [f"/studies/{study}" for study in (clinic.study, clinic.swept, clinic.claim)]
    prescriptions = [f"/prescriptions/{each}" for each in (clinic.prescription, clinic.searching)]
    checks = [f"/checks/{each}" for each in (clinic.check, clinic.checking)]
    lists = [
        "/",
        "/runs",
        "/runs?source=check",
        "/studies",
        "/compare",
        f"/compare?run={clinic.sick}&run={clinic.broken}",
        "/prescriptions",
        "/checks",
        "/checks?baseline=main",
        "/baselines/main",
        "/claims",
        "/claims?quick=true",
        "/datasets",
        "/catalogue",
        "/docs",
        "/system",
        "/new",
        "/new?kind=study",
        f"/new?from={clinic.prescription}",
        f"/new?from={clinic.check}",
    ]
    return [*lists, *studies, *runs, *prescriptions, *checks]
