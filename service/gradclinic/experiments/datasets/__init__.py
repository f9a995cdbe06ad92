"""Data sets, one per file, selected by `kind`. They use numpy; scikit-learn is imported only to load samples."""

from typing import TYPE_CHECKING, TypeAlias

from ...kernel import registry
from .base import Dataset, Samples, Split, Upload, Uploads

DATASETS = registry.members(__name__, Dataset)

if TYPE_CHECKING:
    AnyDataset: TypeAlias = Dataset
else:
    AnyDataset = registry.tagged_union(DATASETS)

__all__ = ["DATASETS", "AnyDataset", "Dataset", "Samples", "Split", "Upload", "Uploads"]
