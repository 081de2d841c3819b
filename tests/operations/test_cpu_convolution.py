"""What is written for the CPU gives the numbers of the convolution, and gradients of both sides too."""

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from src.operations.cpu_convolution import convolution, patches
from tests.models.layers import check_same, convolutions

CASES = {
    "same": ((2, 2, 6), {"kernel_size": (3, 3)}),
    "one pixel": ((1, 1, 6), {"kernel_size": (3, 3)}),
    "stride": ((3, 2, 6), {"kernel_size": (3, 3), "strides": (2, 2)}),
    "valid": ((3, 2, 6), {"kernel_size": (3, 2), "padding": "VALID"}),
    "numbers": ((2, 2, 6), {"kernel_size": (5, 5), "padding": ((2, 2), (3, 1))}),
    "groups": ((2, 2, 6), {"kernel_size": (3, 3), "feature_group_count": 3}),
    "depthwise": ((2, 2, 6), {"kernel_size": (3, 3), "feature_group_count": 6}),
    "groups of a large map": ((5, 5, 6), {"kernel_size": (3, 3), "feature_group_count": 2, "strides": (2, 2)}),
    "depthwise on a large map": ((5, 5, 6), {"kernel_size": (3, 3), "feature_group_count": 6}),
    "dilated groups": ((5, 5, 6), {"kernel_size": (3, 3), "feature_group_count": 2, "kernel_dilation": 2}),
    "line": ((2, 6), {"kernel_size": (5,)}),
    "no bias": ((2, 2, 6), {"kernel_size": (3, 3), "use_bias": False}),
    "large": ((5, 5, 6), {"kernel_size": (3, 3)}),
    "dilated": ((3, 3, 6), {"kernel_size": (5, 5), "kernel_dilation": 2}),
}


@pytest.mark.parametrize("case", CASES)
def test_outputs_and_gradients_are_those_of_the_convolution(case):
    shape, arguments = CASES[case]
    check_same(*convolutions("cpu", arguments), shape)


def test_a_window_sees_its_pixels_in_the_order_of_the_filters():
    images = jnp.arange(4.0).reshape(1, 2, 2, 1)
    (seen,) = patches(images, (2, 2), (1, 1), "VALID")
    np.testing.assert_array_equal(seen.reshape(-1), [0, 1, 2, 3])


def test_half_precision_stays_half_precision():
    layer = nnx.Conv(6, 12, (3, 3), dtype=jnp.bfloat16, rngs=nnx.Rngs(0), conv_general_dilated=convolution)
    assert layer(jnp.ones((1, 2, 2, 6))).dtype == jnp.bfloat16
