"""What is written for GPUs gives the numbers of the convolution, and gradients of both sides too."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from src.operations.gpu_convolution import PIXELS, side_by_side
from tests.models.layers import check_same, convolutions

WIDE = {
    "3x3": ((8, 8, 6), {"kernel_size": (3, 3), "padding": 1}),
    "uneven filter": ((5, 8, 6), {"kernel_size": (3, 2), "padding": "SAME"}),
    "no padding": ((6, 12, 6), {"kernel_size": (5, 5), "padding": "VALID"}),
    "numbers": ((4, 4, 6), {"kernel_size": (3, 3), "padding": ((0, 1), (2, 0)), "use_bias": False}),
}
USUAL = {
    "rows that do not divide": ((8, 6, 6), {"kernel_size": (3, 3)}),
    "stride": ((8, 8, 6), {"kernel_size": (3, 3), "strides": 2}),
    "1x1": ((8, 8, 6), {"kernel_size": (1, 1)}),
    "groups": ((8, 8, 6), {"kernel_size": (3, 3), "feature_group_count": 3}),
    "dilated": ((8, 8, 6), {"kernel_size": (3, 3), "kernel_dilation": 2}),
    "line": ((8, 6), {"kernel_size": (3,)}),
}


@pytest.mark.parametrize("case", WIDE)
def test_outputs_and_gradients_are_those_of_the_convolution(case):
    shape, arguments = WIDE[case]
    check_same(*convolutions("gpu", arguments), shape)


@pytest.mark.parametrize(("cases", "strided"), [(WIDE, True), (USUAL, False)])
def test_only_narrow_convolutions_over_whole_rows_are_written_differently(cases, strided):
    for shape, arguments in cases.values():
        plain, ours = (
            str(jax.make_jaxpr(layer.__call__)(jnp.ones((1, *shape)))) for layer in convolutions("gpu", arguments)
        )
        assert (f"window_strides=(1, {PIXELS})" in ours) is strided
        assert (ours != plain) is strided


def test_the_filters_of_neighbouring_pixels_stand_one_place_further_each():
    filters = jnp.arange(1.0, 4).reshape(1, 3, 1, 1)
    wide = side_by_side(filters)
    assert wide.shape == (1, 3 + PIXELS - 1, 1, PIXELS)
    for place in range(PIXELS):
        np.testing.assert_array_equal(wide[0, place : place + 3, 0, place], [1, 2, 3])
    assert wide.sum() == PIXELS * filters.sum()


def test_half_precision_stays_half_precision():
    _, layer = convolutions("gpu", {"kernel_size": (3, 3), "dtype": jnp.bfloat16})
    assert layer(jnp.ones((1, 8, 8, 6))).dtype == jnp.bfloat16
