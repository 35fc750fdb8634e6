"""Rows of a batch: which rows of the packed table its fields and histories ask for."""

import numpy as np
from numpy.typing import NDArray

from adcascade.contracts import Batch


def rows_of(batch: Batch) -> NDArray[np.int64]:
    """Fields, then the steps of all sequences: [B, F + L S]."""
    return np.concatenate((batch.ids, batch.history.reshape(len(batch), -1)), axis=1)
