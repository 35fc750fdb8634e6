"""Rows of a batch: which rows of the packed table its fields and histories ask for."""

import numpy as np
from numpy.typing import NDArray

from adcascade.contracts import Batch


def rows_of(batch: Batch, *, ragged: bool = False) -> NDArray[np.int64]:
    """Fields, then the steps of all sequences, end to end: [B F + B L S].

    ragged: of the steps only the N that are there, [B F + N S].
    """
    steps = batch.history
    if ragged:
        steps = steps[np.arange(steps.shape[1]) < batch.history_length[:, None]]  # [N, S]
    return np.concatenate((batch.ids.ravel(), steps.ravel()))
