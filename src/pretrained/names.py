"""Entries of a table of names: our name of a layer, and its name and layout elsewhere.

Our kernels are `[height, width, inputs of a group, outputs]` in a convolution, `[inputs, outputs]` in a linear layer.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np


class Kernel(NamedTuple):
    """The kernel of one of their layers with a layout that is unusual in its framework.

    Attributes:
        layer: their name of the layer.
        turned: converts the kernel into our layout, after its axes are in our order.
        names: possible names of the array; the first that exists counts. Empty for the framework's.
        vectors: permutes bias, scale and running statistics into our order of channels.
    """

    layer: str
    turned: Callable[[np.ndarray], np.ndarray] = lambda kernel: kernel
    names: tuple[str, ...] = ()
    vectors: Callable[[np.ndarray], np.ndarray] = lambda vector: vector


class Zeros(NamedTuple):
    """A shortcut that pads with zeros. It has no arrays, so its name in the table says where the zeros are.

    Attributes:
        centred: whether half of the zeros are before the channels; else all are after.
    """

    centred: bool


Names = dict[str, str | Kernel | Zeros]
"""Their name of each layer by ours, or a `Kernel` for an unusual layout."""


def their_layers(entries: Iterable[str | Kernel | Zeros]) -> set[str]:
    """Their names in entries of a table."""
    return {entry.layer if isinstance(entry, Kernel) else entry for entry in entries if not isinstance(entry, Zeros)}


def conv_norm(ours: str, conv: str | Kernel, norm: str) -> Names:
    """A `ConvNorm`, which is two layers elsewhere."""
    return {f"{ours}.conv": conv, f"{ours}.norm": norm}


def flattened(layer: str, *, channels: int) -> Kernel:
    """A linear layer after PyTorch's flattening, which has channels as the major index.

    Args:
        layer: their name of the layer.
        channels: of the maps that are flattened.
    """

    def channels_last(kernel: np.ndarray) -> np.ndarray:
        pixels, rest = divmod(len(kernel), channels)
        if rest:
            return kernel  # another network; the check of shapes reports it
        return kernel.reshape(channels, pixels, -1).swapaxes(0, 1).reshape(kernel.shape)

    return Kernel(layer, channels_last)


def permuted(layer: str, *, inputs: Sequence[int] = (), outputs: Sequence[int] = ()) -> Kernel:
    """A layer with permuted channels.

    Args:
        layer: their name of it.
        inputs: which of their channels of the kernel's input each of ours is; none given means the same.
        outputs: the same for the kernel's output, and for vectors.
    """

    def kernel(array: np.ndarray) -> np.ndarray:
        array = array[..., list(inputs), :] if inputs else array
        return array[..., list(outputs)] if outputs else array

    return Kernel(layer, kernel, vectors=lambda vector: vector[list(outputs)] if outputs else vector)


def one_pixel(layer: str) -> Kernel:
    """A linear layer that is stored as a 1x1 convolution."""
    return Kernel(layer, lambda kernel: kernel[0, 0])


def depthwise(layer: str) -> Kernel:
    """Keras's filters of single channels, `[height, width, channels, 1]`; before Keras 3 they had their own name."""
    return Kernel(layer, lambda kernel: kernel.swapaxes(-2, -1), ("depthwise_kernel", "kernel"))


def pointwise(layer: str) -> Kernel:
    """The second convolution of Keras's separable ones; both belong to one layer of theirs."""
    return Kernel(layer, names=("pointwise_kernel",))
