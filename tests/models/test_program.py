"""Costs and fields of programs with loops, branches and spread pixels, which the survey's networks do not have."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import pytest
from flax import nnx

from src.config.errors import UserError
from src.models.program import Field, Place, read

ROUNDS = 10
KERNEL = jnp.zeros((3, 3, 4, 4))
IMAGE = jax.ShapeDtypeStruct((1, 8, 8, 4), jnp.float32)
ONCE = 8 * 8 * 4 * 3 * 3 * 4


def convolved(x):
    return jax.lax.conv_general_dilated(x, KERNEL, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


def unrolled(x):
    for _ in range(ROUNDS):
        x = convolved(x)
    return x


LOOPS = {
    "unrolled": unrolled,
    "scan": lambda x: jax.lax.scan(lambda x, _: (convolved(x), None), x, length=ROUNDS)[0],
    "fori_loop": lambda x: jax.lax.fori_loop(0, ROUNDS, lambda _, x: convolved(x), x),
    "in another program": jax.jit(lambda x: jax.checkpoint(unrolled)(x)),
}
UNKNOWN = {
    "while_loop": lambda x: jax.lax.while_loop(lambda x: x.sum() < 1, convolved, x),
    "cond": lambda x: jax.lax.cond(x.sum() > 0, convolved, lambda x: x, x),
    "in a call": lambda x: jax.lax.while_loop(lambda x: x.sum() < 1, jax.jit(convolved), x),
}


def place(start, step):
    return Place(tuple(map(Fraction, start)), tuple(map(Fraction, step)))


def found(network, image=IMAGE):
    return read(jax.make_jaxpr(network)(image), image.shape[1:-1])


def multiplications(network, image=IMAGE):
    return sum(operation.multiplications for operation in found(network, image).operations)


@pytest.mark.parametrize("network", LOOPS.values(), ids=LOOPS)
def test_a_loop_costs_and_sees_what_its_rounds_do(network):
    assert multiplications(network) == ROUNDS * ONCE
    side = 2 * ROUNDS + 1
    assert found(network).output == Field((side, side), (1, 1), ROUNDS, place((-ROUNDS, -ROUNDS), (1, 1)))


def test_a_map_costs_every_part():
    assert multiplications(lambda x: jax.lax.map(lambda row: row @ jnp.zeros((4, 5)), x[0])) == 8 * 8 * 4 * 5


@pytest.mark.parametrize("network", UNKNOWN.values(), ids=UNKNOWN)
def test_what_depends_on_values_is_refused(network):
    with pytest.raises(UserError, match="depends on values, so costs and fields cannot be read off"):
        found(network)


def test_loops_without_products_cost_nothing():
    assert multiplications(lambda x: jax.lax.while_loop(lambda x: x.sum() < 1, lambda x: x + 1, x)) == 0


def test_zeros_between_pixels_cost_nothing():
    layer = nnx.ConvTranspose(4, 4, (2, 2), (2, 2), rngs=nnx.Rngs(0))
    assert multiplications(layer) == 16 * 16 * 4 * 4
    assert found(layer).output.stride == (1, 1)


SIDE = 24


def window(size, stride=1, padding="SAME", spread=1):
    kernel = jnp.ones((size, size, 4, 4))
    options = {"dimension_numbers": ("NHWC", "HWIO", "NHWC"), "lhs_dilation": (spread, spread)}
    return lambda x: jax.lax.conv_general_dilated(x, kernel, (stride, stride), padding, **options)


def chain(*functions):
    def network(x):
        for function in functions:
            x = function(x)
        return x

    return network


def as_product(x):
    """A convolution of 3x3 as a product of what its windows see."""
    height, width = x.shape[1:3]
    padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    seen = [padded[:, i : i + height, j : j + width] for i in range(3) for j in range(3)]
    return jnp.einsum("bhwnc,ncd->bhwd", jnp.stack(seen, axis=3), jnp.ones((9, 4, 4)))


EXACT = {
    "uneven padding": chain(window(3, 2), window(3, 2)),
    "no padding": chain(window(3, 2, "VALID"), window(2, 1, "VALID")),
    "pixels apart": chain(window(5, 2, ((2, 2), (2, 2))), lambda x: x[:, ::2, ::2], window(3)),
    "cut and padded": chain(
        lambda x: x[:, 3:, 1:-1], lambda x: jnp.pad(x, ((0, 0), (1, 0), (0, 1), (0, 0))), window(3)
    ),
    "pooled": chain(window(3), lambda x: nnx.avg_pool(x, (3, 2), (2, 2), "SAME"), jax.nn.softplus),
    "branches": lambda x: window(3, 2)(x) + window(1, 2)(x) + window(2, 2, ((1, 0), (0, 1)))(x),
    "as a product": chain(window(2), as_product, window(3)),
    "by channels": chain(window(3), lambda x: x @ jnp.ones((4, 5)), lambda x: x[..., :2]),
}
INSIDE = {
    "enlarged": chain(window(3, 2), window(3, 1, ((1, 2), (1, 2)), 2), window(3)),
    "repeated": chain(window(3, 2), lambda x: x.repeat(2, axis=1).repeat(2, axis=2), window(3)),
    "resized": lambda x: jax.image.resize(window(3, 2)(x), x.shape, "linear"),
    "averaged": lambda x: window(3)(x).mean(axis=(1, 2)),
    "turned": chain(window(3), lambda x: x[:, ::-1]),
    "rolled": lambda x: jnp.roll(window(3)(x), 3, axis=2),
    "mixed positions": lambda x: jnp.einsum("bhwc,hk->bkwc", x, jnp.ones((SIDE, SIDE))),
    "summed up": lambda x: jnp.cumsum(window(3)(x), axis=1),
    "excited": lambda x: x * jax.nn.sigmoid(x.mean(axis=(1, 2), keepdims=True)),
    "row by row": lambda x: jax.lax.map(lambda row: row[::-1] * 2, x),
}


def seen(network, image, position):
    """First and last pixel, in both dimensions, that an output value has a gradient by."""
    slope = jax.grad(lambda x: network(x)[(0, *position)].sum())(image)[0]
    rows, columns = (jnp.flatnonzero(jnp.abs(slope).sum(axes)) for axes in ((1, 2), (0, 2)))
    return tuple(slice(int(own[0]), int(own[-1]) + 1) for own in (rows, columns))


@pytest.mark.parametrize("name", [*EXACT, *INSIDE])
def test_the_pixels_of_a_value_are_those_with_a_gradient(name):
    network, image = {**EXACT, **INSIDE}[name], jax.random.normal(jax.random.key(0), (1, SIDE, SIDE, 4))
    field, output = found(network, image).output, jax.eval_shape(network, image)
    height, width = output.shape[1:3] if output.ndim > 2 else (1, 1)
    for position in [(0, 0), (height // 2, width // 3), (height - 1, width - 1)]:
        pixels, true = field.pixels(position, (SIDE, SIDE)), seen(network, image, position[: output.ndim - 2])
        assert all(own.start <= each.start and own.stop >= each.stop for own, each in zip(pixels, true, strict=True))
        at_border = position != (height // 2, width // 3)  # where a value may see padding in place of pixels
        assert pixels == true or at_border or name in INSIDE
