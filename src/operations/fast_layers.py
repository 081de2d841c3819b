"""Layers of a network in the form that is fast on a kind of device; they give the same numbers."""

from flax import nnx

from ..layers.pooling import MaxPool
from . import cpu_convolution, gpu_convolution
from .cpu_pooling import max_pool


def use_fast_layers(module: nnx.Module, platform: str) -> None:
    """Tells every convolution and max-pooling inside a network how to compute.

    Args:
        module: the network.
        platform: as JAX calls it; `cpu`, `gpu` or another one, for which nothing is written differently.
    """
    if platform == "cpu":
        module.set_attributes(nnx.Conv, conv_general_dilated=cpu_convolution.convolution, raise_if_not_found=False)
        module.set_attributes(MaxPool, max_pool=max_pool, raise_if_not_found=False)
    elif platform == "gpu":
        module.set_attributes(nnx.Conv, conv_general_dilated=gpu_convolution.convolution, raise_if_not_found=False)
