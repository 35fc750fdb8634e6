"""Rows of a batch: which rows of the packed table its fields and histories ask for."""

import numpy as np
from numpy.typing import NDArray

from adcascade.contracts import Batch


def rows_of(batch: Batch, *, ragged: bool = False) -> NDArray[np.int64]:
    """Of fields, then of the steps of all sequences, end to end: [n]."""
    return np.concatenate((batch.ids.ravel(), steps_of(batch, ragged=ragged).ravel()))


def steps_of(batch: Batch, *, ragged: bool) -> NDArray[np.int64]:
    """Rows of the history's steps: [B, L, S] with padding or, ragged, of the N steps that are there alone: [N, S]."""
    return batch.history[present_in(batch)] if ragged else batch.history


def present_in(batch: Batch) -> NDArray[np.bool_]:
    """Which steps of each history are there, [B, L]."""
    return np.arange(batch.history.shape[1]) < batch.history_length[:, None]
