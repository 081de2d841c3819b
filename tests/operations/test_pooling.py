"""Pooling by kernels: values, gradients and their gradients, alone and on several devices."""

import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.sharding import Mesh, PartitionSpec

from src.operations.calls import called
from src.operations.pooling import average_pool, max_pool
from src.operations.trial import pools
from src.operations.window import Window
from tests.operations.exact import assert_as_exact
from tests.operations.test_calls import FOUND

NONE = ((0, 0), (0, 0))
SHAPES = {
    "2x2": ((5, 8, 8, 32), (2, 2), Window((2, 2), NONE)),
    "2x2, odd sides": ((3, 9, 7, 21), (2, 2), Window((2, 2), NONE)),
    "overlapping": ((4, 9, 8, 16), (3, 3), Window((2, 2), ((1, 1), (1, 1)))),
    "every place": ((3, 8, 8, 48), (3, 3), Window((1, 1), ((1, 1), (1, 1)))),
    "over the edge": ((2, 8, 8, 5), (3, 3), Window((2, 2), ((0, 1), (0, 1)))),
    "asymmetric": ((2, 9, 7, 3), (3, 2), Window((2, 3), ((0, 2), (1, 0)))),
    "stride over the window": ((2, 11, 9, 40), (2, 2), Window((3, 4), NONE)),
    "one pixel": ((33, 5, 4, 1), (1, 1), Window((2, 2), NONE)),
    "nothing but padding": ((2, 4, 4, 17), (2, 2), Window((1, 2), ((3, 4), (2, 3)))),
    "whole maps": ((2, 4, 5, 16), (4, 5), Window((4, 5), NONE)),
    "large window": ((1, 20, 21, 3), (5, 4), Window((2, 1), ((4, 4), (3, 3)))),
    "few images, many channels": ((1, 9, 9, 200), (3, 3), Window((2, 2), NONE)),
}


@pytest.mark.heavy
@pytest.mark.parametrize("shape", SHAPES)
def test_pooling_is_as_exact_as_by_xla(library, shape):
    check(library, *SHAPES[shape])


@st.composite
def any_shape(draw):
    """Of images, of a window, and how it moves."""
    numbers = st.integers
    pair, pads = st.tuples(numbers(1, 4), numbers(1, 4)), st.tuples(numbers(0, 4), numbers(0, 4))
    size, strides, above, beside = draw(pair), draw(pair), draw(pads), draw(pads)
    rows, columns = (
        max(1, side - sum(pad)) + draw(numbers(0, 9)) for side, pad in zip(size, (above, beside), strict=True)
    )
    return (draw(numbers(1, 20)), rows, columns, draw(numbers(1, 70))), size, Window(strides, (above, beside))


@pytest.mark.heavy
@settings(max_examples=2, **FOUND)
@given(any_shape())
def test_pooling_is_as_exact_as_by_xla_for_a_few_random_shapes(library, shape):
    check(library, *shape)


@pytest.mark.slow
@settings(max_examples=40, **FOUND)
@given(any_shape())
def test_pooling_is_as_exact_as_by_xla_for_many_random_shapes(library, shape):
    check(library, *shape)


def check(library, *shape):
    """Every kernel, in one program; NaN where XLA's are, and errors of at most XLA's (`assert_as_exact`)."""
    calls, arrays = zip(*pools(*shape), strict=True)

    def finite(results):
        return jax.tree.map(lambda array: jnp.where(jnp.isfinite(array), array, 0), results), [
            (jnp.isnan(array), jnp.isinf(array)) for array in jax.tree.leaves(results)
        ]

    assert_as_exact(
        lambda arrays: finite([called(library, *each) for each in zip(calls, arrays, strict=True)]),
        lambda arrays: finite([call.reference(*each) for call, each in zip(calls, arrays, strict=True)]),
        arrays,
    )


SAME = Window((2, 2), ((1, 1), (1, 1)))
KINDS = {
    "largest": (max_pool, lambda x: nnx.max_pool(x, (3, 3), (2, 2), SAME.padding)),
    "mean": (average_pool, lambda x: nnx.avg_pool(x, (3, 3), (2, 2), SAME.padding, count_include_pad=False)),
    "mean with zeros": (
        partial(average_pool, whole=True),
        lambda x: nnx.avg_pool(x, (3, 3), (2, 2), SAME.padding, count_include_pad=True),
    ),
}


def both(library, kind):
    """Ours, and XLA's."""
    ours, by_xla = KINDS[kind]
    return lambda x: ours(library, (3, 3), SAME, x), by_xla


def some(number, *shape):
    return jax.random.normal(jax.random.key(number), shape)


def pulled(pool, x):
    """Values, and gradients of something."""
    y, back = jax.vjp(pool, x)
    return y, back(some(9, *y.shape))[0]


def assert_same(found, expected):
    """To 1e-6 of each value; NaN is NaN, and zeros have the same sign. XLA divides by a product with the inverse."""
    for own, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-6, atol=1e-6)
        zeros = np.asarray(other) == 0
        np.testing.assert_array_equal(np.signbit(own)[zeros], np.signbit(other)[zeros])


