"""Layers of a network in the form that is fast on a CPU; they give the same numbers."""

from flax import nnx

from src.models.cpu_convolution import convolution
from src.models.cpu_pooling import max_pool
from src.models.pooling import MaxPool


def use_cpu_layers(module: nnx.Module) -> None:
    """Tells every convolution and max-pooling inside a network how to compute."""
    module.set_attributes(nnx.Conv, conv_general_dilated=convolution, raise_if_not_found=False)
    module.set_attributes(MaxPool, max_pool=max_pool, raise_if_not_found=False)
