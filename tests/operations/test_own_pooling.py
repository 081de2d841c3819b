"""Pooling layers that compute by kernels: XLA's numbers, and XLA's operations for what kernels do not take."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from src.layers.pooling import AveragePool, MaxPool
from src.models.inception_v3 import ZerosAverage
from tests.operations.test_cpu_pooling import CASES
from tests.operations.test_fused import called, library, with_kernels  # noqa: F401

ON_MAPS = {name: ((*shape[:2], 20), how) for name, (shape, how) in CASES.items() if name not in ("line", "one pixel")}


@pytest.mark.parametrize("kind", [MaxPool, AveragePool])
@pytest.mark.parametrize("case", ON_MAPS)
def test_values_and_gradients_are_those_of_xla(library, kind, case):  # noqa: F811
    """To 1e-6 of each value."""
    shape, arguments = ON_MAPS[case]
    agrees(library, kind(**arguments), jnp.round(jax.random.normal(jax.random.key(0), (4, *shape))))


def test_zeros_around_count_where_they_did(library):  # noqa: F811
    agrees(library, ZerosAverage(), jax.random.normal(jax.random.key(0), (2, 6, 7, 20)))


def agrees(library, plain, x):  # noqa: F811
    own = with_kernels(plain, library)
    assert called(own, x) == 1
    dy = jax.random.normal(jax.random.key(1), plain(x).shape)
    (value, back), (expected, expected_back) = jax.vjp(own, x), jax.vjp(plain, x)
    np.testing.assert_allclose(value, expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(back(dy)[0], expected_back(dy)[0], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", [MaxPool, AveragePool])
def test_what_kernels_do_not_take_is_computed_by_xla(library, kind):  # noqa: F811
    for name, (layer, x) in {
        "a line": (kind(2), jnp.ones((2, 6, 16))),
        "half precision": (kind(2), jnp.ones((2, 6, 6, 16), jnp.bfloat16)),
        "no images": (kind(2), jnp.ones((0, 6, 6, 16))),
        "maps smaller than the window": (kind(7), jnp.ones((2, 6, 6, 16))),
        "few channels": (kind(2), jnp.ones((2, 6, 6, 15))),
        "windows of one place": (kind(1, 2), jnp.ones((2, 6, 6, 16))),
        "windows of many places": (kind(17), jnp.ones((2, 18, 18, 16))),
        "negative padding": (kind(2, padding=((-1, 0), (0, 0))), jnp.ones((2, 7, 6, 16))),
    }.items():
        own = with_kernels(layer, library)
        assert called(own, x) == 0, name
        np.testing.assert_array_equal(own(x), layer(x), name)
