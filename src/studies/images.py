"""Images for studies without training."""

import numpy as np
from jaxtyping import UInt8

from .runs import planned


def first_images(data: str, count: int) -> UInt8[np.ndarray, "n h w c"]:
    """The first test images of a data set, by its name in `conf/data/`.

    Raises:
        UserError: there is no such data set, or it cannot be downloaded.
    """
    return planned([f"data={data}"]).settings.dataset().test.inputs[:count]
