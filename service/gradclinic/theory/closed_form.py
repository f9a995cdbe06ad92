"""What every formula here works on, and how it says that it has no answer."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


class NoClosedForm(Exception):  # not an error: a reason
    """Theory has no usable formula for something here; the text says what."""
