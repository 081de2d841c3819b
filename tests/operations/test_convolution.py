"""Layers by kernels: values, gradients and their gradients, alone and on several devices."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh, PartitionSpec

from src.operations.block import Block, residual_block
from src.operations.conv_norm import convolution_norm, norm_convolution
from src.operations.convolution import RELU, Activation, convolution
from src.operations.fixed_norm import finished_convolution, opened_convolution
from src.operations.norm import Norm, Weights
from src.operations.window import Window
from src.operations.window import convolution as xla
from tests.operations.exact import assert_as_exact

SAME, STRIDE = Window((1, 1), ((1, 1), (1, 1))), Window((2, 2), ((1, 1), (1, 1)))
EPSILON = 1e-5


def some(number, *shape):
    return jax.random.normal(jax.random.key(number), shape)


def half(number, channels, filters):
    return Weights(
        some(number, 3, 3, channels, filters) / 10, 1 + some(number + 1, filters) ** 2, some(number + 2, filters)
    )


def normalized(z, scale, bias, axis):
    mean, square = z.mean((0, 1, 2)), (z**2).mean((0, 1, 2))
    if axis is not None:
        mean, square = jax.lax.pmean((mean, square), axis)
    variance = square - mean**2
    return (z - mean) * jax.lax.rsqrt(variance + EPSILON) * scale + bias, (mean, variance)


def xla_layer(window, relu, axis, x, own, addend):
    y, moments = normalized(xla(x, own.filters, window), own.scale, own.bias, axis)
    y = y if addend is None else y + addend
    return jax.nn.relu(y) if relu else y, moments


def xla_block(windows, identity, axis, x, one, two, shortcut):
    h, moments = xla_layer(windows[0], True, axis, x, one, None)
    y, others = xla_layer(windows[1], True, axis, h, two, x if identity else shortcut)
    return y, moments, others


def layer_pair(library, window, relu, axis=None):
    def ours(x, own, addend):
        return convolution_norm(library, Norm(window, EPSILON, axis), Activation(relu), x, own, addend)

    return ours, partial(xla_layer, window, relu, axis)


def block_pair(library, windows, identity, axis=None):
    norms = (Norm(window, EPSILON, axis) for window in windows)
    return partial(residual_block, library, Block(*norms, identity)), partial(xla_block, windows, identity, axis)


def norm_first_pair(library, window, axis=None):
    def by_xla(x, own):
        h, moments = normalized(x, own.scale, own.bias, axis)
        return xla(jax.nn.relu(h), own.filters, window), moments

    return lambda x, own: norm_convolution(library, Norm(window, EPSILON, axis), x, own), by_xla


def pulled(function):
    """Values, and gradients of something of all of them, the moments too."""

    def both(*arguments):
        value, back = jax.vjp(function, *arguments)
        return value, back(jax.tree.map(jnp.sin, value))

    return both


LAYERS = {
    "relu": (SAME, True, None),
    "no relu": (STRIDE, False, None),
    "addend": (SAME, True, (6, 8, 8, 24)),
    "addend without relu": (SAME, False, (6, 8, 8, 24)),
}


@pytest.mark.parametrize("case", LAYERS)
def test_a_layer_is_as_exact_as_by_xla(library, case):
    """Values and gradients err at most as much as XLA's (`assert_as_exact`)."""
    window, relu, added = LAYERS[case]
    pair = layer_pair(library, window, relu)
    addend = None if added is None else some(9, *added)
    assert_as_exact(*map(pulled, pair), some(0, 6, 8, 8, 16), half(1, 16, 24), addend)


@pytest.mark.parametrize("window", [SAME, STRIDE])
def test_a_layer_whose_norm_comes_first_is_about_as_exact_as_by_xla(library, window):
    """Values and gradients err at most four times as much as XLA's (`assert_as_exact`)."""
    own = Weights(some(1, 3, 3, 16, 24) / 10, 1 + some(2, 16) ** 2, some(3, 16))
    assert_as_exact(*map(pulled, norm_first_pair(library, window)), some(0, 6, 8, 8, 16), own)


BLOCKS = {"identity": ((SAME, SAME), True, False), "plain": ((SAME, SAME), False, False),
          "shortcut": ((STRIDE, SAME), False, True)}  # fmt: skip


@pytest.mark.heavy
@pytest.mark.parametrize("case", BLOCKS)
def test_a_block_is_about_as_exact_as_by_xla(library, case):
    """Values and gradients err at most one and a half times as much as XLA's (`assert_as_exact`)."""
    windows, identity, given = BLOCKS[case]
    shortcut = some(9, 6, 4, 4, 16) if given else None
    pair = block_pair(library, windows, identity)
    assert_as_exact(*map(pulled, pair), some(0, 6, 8, 8, 16), half(1, 16, 16), half(4, 16, 16), shortcut, factor=1.5)


def test_an_empty_batch_gives_what_xla_gives(library):
    x, one, two = some(0, 0, 4, 4, 8), half(1, 8, 8), half(4, 8, 8)
    for pair, parts in (
        (layer_pair(library, SAME, True), (one,)),
        (block_pair(library, (SAME, SAME), True), (one, two)),
    ):
        found, expected = (jax.jit(pulled(function))(x, *parts, None) for function in pair)
        for own, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
            np.testing.assert_array_equal(own, other)


@pytest.mark.heavy
def test_a_convolution_is_as_exact_as_by_xla(library):
    """Values and gradients err at most as much as XLA's (`assert_as_exact`)."""
    for channels, filters in ((16, 20), (3, 16), (70, 100)):
        arguments = some(0, 3, 6, 6, channels), some(1, 3, 3, channels, filters)
        ours = pulled(partial(convolution, library, SAME))
        assert_as_exact(ours, pulled(partial(xla, window=SAME)), *arguments)


