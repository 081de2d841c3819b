"""Pooling alone, beside PyTorch's and XLA's: values, and values with their gradient.

On CPUs ours are kernels of our own, PyTorch's are channels last, and XLA's are in the form that `kernels=xla` takes.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from benchmarks.measure import NO_TORCH
from benchmarks.steps import beside_all
from src.layers.pooling import AveragePool, MaxPool
from src.operations.fast_layers import use_fast_layers
from src.operations.fused import use_kernels
from src.studies.timing import in_turn
from src.training.kernels import chosen_kernels

Work = Callable[[], Any]


class Case(NamedTuple):
    """A layer and the maps that it is given."""

    kind: type[MaxPool] | type[AveragePool]
    size: int
    stride: int
    padding: int
    maps: tuple[int, int, int, int]


CASES = {
    "maximum of 2x2, 32x32x64 (VGG16)": Case(MaxPool, 2, 2, 0, (128, 32, 32, 64)),
    "maximum of 2x2, 8x8x256 (VGG16)": Case(MaxPool, 2, 2, 0, (128, 8, 8, 256)),
    "maximum of 3x3 by 2, 112x112x64 (ResNet-50)": Case(MaxPool, 3, 2, 1, (8, 112, 112, 64)),
    "maximum of 3x3 everywhere, 8x8x480 (GoogLeNet)": Case(MaxPool, 3, 1, 1, (64, 8, 8, 480)),
    "mean of 2x2, 32x32x108 (DenseNet-BC)": Case(AveragePool, 2, 2, 0, (64, 32, 32, 108)),
    "mean of 3x3 everywhere, 8x8x288 (Inception v3)": Case(AveragePool, 3, 1, 1, (64, 8, 8, 288)),
}


def layers(case: Case) -> dict[str, Callable[[Array], Array]]:
    """By kernels of our own where there are any, and by XLA's operations."""
    found: dict[str, Callable[[Array], Array]] = {}
    for name, library in (("ours", chosen_kernels("auto")), ("XLA", None)):
        layer = case.kind(case.size, case.stride, padding=case.padding)
        use_fast_layers(layer, jax.default_backend())
        if library is not None:
            use_kernels(layer, library.key)
        found[name] = layer
    return found


def compiled(layer: Callable[[Array], Array], x: np.ndarray) -> dict[str, Work]:
    """The layer, and its value with its gradient."""
    maps, dy = jnp.asarray(x), jnp.ones(jax.eval_shape(layer, x).shape)

    def pulled(x: Array, dy: Array) -> tuple[Array, tuple[Array]]:
        y, back = jax.vjp(layer, x)
        return y, back(dy)

    forward, both = jax.jit(layer), jax.jit(pulled)
    return {
        "": lambda: jax.block_until_ready(forward(maps)),
        ", with gradient": lambda: jax.block_until_ready(both(maps, dy)),
    }


def in_torch(case: Case, x: np.ndarray) -> dict[str, Work]:
    """The same in PyTorch."""
    import torch
    from torch.nn import functional

    how = {"kernel_size": case.size, "stride": case.stride, "padding": case.padding}
    largest, mean = functional.max_pool2d, partial(functional.avg_pool2d, count_include_pad=False)
    pool: Any = partial(largest if case.kind is MaxPool else mean, **how)
    maps = torch.from_numpy(x.transpose(0, 3, 1, 2))  # channels last as they are
    leaf = maps.detach().requires_grad_()
    dy = torch.ones_like(pool(maps))

    def both() -> Any:
        return torch.autograd.grad(pool(leaf), leaf, dy)

    return {"": lambda: pool(maps), ", with gradient": both}


def measure(rounds: int) -> dict[str, Any]:
    """The ratios of each case; nothing where PyTorch is not installed."""
    try:
        import torch  # noqa: F401
    except ImportError:
        return NO_TORCH
    figures: dict[str, Any] = {}
    for name, case in CASES.items():
        x = np.random.default_rng(0).normal(size=case.maps).astype(np.float32)
        works = {who: compiled(layer, x) for who, layer in layers(case).items()} | {"torch": in_torch(case, x)}
        for part in works["ours"]:
            seconds = in_turn({who: work[part] for who, work in works.items()}, rounds=rounds, warm_up=3)
            figures |= beside_all(name + part, seconds)
    return figures
