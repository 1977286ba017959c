"""Logistic regression by Newton's method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def logistic(
    rows: NDArray[np.float64], right: NDArray[np.float64], prior: Sequence[float], strength: float
) -> NDArray[np.float64]:
    """Weights of the columns of `rows` (count, columns) that make `right` (count,), of zeros and ones, likely.

    A normal prior of this `strength` around `prior` (columns,) keeps them finite when everything is right, or nothing.
    """
    import numpy as np

    around = np.array(prior, float)
    weights = around.copy()
    for _ in range(100):
        chances = 1 / (1 + np.exp(-np.clip(rows @ weights, -30, 30)))
        slope = rows.T @ (right - chances) - strength * (weights - around)
        curve = (rows * (chances * (1 - chances))[:, None]).T @ rows + strength * np.eye(len(weights))
        step = np.linalg.solve(curve, slope)
        # Shortened where the curve is flat and it would jump off.
        weights = weights + step / max(1.0, 2 * float(np.abs(step).max()))
    return weights
