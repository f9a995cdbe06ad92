"""The array type of all formulas, and the exception for a missing closed form."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


class NoClosedForm(Exception):  # not an error: a reason
    """Theory has no usable formula for this network; the text says why."""
