"""Convolutions as they are written for a platform, beside XLA's own."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from src.operations.fast_layers import use_fast_layers


def convolutions(platform, arguments):
    """XLA's convolution of 6 channels with 12 filters, and the same one as it is written for a platform."""
    plain, ours = (nnx.Conv(6, 12, rngs=nnx.Rngs(0), **arguments) for _ in range(2))
    use_fast_layers(ours, platform)
    return plain, ours


def check_same(plain, ours, shape):
    """Outputs, and gradients of both sides."""
    images = jax.random.normal(jax.random.key(1), (4, *shape))

    @nnx.jit
    def outputs_and_gradients(layer, images):
        def loss(layer, images):
            return jnp.sum(jnp.sin(layer(images)))

        return layer(images), nnx.grad(loss, argnums=(0, 1))(layer, images)

    (value, expected), (own, found) = (outputs_and_gradients(layer, images) for layer in (plain, ours))
    np.testing.assert_allclose(own, value, rtol=1e-5, atol=1e-5)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4), expected, found)
