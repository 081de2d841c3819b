"""Layers in the form that is fast on the device, beside XLA's own; value and gradients together."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array

from benchmarks.measure import ratio
from src.layers.pooling import MaxPool
from src.operations.fast_layers import use_fast_layers
from src.studies.timing import in_turn


class Case(NamedTuple):
    """A layer and its input maps."""

    maps: tuple[int, ...]
    layer: Callable[[], nnx.Module]


def conv(channels: int, filters: int, window: int, groups: int = 1) -> nnx.Conv:
    """A convolution with square filters."""
    return nnx.Conv(channels, filters, (window, window), feature_group_count=groups, rngs=nnx.Rngs(0))


CASES = {
    "cpu": {
        "3x3 on 2x2 pixels, 64 channels (the last stage of ResNet-20 on digits)": Case(
            (128, 2, 2, 64), partial(conv, 64, 64, 3)
        ),
        "3x3 on 2x2 pixels, 512 channels (the last stage of VGG16 on CIFAR-10)": Case(
            (32, 2, 2, 512), partial(conv, 512, 512, 3)
        ),
        "5x5 on 8x8 pixels, 96 channels in 2 groups (AlexNet's second layer)": Case(
            (64, 8, 8, 96), partial(conv, 96, 256, 5, groups=2)
        ),
        "3x3 on 16x16 pixels, 64 channels in 4 groups": Case((64, 16, 16, 64), partial(conv, 64, 64, 3, groups=4)),
        "2x2 max-pooling of 16x16 pixels, 64 channels (VGG16)": Case((128, 16, 16, 64), partial(MaxPool, 2)),
        "3x3 max-pooling at every place of 8x8 pixels, 480 channels (GoogLeNet)": Case(
            (64, 8, 8, 480), partial(MaxPool, 3, 1, padding=1)
        ),
    },
    "gpu": {
        "3x3 on 32x32 pixels, 16 channels (the first stage of ResNets on CIFAR-10)": Case(
            (500, 32, 32, 16), partial(conv, 16, 16, 3)
        ),
    },
}
"""Layers that are rewritten, by platform."""


def work(case: Case, platform: str | None) -> Callable[[], Any]:
    """A blocking function that computes value and gradients of a layer; without a platform in XLA's form."""
    layer = case.layer()
    if platform is not None:
        use_fast_layers(layer, platform)
    definition, weights = nnx.split(layer)
    maps = jax.random.normal(jax.random.key(0), case.maps)

    @jax.jit
    def both(weights: Any, maps: Array) -> Any:
        def loss(weights: Any, maps: Array) -> Array:
            return jnp.sum(nnx.merge(definition, weights)(maps) ** 2)

        return jax.value_and_grad(loss, argnums=(0, 1))(weights, maps)

    return lambda: jax.block_until_ready(both(weights, maps))


def measure(rounds: int) -> dict[str, Any]:
    """The ratios; empty if no layers are rewritten."""
    platform = jax.default_backend()
    if platform not in CASES:
        return {"skipped": f"no layer is written differently for a {platform}"}
    figures = {}
    for name, case in CASES[platform].items():
        seconds = in_turn({"ours": work(case, platform), "XLA": work(case, None)}, rounds=rounds)
        figures[name] = ratio(seconds, "ours", "XLA")
    return figures
