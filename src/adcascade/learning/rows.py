"""Rows of a batch: which rows of the packed table its fields and histories ask for."""

import numpy as np
from numpy.typing import NDArray

from adcascade.contracts import Batch


def rows_of(batch: Batch, *, ragged: bool = False) -> NDArray[np.int64]:
    """Of fields, then of the steps of all sequences, end to end: [B F + B L S].

    ragged: of the steps only the N that are there: [B F + N S].
    """
    steps = batch.history[present_in(batch)] if ragged else batch.history  # [N, S] or [B, L, S]
    return np.concatenate((batch.ids.ravel(), steps.ravel()))


def present_in(batch: Batch) -> NDArray[np.bool_]:
    """Which steps of each history are there, [B, L]."""
    return np.arange(batch.history.shape[1]) < batch.history_length[:, None]
