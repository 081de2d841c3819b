"""Every kernel gives the numbers of XLA's operations, for shapes of every kind; the same bits every time."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from src.operations.calls import Apply, Backward, Forward, Sums, called
from src.operations.trial import cases, wrong
from src.operations.window import Window
from tests.operations.exact import assert_as_exact

SHAPES = {
    "usual": ((5, 8, 8, 16), (3, 3, 16, 32), Window((1, 1), ((1, 1), (1, 1)))),
    "pixels": ((3, 9, 8, 3), (3, 3, 3, 16), Window((1, 1), ((1, 1), (1, 1)))),
    "odd channels": ((2, 6, 7, 13), (3, 3, 13, 37), Window((1, 1), ((1, 1), (1, 1)))),
    "strides": ((3, 9, 10, 8), (3, 2, 8, 24), Window((2, 3), ((1, 1), (0, 2)))),
    "stride over the window": ((2, 7, 9, 5), (2, 2, 5, 6), Window((3, 4), ((0, 0), (0, 0)))),
    "dilation": ((2, 11, 9, 6), (3, 3, 6, 20), Window((1, 2), ((2, 2), (1, 3)), (2, 3))),
    "one by one": ((4, 6, 6, 40), (1, 1, 40, 48), Window((2, 2), ((0, 0), (0, 0)))),
    "no padding": ((2, 9, 9, 4), (5, 4, 4, 9), Window((1, 1), ((0, 0), (0, 0)))),
    "more padding than window": ((2, 4, 4, 4), (2, 2, 4, 4), Window((1, 1), ((3, 4), (2, 3)))),
    "tiny maps": ((40, 2, 2, 64), (3, 3, 64, 64), Window((1, 1), ((1, 1), (1, 1)))),
    "one pixel": ((33, 1, 1, 12), (1, 1, 12, 10), Window((1, 1), ((0, 0), (0, 0)))),
    "rows": ((2, 3, 60, 8), (1, 7, 8, 8), Window((1, 2), ((0, 0), (3, 3)))),
    "wide": ((3, 4, 4, 300), (3, 3, 300, 130), Window((1, 1), ((1, 1), (1, 1)))),
    "depthwise": ((5, 8, 8, 32), (3, 3, 1, 32), Window((1, 1), ((1, 1), (1, 1)))),
    "depthwise, odd channels": ((3, 7, 9, 21), (3, 3, 1, 21), Window((2, 2), ((0, 1), (1, 1)))),
    "depthwise, large window": ((2, 12, 11, 18), (5, 7, 1, 18), Window((1, 3), ((2, 2), (6, 5)), (1, 2))),
    "depthwise, stride over the window": ((2, 7, 9, 5), (2, 2, 1, 5), Window((3, 4), ((0, 0), (0, 0)))),
    "large window": ((1, 30, 31, 3), (7, 7, 3, 8), Window((2, 2), ((3, 3), (3, 3)))),
}


@pytest.mark.heavy
@pytest.mark.parametrize("shape", SHAPES)
def test_kernels_are_as_exact_as_xla(library, shape):
    check(library, *SHAPES[shape])


@st.composite
def any_shape(draw):
    """Of images, of filters, and a window; depthwise for some."""
    numbers = st.integers

    def pair(low, high):
        return draw(st.tuples(numbers(low, high), numbers(low, high)))

    strides, dilation, above, beside, sides = pair(1, 3), pair(1, 2), pair(0, 3), pair(0, 3), pair(1, 4)
    smallest = [
        max(1, (side - 1) * apart + 1 - sum(pads))
        for side, apart, pads in zip(sides, dilation, (above, beside), strict=True)
    ]
    rows, columns = (size + draw(numbers(0, 11)) for size in smallest)
    channels, filters = pair(1, 70)
    of_group, filters = (1, channels) if draw(st.booleans()) else (channels, filters)
    images = draw(numbers(1, 20))
    return (images, rows, columns, channels), (*sides, of_group, filters), Window(strides, (above, beside), dilation)


CHANCE = 3.0
"""How much larger than XLA's an error may be where shapes are searched for: of few values it is chance whose are."""

