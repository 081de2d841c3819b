"""The convolutions that a CIFAR ResNet consists of, each alone, beside PyTorch's, XLA's, and a large matrix product.

On CPUs ours are kernels of our own, PyTorch's those of oneDNN, channels last. Of the product it is the time in which it
does as much arithmetic as the definition of the convolution.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from benchmarks.measure import NO_TORCH
from benchmarks.steps import beside_all
from benchmarks.utilization import SIDE, product
from src.operations.convolution import convolution as by_kernels
from src.operations.window import Window
from src.operations.window import convolution as by_xla
from src.studies.timing import in_turn
from src.training.kernels import chosen_kernels

BATCH = 128
STAGES = ((32, 16), (16, 32), (8, 64))
"""Side of the maps, and their channels."""
WINDOW = Window((1, 1), ((1, 1), (1, 1)))
PARTS = {"forward": 1, "gradients": 2}
"""With how many products of matrices each of them is."""

Convolve = Callable[[Array, Array], Array]
Work = Callable[[], Any]


def ours() -> Convolve:
    """Kernels of our own where there are any."""
    library = chosen_kernels("auto")
    return partial(by_xla, window=WINDOW) if library is None else partial(by_kernels, library.key, WINDOW)


def compiled(convolve: Convolve, x: np.ndarray, filters: np.ndarray) -> dict[str, Work]:
    """The convolution, and both of its gradients."""
    a, b = jnp.asarray(x), jnp.asarray(filters)
    forward, gradients = jax.jit(convolve), jax.jit(lambda a, b: jax.vjp(convolve, a, b)[1](a))
    return {
        "forward": lambda: jax.block_until_ready(forward(a, b)),
        "gradients": lambda: jax.block_until_ready(gradients(a, b)),
    }


def in_torch(x: np.ndarray, filters: np.ndarray) -> dict[str, Work]:
    """The same in PyTorch."""
    import torch

    last = torch.channels_last
    a = torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2))).contiguous(memory_format=last)
    b = torch.from_numpy(np.ascontiguousarray(filters.transpose(3, 2, 0, 1))).contiguous(memory_format=last)
    how = ([1, 1], [1, 1], [1, 1], False, [0, 0], 1, [True, True, False])
    return {
        "forward": lambda: torch.conv2d(a, b, padding=1),
        "gradients": lambda: torch.ops.aten.convolution_backward(a, a, b, None, *how),
    }


def measure(rounds: int) -> dict[str, Any]:
    """The ratios of each part in each stage; nothing where PyTorch is not installed."""
    try:
        import torch  # noqa: F401
    except ImportError:
        return NO_TORCH
    convolve, side = ours(), SIDE[jax.default_backend()]
    limit = product("float32", side)
    figures: dict[str, Any] = {}
    for size, channels in STAGES:
        rng = np.random.default_rng(0)
        x = rng.normal(size=(BATCH, size, size, channels)).astype(np.float32)
        filters = rng.normal(size=(3, 3, channels, channels)).astype(np.float32)
        own, xla = compiled(convolve, x, filters), compiled(partial(by_xla, window=WINDOW), x, filters)
        peer = in_torch(x, filters)
        work = 2 * x.size * filters.size // channels
        for part, products in PARTS.items():
            each = {"ours": own[part], "torch": peer[part], "XLA": xla[part], "product": limit}
            seconds = in_turn(each, rounds=rounds, warm_up=3)
            seconds["product"] = [second * products * work / (2 * side**3) for second in seconds["product"]]
            figures |= beside_all(f"{part}, {size}x{size}x{channels}", seconds)
    return figures
