"""What can be read off a layer by a linear classifier: probes.

Alain and Bengio 2016 (arXiv:1610.01644). Maps are averaged over a grid of places first, as the paper reduces large
layers, so that all layers of a network can be probed.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Integer

GRID = 4
"""Places in each direction over which maps are averaged."""

PENALTIES = np.logspace(-1, 5, 7)
"""Of which a probe takes the one with the least error on training images that were left out, one at a time."""


def averaged(outputs: Float[Array | np.ndarray, "b ..."], grid: int = GRID) -> Float[Array | np.ndarray, "b features"]:
    """The outputs of a layer as vectors: maps by their means over places; for compiled functions.

    Args:
        outputs: maps `b h w c` or vectors `b c`.
        grid: places in each direction; as many as there are pixels, if these are fewer.
    """
    if outputs.ndim == 4:
        rows, columns = (_means(side, min(grid, side)) for side in outputs.shape[1:3])
        outputs = jnp.einsum("ih,jw,bhwc->bijc", rows, columns, outputs)
    return outputs.reshape(len(outputs), -1)


def _means(side: int, places: int) -> Float[np.ndarray, "places side"]:
    """Averages neighbouring pixels."""
    belongs = np.arange(side) * places // side == np.arange(places)[:, None]
    return (belongs / belongs.sum(1, keepdims=True)).astype(np.float32)


def probe(
    features: Float[np.ndarray, "n d"],
    labels: Integer[np.ndarray, "n"],
    others: Float[np.ndarray, "m d"],
    of_others: Integer[np.ndarray, "m"],
) -> Bool[np.ndarray, "m"]:
    """Learns classes from features by ridge regression, and says which of other examples it gives the right class.

    Features are standardized. Ridge regression finds its penalty on the way; logistic regression would not.

    Args:
        features: of examples to learn from.
        labels: their classes.
        others: features of the other examples.
        of_others: their classes.
    """
    from sklearn.linear_model import RidgeClassifierCV  # takes a second, which commands without probes need not wait
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    classifier = make_pipeline(StandardScaler(), RidgeClassifierCV(PENALTIES))
    classifier.fit(np.asarray(features, np.float64), labels)
    right: Bool[np.ndarray, "m"] = classifier.predict(np.asarray(others, np.float64)) == of_others
    return right
