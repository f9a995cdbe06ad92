import importlib
import pkgutil

import gradclinic
from gradclinic.kernel import errors
from gradclinic.kernel.errors import GradclinicError


def below(kind: type[GradclinicError]) -> list[type[GradclinicError]]:
    """A kind of error and all its kinds, depth first, in the order they are defined."""
    return [kind, *(found for child in kind.__subclasses__() for found in below(child))]


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    for module in pkgutil.walk_packages(gradclinic.__path__, "gradclinic."):
        if not module.name.startswith("gradclinic._") and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    lines = (line for line in (errors.__doc__ or "").splitlines() if line.startswith("    "))
    drawn = [line.lstrip("│├└─ ").split()[0] for line in lines]
    assert drawn == [kind.__name__ for kind in below(GradclinicError)]


def test_every_error_has_a_code_and_a_title_of_its_own() -> None:
    kinds = below(GradclinicError)
    assert len({kind.code for kind in kinds}) == len(kinds)
    assert len({kind.title for kind in kinds}) == len(kinds)
