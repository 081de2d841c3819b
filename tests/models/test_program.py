"""Costs and fields of programs with loops, branches and spread pixels, which the survey's networks do not have."""

import jax
import jax.numpy as jnp
import pytest
from flax import nnx

from src.config.errors import UserError
from src.models.program import Field, read

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


def found(network, image=IMAGE):
    return read(jax.make_jaxpr(network)(image), image.shape[1:-1])


def multiplications(network, image=IMAGE):
    return sum(operation.multiplications for operation in found(network, image).operations)


@pytest.mark.parametrize("network", LOOPS.values(), ids=LOOPS)
def test_a_loop_costs_and_sees_what_its_rounds_do(network):
    assert multiplications(network) == ROUNDS * ONCE
    side = 2 * ROUNDS + 1
    assert found(network).output == Field((side, side), (1, 1), ROUNDS)


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
