from itertools import product
from math import ceil, floor

import jax
import jax.numpy as jnp
import pytest
from flax import nnx

from src.arithmetic.sizes import exact_size, output_shape, output_size, receptive_fields, same_padding
from src.layers.pooling import AveragePool, MaxPool
from src.models.summary import layers

CASES = list(product((7, 10, 11, 32), (1, 2, 3, 5), (1, 2, 3), (0, 1, 2)))


def shape_of(make, *input_shape):
    example = jax.ShapeDtypeStruct((1, *input_shape), jnp.float32)
    return jax.eval_shape(lambda x: make()(x), example).shape[1:]


def conv(channels, sides, **moves):
    return lambda: nnx.Conv(channels, 3, sides, rngs=nnx.Rngs(0), **moves)


def test_one_dimension_is_that_of_real_convolutions():
    for size, side, stride, padding in CASES:
        expected = floor(exact_size(size, side, stride=stride, padding=padding))
        assert shape_of(conv(2, (side,), strides=stride, padding=padding), size, 2) == (expected, 3)


def test_two_dimensions_are_those_of_real_convolutions():
    for (size, side, stride, padding), other in product(CASES[::7], (9, 12)):
        try:
            expected = output_shape((size, other), (side, side), stride=stride, padding=padding)
        except ValueError:
            continue
        assert shape_of(conv(1, (side, side), strides=stride, padding=padding), size, other, 1) == (*expected, 3)


@pytest.mark.parametrize("pool", [MaxPool, AveragePool])
@pytest.mark.parametrize(("side", "stride"), [(2, 2), (3, 2), (5, 5)])
def test_pooling_follows_the_same_formula(pool, side, stride):
    for size in (6, 7, 13, 494):
        assert shape_of(lambda: pool(side, stride), size, 3) == (floor(exact_size(size, side, stride=stride)), 3)


def test_same_padding_is_that_of_jax():
    for size, side, stride, _ in CASES:
        padding = same_padding(size, side, stride=stride)
        assert jax.lax.padtype_to_pads((size,), (side,), (stride,), "SAME") == [padding]
        assert floor(exact_size(size, side, stride=stride, padding=padding)) == ceil(size / stride)


@pytest.mark.parametrize(("side", "padding"), [(3, 1), (5, 2), (7, 3)])
def test_same_padding_with_stride_1_is_half_the_filter(side, padding):
    assert same_padding(32, side) == (padding, padding)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            (10, 3, 2, 0),
            "(10 - 3 + 0) / 2 is not whole; strides that fit: 1, 7; paddings that fit with stride 2: (0, 1), (1, 2)",
        ),
        (
            (8, 5, 4, 1),
            "(8 - 5 + 2) / 4 is not whole; strides that fit: 1, 5; paddings that fit with stride 4: (0, 1), (2, 3)",
        ),
        (
            (9, 1, 3, 0),
            "(9 - 1 + 0) / 3 is not whole; strides that fit: 1, 2, 4, 8; paddings that fit with stride 3: none",
        ),
        ((3, 5, 2, 0), "a filter of 5 does not fit into 3 + 0; paddings that fit with stride 2: 1, 2, 3, 4"),
        ((10, 3, 0, 0), "stride must be at least 1, not 0"),
        ((10, 3, 1, -1), "padding must be at least 0, not -1"),
    ],
)
def test_impossible_sizes_are_refused_with_what_fits(arguments, message):
    size, side, stride, padding = arguments
    with pytest.raises(ValueError) as error:  # noqa: PT011
        output_size(size, side, stride=stride, padding=padding)
    assert str(error.value) == message


def test_what_the_message_offers_does_fit():
    assert output_size(10, 3, stride=7) == 2
    assert output_size(10, 3, stride=2, padding=(0, 1)) == 5
    assert output_size(224, 11, stride=4, padding=(1, 2)) == output_size(227, 11, stride=4) == 55


@pytest.mark.parametrize("windows", [[(3, 1)] * 3, [(7, 2), (3, 2), (1, 1), (3, 2)], [(5, 1), (2, 2), (5, 1), (2, 2)]])
def test_receptive_fields_are_those_of_a_traced_network(windows):
    def make():
        return nnx.Sequential(*(nnx.Conv(1, 1, (f, f), strides=s, rngs=nnx.Rngs(0)) for f, s in windows))

    rows = layers(make, (64, 64, 1))
    assert [(row.field.size[0], row.field.stride[0]) for row in rows] == receptive_fields(windows)


def test_vgg16_sees_212_pixels_at_its_last_pooling():
    windows = [window for count in (2, 2, 3, 3, 3) for window in [(3, 1)] * count + [(2, 2)]]
    assert receptive_fields(windows)[-1] == (212, 32)
