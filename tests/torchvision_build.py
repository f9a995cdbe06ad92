"""Lets torchvision be imported where it was built for CUDA, and torch for the CPU.

pip finds such a pair where no index of CPU builds is given: PyPI's torchvision is built for CUDA. Its operators then do
not load. Without them its import fails, and with it that of the libraries that import it where it is installed. No
network of the tests uses these operators (non-maximum suppression).
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType


def is_of_another_build() -> bool:
    """Whether torch names its build in its version (as in 2.13.0+cpu), and torchvision not the same."""
    try:
        return version("torch").partition("+")[2] not in ("", version("torchvision").partition("+")[2])
    except PackageNotFoundError:
        return False


class DeclaresOperators(MetaPathFinder):
    """Declares torchvision's operators just before it is imported for the first time; finds no module."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == "torchvision" and self in sys.meta_path:
            sys.meta_path.remove(self)
            from torch.library import define

            for name in ("nms", "qnms"):
                define(f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        return None


def make_importable() -> None:
    """Nothing where torchvision is not installed, or built as torch is."""
    if is_of_another_build():
        sys.meta_path.insert(0, DeclaresOperators())