def loss(function, *arguments):
    return sum(jnp.sum(jnp.sin(leaf)) for leaf in jax.tree.leaves(function(*arguments)))


def alone_pair(library):
    """A convolution with nothing around it."""
    return partial(convolution, library, SAME), partial(xla, window=SAME)


def biased_pair(library):
    """A convolution with bias and ReLU."""
    own = partial(finished_convolution, library, SAME, RELU)
    return own, lambda x, filters, bias: jax.nn.relu(xla(x, filters, SAME) + bias)


def opened_pair(library):
    """A convolution of what a ReLU passes of constant scales and shifts."""
    own = partial(opened_convolution, library, SAME)
    return own, lambda x, filters, scale, shift: xla(jax.nn.relu(scale * x + shift), filters, SAME)


@pytest.mark.parametrize("kind", ["alone", "biased", "opened", "block"])
def test_gradients_of_gradients_are_those_of_xla(library, kind):
    """To a thousandth of each value, or 1e-4 of the largest."""
    x, filters = some(0, 2, 4, 4, 8), some(1, 3, 3, 8, 8)
    (ours, theirs), arguments = {
        "alone": (alone_pair(library), (x, filters)),
        "biased": (biased_pair(library), (x, filters, some(2, 8))),
        "opened": (opened_pair(library), (x, filters, some(2, 8), some(3, 8))),
        "block": (
            [lambda *args, of=of: of(*args, None) for of in block_pair(library, (SAME, SAME), True)],
            (x, half(1, 8, 8), half(4, 8, 8)),
        ),
    }[kind]
    direction = jax.tree.map(jnp.cos, arguments)

    def forward_over_reverse(function):
        gradient = jax.grad(lambda args: loss(function, *args))
        return jax.jvp(gradient, (arguments,), (direction,))[1]

    def reverse_over_reverse(function):
        gradient = jax.grad(lambda args: loss(function, *args))
        return jax.grad(lambda args: sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(gradient(args))))(arguments)

    for curved in (forward_over_reverse, reverse_over_reverse):
        found, expected = jax.jit(curved, static_argnums=0)(ours), jax.jit(curved, static_argnums=0)(theirs)
        for own, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
            np.testing.assert_allclose(own, other, rtol=1e-3, atol=1e-4 * np.abs(other).max())


@pytest.mark.heavy
def test_loops_maps_and_recomputation_give_what_calls_give(library):
    """To 1e-4 of each value, or 1e-6."""
    own = half(1, 8, 8)
    images = some(0, 3, 2, 4, 4, 8)
    gradient = jax.grad(lambda x: loss(layer_pair(library, SAME, True)[0], x, own, None))
    again = jax.grad(jax.checkpoint(lambda x: loss(layer_pair(library, SAME, True)[0], x, own, None)))
    expected = jnp.stack([gradient(x) for x in images])
    for way in (jax.vmap(gradient), partial(jax.lax.map, gradient), jax.vmap(again)):
        np.testing.assert_allclose(jax.jit(way)(images), expected, rtol=1e-4, atol=1e-6)


def on_devices(function, devices, check, x, parts):
    """Gradients of something of all outputs: of x, divided among devices, and of what all of them have."""

    def own(x, parts):
        dx, dparts = jax.grad(lambda x, parts: jnp.sum(jnp.sin(function(x, *parts)[0])), argnums=(0, 1))(x, parts)
        return dx, dparts if check else jax.lax.psum(dparts, "batch")

    mesh = Mesh(np.array(jax.devices()[:devices]), ("batch",))
    divided, everywhere = PartitionSpec("batch"), PartitionSpec()
    specs = {"in_specs": (divided, everywhere), "out_specs": (divided, everywhere)}
    return jax.jit(jax.shard_map(own, mesh=mesh, check_vma=check, **specs))(x, parts)


@pytest.mark.parametrize("devices", [1, 2, 8])
@pytest.mark.parametrize("axis", [None, "batch"])
@pytest.mark.parametrize("check", [True, False])
def test_devices_share_their_statistics_as_by_xla(library, devices, axis, check):
    """To 1e-4 of each value, or 2e-5 of the largest."""
    x, parts = some(0, 16, 4, 4, 8), (half(1, 8, 8), half(4, 8, 8), None)
    pairs = [(block_pair(library, (SAME, SAME), True, axis), parts)]
    if devices == 2:
        pairs.append((norm_first_pair(library, SAME, axis), parts[:1]))
    for pair, given in pairs:
        ours, theirs = (on_devices(function, devices, check, x, given) for function in pair)
        for own, other in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
            np.testing.assert_allclose(own, other, rtol=1e-4, atol=2e-5 * np.abs(other).max())


def test_pmap_shares_statistics_too(library):
    """To 1e-4 of each value, or 2e-5 of the largest."""
    x, parts = some(0, 2, 8, 4, 4, 8), (half(1, 8, 8), half(4, 8, 8))
    found, expected = (
        jax.pmap(jax.grad(lambda x, function=function: loss(function, x, *parts, None)), axis_name="batch",
                 devices=jax.devices()[:2])(x)
        for function in block_pair(library, (SAME, SAME), True, "batch")
    )  # fmt: skip
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=2e-5 * np.abs(expected).max())


def test_a_forward_derivative_is_refused_and_not_wrong(library):
    x = some(0, 2, 4, 4, 8)
    with pytest.raises(TypeError, match="custom_vjp"):
        jax.jvp(lambda x: convolution(library, SAME, x, some(1, 3, 3, 8, 8)), (x,), (x,))
