"""Replaces layers of a network by forms that are faster on a kind of device, with the same results."""

from flax import nnx

from ..layers.pooling import MaxPool
from . import cpu_convolution, gpu_convolution
from .cpu_pooling import max_pool


def use_fast_layers(module: nnx.Module, platform: str) -> None:
    """Sets the implementation of every convolution and max-pooling in a network.

    Args:
        module: the network.
        platform: JAX's name; `cpu`, `gpu`, or another one, for which nothing changes.
    """
    if platform == "cpu":
        module.set_attributes(nnx.Conv, conv_general_dilated=cpu_convolution.convolution, raise_if_not_found=False)
        module.set_attributes(MaxPool, max_pool=max_pool, raise_if_not_found=False)
    elif platform == "gpu":
        module.set_attributes(nnx.Conv, conv_general_dilated=gpu_convolution.convolution, raise_if_not_found=False)