SPECIAL = (np.nan, np.inf, -np.inf, -0.0, 0.0, 1e-40, -1e-40, 3e38)


@pytest.mark.parametrize("kind", KINDS)
def test_special_values_go_where_xla_lets_them_go(library, kind):
    """Alone, and beside another in one window: each pair in an image of zeros, and in one of numbers."""
    pairs = np.array([*itertools.product(SPECIAL, SPECIAL)] * 2, np.float32)
    x = jnp.concatenate([jnp.zeros((64, 6, 6, 17)), some(0, 64, 6, 6, 17)])
    x = x.at[:, 1, 2, 3].set(pairs[:, 0]).at[:, 2, 1, 3].set(pairs[:, 1]).at[:, 3, 3, 5].set(pairs[:, 0])
    assert_same(*(jax.jit(partial(pulled, pool))(x) for pool in both(library, kind)))


@pytest.mark.parametrize("value", [-np.inf, np.nan, 1e-40])
def test_maps_of_one_value_only(library, value):
    """Where all is minus infinity XLA loses gradients to the padding; ours go to the first place of the maps."""
    x = jnp.full((1, 6, 6, 3), value, jnp.float32)
    (y, dx), expected = (jax.jit(partial(pulled, pool))(x) for pool in both(library, "largest"))
    if np.isinf(value):
        np.testing.assert_allclose(dx.sum(), some(9, *y.shape).sum(), rtol=1e-5)
    else:
        assert_same((y, dx), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_special_gradients_go_where_xla_lets_them_go(library, kind):
    x = some(0, 16, 6, 6, 17)
    dy = jnp.concatenate([jnp.zeros((8, 3, 3, 17)), some(1, 8, 3, 3, 17)])
    dy = dy.at[:, 1, 1, 3].set(np.array(SPECIAL * 2, np.float32))
    found = (jax.jit(lambda x, dy, pool=pool: jax.vjp(pool, x)[1](dy))(x, dy) for pool in both(library, kind))
    assert_same(*found)


@pytest.mark.parametrize("kind", KINDS)
def test_equal_values_give_the_gradient_to_the_first(library, kind):
    """To 1e-6 of each value."""
    x = jax.nn.relu(jnp.round(some(0, 4, 9, 9, 20)))
    for own, other in zip(*(jax.jit(partial(pulled, pool))(x) for pool in both(library, kind)), strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("shape", [(0, 6, 6, 4), (2, 6, 6, 0)])
@pytest.mark.parametrize("kind", KINDS)
def test_empty_maps_give_what_xla_gives(library, kind, shape):
    found, expected = (jax.jit(partial(pulled, pool))(jnp.zeros(shape)) for pool in both(library, kind))
    assert_same(found, expected)


@pytest.mark.parametrize("kind", KINDS)
def test_loops_maps_and_recomputation_give_what_calls_give(library, kind):
    pool, _ = both(library, kind)
    images = some(0, 3, 2, 7, 6, 8)

    def gradient(pool):
        return jax.grad(lambda x: jnp.sum(jnp.sin(pool(x))))

    expected = jnp.stack([gradient(pool)(x) for x in images])
    for way in (
        jax.vmap(gradient(pool)),
        partial(jax.lax.map, gradient(pool)),
        jax.vmap(gradient(jax.checkpoint(pool))),
    ):
        np.testing.assert_allclose(jax.jit(way)(images), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_gradients_are_those_of_xla(library, kind):
    """To 1e-5 of each value, or 1e-6."""
    x, direction = some(0, 2, 7, 6, 5), some(1, 2, 7, 6, 5)

    def curved(pool):
        gradient = jax.grad(lambda x: jnp.sum(jnp.sin(pool(x * x))))
        along = jax.jvp(gradient, (x,), (direction,))[1]
        return along, jax.grad(lambda x: jnp.sum(gradient(x) ** 2))(x)

    for own, other in zip(*(jax.jit(curved, static_argnums=0)(pool) for pool in both(library, kind)), strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("check_vma", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_devices_pool_their_own_images(library, kind, check_vma):
    """Gradients too, and their gradients: to 1e-6 of each value."""
    x, axis = some(0, 4, 7, 6, 5), PartitionSpec("batch")
    mesh = Mesh(np.array(jax.devices()[:2]), ("batch",))

    def own(pool, x):
        gradient = jax.grad(lambda x: jnp.sum(jnp.sin(pool(x))))
        return pool(x), gradient(x), jax.jvp(gradient, (x,), (x,))[1]

    for pool in both(library, kind):
        divided = jax.shard_map(partial(own, pool), mesh=mesh, in_specs=axis, out_specs=axis, check_vma=check_vma)
        for one, other in zip(jax.jit(divided)(x), own(pool, x), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)


def test_a_forward_derivative_is_refused_and_not_wrong(library):
    x = some(0, 2, 6, 6, 4)
    with pytest.raises(TypeError, match="custom_vjp"):
        jax.jvp(both(library, "mean")[0], (x,), (x,))
