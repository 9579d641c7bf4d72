"""The null of a correlation between two curves over the layers."""

import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]


def moved_around(curve: Float64Array) -> list[Float64Array]:
    """A curve shifted around by every number of layers, as it is and reflected; itself first.

    Neighbouring layers stay neighbours, so that a moved curve is as smooth as the curve is: where layers are
    exchanged freely, any two smooth curves look related.
    """
    return [np.roll(of, shift) for of in (curve, curve[::-1]) for shift in range(len(curve))]
