"""Convolutions as they are written for the CPU beside XLA's own, value and both gradients together."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array

from benchmarks.measure import ratio
from src.models.cpu_convolution import convolution
from src.studies.timing import in_turn


class Case(NamedTuple):
    """A layer on a batch of maps."""

    batch: int
    side: int
    channels: int
    filters: int
    window: int
    groups: int = 1


CASES = {
    "3x3 on 2x2 pixels, 64 channels (the last stage of ResNet-20 on digits)": Case(128, 2, 64, 64, 3),
    "3x3 on 2x2 pixels, 512 channels (the last stage of VGG16 on CIFAR-10)": Case(32, 2, 512, 512, 3),
    "5x5 on 8x8 pixels, 96 channels in 2 groups (AlexNet's second layer)": Case(64, 8, 96, 256, 5, 2),
    "3x3 on 16x16 pixels, 64 channels in 4 groups": Case(64, 16, 64, 64, 3, 4),
}


def work(case: Case, **how: Any) -> Callable[[], Any]:
    """The value of a layer and its gradients, waited for."""
    window = (case.window, case.window)
    groups, rngs = case.groups, nnx.Rngs(0)
    layer = nnx.Conv(case.channels, case.filters, window, feature_group_count=groups, rngs=rngs, **how)
    definition, weights = nnx.split(layer)
    images = jax.random.normal(jax.random.key(0), (case.batch, case.side, case.side, case.channels))

    @jax.jit
    def both(weights: Any, images: Array) -> Any:
        def loss(weights: Any, images: Array) -> Array:
            return jnp.sum(jnp.sin(nnx.merge(definition, weights)(images)))

        return jax.value_and_grad(loss, argnums=(0, 1))(weights, images)

    return lambda: jax.block_until_ready(both(weights, images))


def measure(rounds: int) -> dict[str, Any]:
    """The ratios; nothing where there is no CPU."""
    if jax.default_backend() != "cpu":
        return {"skipped": "only on the CPU are convolutions written differently"}
    figures = {}
    for name, case in CASES.items():
        seconds = in_turn({"ours": work(case, conv_general_dilated=convolution), "XLA": work(case)}, rounds=rounds)
        figures[name] = ratio(seconds, "ours", "XLA")
    return figures
