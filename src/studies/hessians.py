"""The Hessian of a trained network's loss, and the ends of its spectrum at the network itself."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax

from ..data.batches import DeviceDataset
from ..landscape.curvature import hessian_products, kernel_count
from ..landscape.lanczos import PRODUCTS, Product, extreme_eigenvalues
from ..landscape.objective import batch_losses, network_of
from ..models.functional import Tree
from ..randomness import stream
from .cached import cached
from .networks import TrainedNetwork


@dataclass(frozen=True)
class Curvature:
    """The ends of the Hessian's spectrum at a network itself.

    Attributes:
        smallest: eigenvalue, as found.
        largest: eigenvalue, as found.
        errors: bounds on the distance of each to some true eigenvalue.
        products: that were taken.
        ratio: |smallest / largest|.
        images: that the loss is the mean of.
        measured_by: commit, device and kernels.
    """

    smallest: float
    largest: float
    errors: list[float]
    products: int
    ratio: float
    images: int
    measured_by: list[str]


def hessian_of(
    network: TrainedNetwork, split: str, images: int | None = None
) -> tuple[Callable[[Tree], Product], Tree]:
    """Products with the Hessian of the mean loss at any weights of a network, and its own weights.

    Args:
        network: as it was trained.
        split: of the loss.
        images: number of images from the start of the split, at most; None for all.
    """
    data = network.splits[split]
    inputs, targets = jax.tree.map(lambda array: array[:images], (data.inputs, data.targets))
    first = jax.device_put(DeviceDataset(inputs, targets, data.constants))
    loss, batches = batch_losses(network.module, network.task, first)
    return hessian_products(loss, batches, first.examples), network_of(network.module).parameters


def curvature_of(network: TrainedNetwork, split: str, images: int, seed: int) -> Curvature:
    """The ends of the spectrum, by Lanczos; cached.

    Args:
        network: as it was trained.
        split: on which the loss is.
        images: at most so many of it, the first ones.
        seed: of the first vector.
    """
    images = min(images, network.splits[split].examples)

    def spectrum() -> dict[str, Any]:
        products, parameters = hessian_of(network, split, images)
        found = extreme_eigenvalues(products(parameters), kernel_count(parameters), stream(seed, "Lanczos"))
        return {**found._asdict(), "ratio": found.ratio, "images": images}

    about = {"measure": "spectrum", "split": split, "hessian": images, "products": PRODUCTS, "seed": seed}
    found = cached({**about, **network.identity}, [extreme_eigenvalues], spectrum)
    return Curvature(**found.value, measured_by=[found.measured_by])
