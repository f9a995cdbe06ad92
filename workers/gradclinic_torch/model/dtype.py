"""Names of precisions."""

import torch


def name_of(dtype: torch.dtype) -> str:
    """For example "bfloat16"."""
    return str(dtype).removeprefix("torch.")
