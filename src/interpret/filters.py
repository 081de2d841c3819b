"""The filters of the layer that sees the images themselves (chapter Fig. 45)."""

import numpy as np
from flax import nnx
from jaxtyping import Float

from ..config.errors import UserError
from ..models.summary import innermost

COLOURS = (1, 3)
"""Channels of grey and of colour images."""


def image_filters(module: nnx.Module) -> Float[np.ndarray, "n h w c"]:
    """The filters of the first convolution, in the order of creation, that takes grey or colour images.

    They are as the network applies them: to inputs that are normalized.

    Raises:
        UserError: there is no such convolution.
    """
    for *_, layer, _ in innermost(module):
        if isinstance(layer, nnx.Conv) and len(layer.kernel.shape) == 4 and layer.in_features in COLOURS:
            return np.asarray(layer.kernel[...], np.float32).transpose(3, 0, 1, 2)
    raise UserError("the network has no convolution that takes grey or colour images, so there are no filters to show")
