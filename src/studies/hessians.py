"""The Hessian of a trained network's loss."""

from collections.abc import Callable

import jax

from ..data.batches import DeviceDataset
from ..landscape.curvature import hessian_products
from ..landscape.lanczos import Product
from ..landscape.objective import batch_losses, network_of
from ..models.functional import Tree
from .networks import TrainedNetwork


def hessian_of(
    network: TrainedNetwork, split: str, images: int | None = None
) -> tuple[Callable[[Tree], Product], Tree]:
    """Products with the Hessian of the mean loss at any weights of a network, and its own weights.

    Args:
        network: as it was trained.
        split: on which the loss is.
        images: at most so many of it, the first ones; none for all.
    """
    data = network.splits[split]
    kept = jax.device_put(DeviceDataset(data.images[:images], data.labels[:images], data.constants))
    loss, batches = batch_losses(network.module, network.task, kept)
    return hessian_products(loss, batches, len(kept.labels)), network_of(network.module).parameters
