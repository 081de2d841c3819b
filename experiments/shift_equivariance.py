"""Convolution is equivariant to shifts, and pooling adds some invariance (chapter Figs 3 and 4, corrected).

`python -m experiments.shift_equivariance` moves MNIST digits over a black canvas under layers whose weights are random,
since what it shows holds of all weights, and writes
`shift_equivariance/{curves.png,maps.png,results.json,table.md}`.
"""

from typing import NamedTuple

import numpy as np
from flax import nnx
from jaxtyping import Array, Float

from src.config.errors import reported
from src.interpret.shifts import Network, change, equivariance_gap, moved, on_canvas
from src.layers.blocks import Flatten, he_normal
from src.layers.pooling import GlobalMaxPool, MaxPool
from src.markdown import markdown
from src.plots.shifts import Moved, shift_curves, shift_maps
from src.studies.images import first_images
from src.studies.output import no_arguments
from src.studies.results import write_results

SHIFTS = range(9)
IMAGES = 64
FILTER, FILTERS = 5, 16
MARGIN = (2, SHIFTS[-1] + FILTER - 1)
SHOWN = 3
"""Shift of the figure in pixels, not a multiple of any stride."""


class Layer(NamedTuple):
    """A layer or network to measure.

    Attributes:
        network: from images to outputs.
        stride: of its maps in pixels; None if its outputs are not maps.
    """

    network: Network
    stride: int | None


def layers(images: Float[Array, "b h w c"]) -> dict[str, Layer]:
    """Convolutions with and without pooling, and a dense layer with as many nodes as filters."""
    rngs = nnx.Rngs(0)
    features = images[0].size
    conv, strided = (
        nnx.Conv(1, FILTERS, (FILTER, FILTER), strides=stride, padding="VALID", kernel_init=he_normal, rngs=rngs)
        for stride in (1, 2)
    )
    dense = nnx.Linear(features, FILTERS, kernel_init=he_normal, rngs=rngs)
    return {
        "convolution": Layer(nnx.Sequential(conv, nnx.relu), 1),
        "convolution, stride 2": Layer(nnx.Sequential(strided, nnx.relu), 2),
        "convolution, max-pool 2": Layer(nnx.Sequential(conv, nnx.relu, MaxPool(2)), 2),
        "convolution, max-pool 4": Layer(nnx.Sequential(conv, nnx.relu, MaxPool(4)), 4),
        "convolution, global max-pool": Layer(nnx.Sequential(conv, nnx.relu, GlobalMaxPool()), None),
        "dense": Layer(nnx.Sequential(Flatten(), dense, nnx.relu), None),
    }


def main() -> None:
    """Measures both properties against the shift, and shows one digit under three of the layers."""
    with reported():
        no_arguments()
        images = on_canvas(first_images("mnist", IMAGES), MARGIN)
        every = layers(images)
        gaps = {
            name: [equivariance_gap(layer.network, images, pixels, layer.stride) for pixels in SHIFTS]
            for name, layer in every.items()
            if layer.stride
        }
        changes = {name: [change(layer.network, images, pixels) for pixels in SHIFTS] for name, layer in every.items()}
        facts = {"images": IMAGES, "shifts": list(SHIFTS), "equivariance_gap": gaps, "change": changes}
        rows = [example(name, every[name], images[:1]) for name in list(gaps)]
        figures = {
            "curves": shift_curves(gaps, changes),
            "maps": shift_maps(np.asarray(images[0, ..., 0]), SHOWN, rows),
        }
        write_results("shift_equivariance", facts, figures=figures, table=table(gaps, changes))


def example(name: str, layer: Layer, image: Float[Array, "1 h w c"]) -> Moved:
    """The map with the largest values for an image, before and after the shift."""
    maps, after = layer.network(image), layer.network(moved(image, SHOWN))
    strongest = int(maps.sum(axis=(0, 1, 2)).argmax())
    before, shifted, found = (
        np.asarray(each[0, ..., strongest]) for each in (maps, moved(maps, round(SHOWN / (layer.stride or 1))), after)
    )
    return Moved(name, before, shifted, found)


def table(gaps: dict[str, list[float]], changes: dict[str, list[float]]) -> str:
    """A table of both properties, with a row per layer and a column per shift."""
    parts = {"distance from equivariance": gaps, "change of the output": changes}
    return "\n".join(
        markdown(
            [f"{title}, at a shift of", *map(str, SHIFTS)],
            [[name, *(f"{value:.3f}" if value else "0" for value in values)] for name, values in curves.items()],
        )
        for title, curves in parts.items()
    )


if __name__ == "__main__":
    main()
