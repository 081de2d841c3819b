"""Each kind of pooling of the numbers of chapter Fig. 7, of whole maps (Fig. 8), and of an image.

`python -m experiments.pooling` writes `pooling/{grids.png,global.png,images.png,results.json,table.md}`.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy.ndimage import sobel

from src.config.errors import reported
from src.data.resize import shrink
from src.layers.pooling import AveragePool, GlobalMaxPool, L1Pool, L2Pool, MaxPool
from src.markdown import markdown
from src.plots.pooling import global_grids, pooled_grids, pooled_pictures
from src.studies.images import first_images
from src.studies.output import no_arguments
from src.studies.results import write_results

KINDS = {"max": MaxPool, "average": AveragePool, "L1": L1Pool, "L2": L2Pool}
SIZE = 2
FIG7 = ((1, 1, 2, 4), (5, 6, 7, 8), (3, 2, 1, 0), (1, 2, 3, 4))
PUBLISHED = {"max": [[6, 8], [3, 4]]}
"""Results printed in the chapter."""
CAR = 1
"""Index of the test image of CIFAR-10."""
COLORS = ("red", "green", "blue")
FIG8 = 6
"""Side of the maps that are pooled globally."""


def main() -> None:
    """Pools a small grid, the channels of an image, and the image with its edges."""
    with reported():
        no_arguments()
        numbers = np.array(FIG7, np.float32)
        small = pooled(numbers[..., None])
        grids = {kind: values[..., 0] for kind, values in small.items()}
        image = first_images("cifar10", CAR + 1)[CAR]
        maps = shrink(image[None, 1:-1, 1:-1], FIG8)[0].astype(np.float32)  # 30 pixels are five times six
        largest = np.asarray(GlobalMaxPool()(jnp.asarray(maps)[None])[0])
        edges = sobel(image.mean(axis=-1) / 255, axis=1).astype(np.float32)
        facts = {
            "input": FIG7,
            "pooled": {kind: values.tolist() for kind, values in grids.items()},
            "published": PUBLISHED,
            "global_max": dict(zip(COLORS, largest.tolist(), strict=True)),
        }
        figures = {
            "grids": pooled_grids(numbers, SIZE, grids),
            "global": global_grids(maps, COLORS, largest),
            "images": pooled_pictures(
                image,
                pooled(image / np.float32(255)),
                edges,
                {kind: values[..., 0] for kind, values in pooled(edges[..., None]).items()},
            ),
        }
        write_results("pooling", facts, figures=figures, table=table(grids))


def pooled(maps: Float[np.ndarray, "h w c"]) -> dict[str, Float[np.ndarray, "h2 w2 c"]]:
    """The maps after each kind of pooling."""
    return {kind: np.asarray(pool(SIZE)(jnp.asarray(maps)[None])[0]) for kind, pool in KINDS.items()}


def table(grids: dict[str, Float[np.ndarray, "h w"]]) -> str:
    """A row per kind of pooling; the chapter's results are marked as published."""
    rows = [[kind, *(f"{value:.2f}" for value in values.ravel())] for kind, values in grids.items()]
    rows += [
        [f"{kind} (published)", *(f"{value:.2f}" for row in values for value in row)]
        for kind, values in PUBLISHED.items()
    ]
    return markdown(["pooling", "upper left", "upper right", "lower left", "lower right"], rows)


if __name__ == "__main__":
    main()
