"""Layers with constants for their normalization: values, and whichever gradients are asked for."""

from functools import partial
from itertools import combinations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from src.operations.convolution import NOTHING, RELU, RELU6, convolution
from src.operations.fixed_norm import finished_convolution, opened_convolution
from src.operations.window import Window
from src.operations.window import convolution as xla
from tests.operations.exact import assert_as_exact

SAME, STRIDE = Window((1, 1), ((1, 1), (1, 1))), Window((2, 2), ((1, 1), (1, 1)))
ACTIVATIONS = {
    "none": (NOTHING, lambda y: y),
    "relu": (RELU, jax.nn.relu),
    "relu6": (RELU6, lambda y: jnp.clip(y, 0, 6)),
}


def some(number, *shape):
    return jax.random.normal(jax.random.key(number), shape)


def finished_pair(library, name, window):
    activation, rectified = ACTIVATIONS[name]

    def by_xla(x, filters, bias, addend=0):
        return rectified(xla(x, filters, window) + bias + addend)

    return partial(finished_convolution, library, window, activation), by_xla


def opened_pair(library, window):
    def by_xla(x, filters, scale, shift):
        return xla(jax.nn.relu(scale * x + shift), filters, window)

    return partial(opened_convolution, library, window), by_xla


def cases(library):
    """Pairs of functions, and what they take."""
    x, filters = some(0, 6, 8, 8, 16), some(1, 3, 3, 16, 24) / 4
    for name in ACTIVATIONS:
        yield finished_pair(library, name, SAME), (x, filters, some(2, 24), some(3, 6, 8, 8, 24))
        yield finished_pair(library, name, STRIDE), (x, filters, some(2, 24))
    for window in (SAME, STRIDE):
        yield opened_pair(library, window), (x, filters, some(2, 16), some(3, 16))
    yield (partial(convolution, library, SAME), partial(xla, window=SAME)), (x, filters)


def pulled(function, asked):
    """Values, and the gradients by some of the arguments."""

    def both(*arguments):
        def of_asked(*values):
            chosen = dict(zip(asked, values, strict=True))
            return function(*[chosen.get(at, given) for at, given in enumerate(arguments)])

        value, back = jax.vjp(of_asked, *[arguments[at] for at in asked])
        return value, back(jnp.sin(value))

    return both


@pytest.mark.slow
def test_every_choice_of_gradients_is_about_as_exact_as_by_xla(library):
    """Values and gradients err at most one and a half times as much as XLA's (`assert_as_exact`)."""
    for pair, arguments in cases(library):
        numbers = range(len(arguments))
        for asked in [(at,) for at in numbers] + list(combinations(numbers, 2)) + [tuple(numbers)]:
            assert_as_exact(*[pulled(function, asked) for function in pair], *arguments, factor=1.5)


@pytest.mark.parametrize("compiled", [False, True])
def test_gradients_of_weights_are_computed_only_where_they_are_asked_for(library, compiled):
    for (ours, _), arguments in cases(library):
        x, filters, *others = arguments
        own = jax.jit(ours) if compiled else ours
        by_input = str(jax.make_jaxpr(jax.grad(lambda x: own(x, filters, *others).sum()))(x))  # noqa: B023
        by_both = str(jax.make_jaxpr(jax.grad(lambda *all_of_them: own(*all_of_them).sum(), (0, 1)))(*arguments))  # noqa: B023
        shape = f"f32[{','.join(map(str, filters.shape))}]"
        made = [line for line in by_input.splitlines() if "ffi_call[" in line and f":{shape}" in line]
        assert not made
        assert f":{shape}" in by_both


def test_what_one_activation_passes_is_what_the_next_layer_gets(library):
    """Through three layers, by the input alone, to a thousandth or 1e-4 of the largest value."""
    x, filters, bias = some(0, 4, 8, 8, 16), some(1, 3, 3, 16, 16) / 8, some(2, 16)

    def through(function):
        def score(x):
            for _ in range(3):
                x = function(x, filters, bias, x)
            return jnp.sum(jnp.sin(x))

        return jax.jit(jax.grad(score))(x)

    found, expected = map(through, finished_pair(library, "relu", SAME))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())