FOUND = {"deadline": None, "derandomize": True, "phases": (Phase.explicit, Phase.generate)}  # shrinking takes minutes


@pytest.mark.heavy
@settings(max_examples=3, **FOUND)
@given(any_shape())
def test_kernels_are_as_exact_as_xla_for_a_few_random_shapes(library, shape):
    check(library, *shape, factor=CHANCE)


@pytest.mark.slow
@settings(max_examples=60, **FOUND)
@given(any_shape())
def test_kernels_are_as_exact_as_xla_for_many_random_shapes(library, shape):
    check(library, *shape, factor=CHANCE)


def check(library, *shape, factor=1.0):
    """Every kernel, in one program; its errors are at most XLA's (`assert_as_exact`)."""
    calls, arrays = zip(*cases(*shape), strict=True)
    assert_as_exact(
        lambda arrays: [called(library, *each) for each in zip(calls, arrays, strict=True)],
        lambda arrays: [call.reference(*each) for call, each in zip(calls, arrays, strict=True)],
        arrays,
        factor=factor,
    )


@pytest.mark.heavy
def test_the_trial_finds_a_kernel_that_is_wrong(library, monkeypatch):
    assert wrong(library) == []
    right = Sums.reference
    monkeypatch.setattr(Sums, "reference", lambda *arrays: tuple(1.001 * array for array in right(*arrays)))
    assert wrong(library)


def ones(*shape):
    return jnp.ones(shape, jnp.float32)


SAME = Window((1, 1), ((1, 1), (1, 1)))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -0.0, 1e-40, 3e38])
def test_special_values_go_where_xla_lets_them_go(library, value):
    """To 1e-5 of each value that is finite."""
    x = ones(2, 5, 6, 16).at[1, 2, 3, 4].set(value)
    filters = ones(3, 3, 16, 20).at[:, :, 4].set(0.5)
    calls = {
        Forward(SAME, relu=True): (x, filters, None, None, None, None),
        Apply(relu=True): (x, ones(16), 0 * ones(16), None),
        Sums(): (ones(2, 5, 6, 16), x, ones(2, 5, 6, 16), 0 * ones(16)),
        Backward(SAME): (ones(2, 5, 6, 16), ones(3, 3, 16, 16), None, None, x, *[None] * 9),
    }
    for call, arrays in calls.items():
        found, expected = jax.jit(lambda a, c=call: (called(library, c, a), c.reference(*a)))(arrays)
        for own, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
            np.testing.assert_allclose(own, other, rtol=1e-5, err_msg=type(call).__name__)


@pytest.mark.parametrize(
    ("x", "filters"),
    [((0, 5, 6, 16), (3, 3, 16, 20)), ((2, 5, 6, 0), (3, 3, 0, 20)), ((2, 5, 6, 16), (3, 3, 16, 0)),
     ((2, 5, 0, 16), (3, 3, 16, 20)), ((2, 1, 6, 16), (4, 3, 16, 20))],
)  # fmt: skip
def test_empty_arrays_give_what_xla_gives(library, x, filters):
    """To 1e-5 of each value of those calls that find something."""
    for call, arrays in cases(x, filters, SAME):
        found = jax.jit(lambda arrays, call=call: called(library, call, arrays))(arrays)
        for own, other in zip(jax.tree.leaves(found), jax.tree.leaves(call.reference(*arrays)), strict=True):
            np.testing.assert_allclose(own, other, rtol=1e-5, atol=1e-5)


def test_the_moments_of_values_far_from_zero_are_exact(library):
    """The mean to 1e-6 of it, the variance of values of which it is a millionth to 1e-4."""
    x = 1000 + jax.random.normal(jax.random.key(0), (8, 6, 6, 16))
    one = jnp.eye(16)[None, None]
    _, mean, variance = called(
        library, Forward(Window((1, 1), ((0, 0), (0, 0))), moments=True), (x, one, None, None, None, None)
    )
    exact = np.float64(x).reshape(-1, 16)
    np.testing.assert_allclose(mean, exact.mean(0), rtol=1e-6)
    np.testing.assert_allclose(variance, exact.var(0), rtol=1e-4)
