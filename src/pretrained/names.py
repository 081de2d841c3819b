"""What a table of names consists of: our name of a layer, and where it is elsewhere.

Our kernels are `[height, width, inputs of a group, outputs]` in a convolution, `[inputs, outputs]` in a linear layer.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np


class Kernel(NamedTuple):
    """The kernel of a layer of theirs, where it is stored in another way than most of its framework.

    Attributes:
        layer: their name of the layer.
        turned: brings the kernel into our layout, once its axes are in our order.
        names: of the array, the first that is there; none given means the framework's.
        vectors: brings bias, scale and running statistics into our order of channels.
    """

    layer: str
    turned: Callable[[np.ndarray], np.ndarray] = lambda kernel: kernel
    names: tuple[str, ...] = ()
    vectors: Callable[[np.ndarray], np.ndarray] = lambda vector: vector


class Zeros(NamedTuple):
    """A shortcut that pads with zeros. It has no arrays, so nothing else would tell where these are to be.

    Attributes:
        centred: whether half of them are before the channels; else all are behind.
    """

    centred: bool


Names = dict[str, str | Kernel | Zeros]
"""Their name of each layer by ours, or their kernel where it is stored in a way of its own."""


def conv_norm(ours: str, conv: str | Kernel, norm: str) -> Names:
    """A `ConvNorm` of ours, which is two layers elsewhere."""
    return {f"{ours}.conv": conv, f"{ours}.norm": norm}


def flattened(layer: str, *, channels: int) -> Kernel:
    """A linear layer behind PyTorch's flattening, where all pixels of a channel come before the next channel.

    Args:
        layer: their name of the layer.
        channels: of the maps that are flattened.
    """

    def channels_last(kernel: np.ndarray) -> np.ndarray:
        pixels, rest = divmod(len(kernel), channels)
        if rest:
            return kernel  # of a network with other maps, which its shape will tell
        return kernel.reshape(channels, pixels, -1).swapaxes(0, 1).reshape(kernel.shape)

    return Kernel(layer, channels_last)


def permuted(layer: str, *, inputs: Sequence[int] = (), outputs: Sequence[int] = ()) -> Kernel:
    """A layer whose channels have another order.

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
