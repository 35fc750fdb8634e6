"""Names for the arrays of this room. Letters in shapes:

N page views, K slots of a slate, A ads over the market's life, U places for shoppers, C leaf categories,
D width of interest vectors, S scenarios, W words, Q words of a query, M organic items, L look features.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Flags = NDArray[np.bool_]
Bytes = NDArray[np.uint8]


def sigmoid(x: Floats | Singles) -> Floats:
    """1 / (1 + exp(-x)), elementwise, without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * np.asarray(x, np.float64))))
