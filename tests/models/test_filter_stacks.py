"""Stacks cost and see what the formulas say, and refuse what cannot be built."""

import jax
import numpy as np
import pytest
from flax import nnx

from src.arithmetic.costs import Convolution, weights
from src.arithmetic.sizes import receptive_fields
from src.config.errors import UserError
from tests.models.networks import read, table

KINDS = {
    "full": {},
    "grouped": {"groups": 4},
    "bottleneck": {"block": "bottleneck"},
    "Fig. 23": {"block": "bottleneck", "groups": 8},
    "separable": {"block": "separable"},
    "factorised": {"block": "factorised", "kernel": 7},
}
# Weights of a block of C channels and filters of side k, by the survey.
WEIGHTS = {
    "full": lambda c, k: k * k * c * c,
    "grouped": lambda c, k: k * k * c * c // 4,
    "bottleneck": lambda c, k: c * c + k * k * c * c // 4,
    "Fig. 23": lambda c, k: c * c + k * k * c * c // 32,
    "separable": lambda c, k: k * k * c + c * c,
    "factorised": lambda c, k: 2 * k * c * c,
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_block_has_the_weights_of_the_survey(kind):
    settings = read("filter_stack", width=32, **KINDS[kind])
    assert weights(settings.convolutions()) == WEIGHTS[kind](32, settings.kernel)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(8, 8, 1), (33, 17, 3)])
def test_the_traced_network_costs_what_the_formulas_predict(kind, shape):
    settings = read("filter_stack", stem=5, stride=2, **KINDS[kind])
    predicted = settings.layers(shape, 7)
    rows = [row for row in table(settings, shape, 7) if row.kind in ("Conv", "Linear")]
    assert [row.multiplications for row in rows] == [layer.multiplications(places) for layer, places in predicted]
    assert [row.output_shape[:-1] for row in rows] == [places for _, places in predicted]


@pytest.mark.parametrize("kind", KINDS)
def test_parameters_are_weights_and_two_numbers_a_channel_for_the_normalization(kind):
    settings = read("filter_stack", **KINDS[kind])
    *convolutions, head = [layer for layer, _ in settings.layers((8, 8, 1), 10)]
    expected = weights(convolutions) + sum(2 * layer.outputs for layer in convolutions) + head.parameters
    assert sum(row.parameters for row in table(settings, (8, 8, 1), 10)) == expected


def test_three_small_filters_see_what_a_large_one_sees_with_45_percent_fewer_weights():
    large, small = read("filter_stack", stages=1, blocks=1, kernel=7), read("filter_stack", stages=1, blocks=3)
    fields = [[row for row in table(each) if row.kind == "Conv"][-1].field.size for each in (large, small)]
    assert fields == [(9, 9), (9, 9)]
    assert weights(small.convolutions() * 3) / weights(large.convolutions()) == 27 / 49


@pytest.mark.parametrize("changes", [{}, {"stem": 11, "stride": 4}, {"kernel": 5, "stages": 3}])
def test_the_receptive_field_is_that_of_the_formula(changes):
    settings = read("filter_stack", **changes)
    stage = [(settings.kernel, 1)] * settings.blocks
    windows = [(settings.stem, settings.stride), *stage, *([(2, 2), *stage] * (settings.stages - 1))]
    *_, last = [row.field for row in table(settings) if row.kind == "Conv"]
    assert last.size == (receptive_fields(windows)[-1].size,) * 2


@pytest.mark.heavy
def test_maps_are_what_is_pooled():
    settings = read("filter_stack", block="separable")
    network = settings.build((8, 8, 1), 5, rngs=nnx.Rngs(0))
    network.eval()
    images = jax.random.normal(jax.random.key(0), (2, 8, 8, 1))
    maps = network.maps(images)
    assert maps.shape == (2, 4, 4, 32)
    np.testing.assert_allclose(network(images), network.head(maps.mean(axis=(1, 2))), rtol=1e-5, atol=1e-6)


def test_a_factorised_block_is_a_row_and_then_a_column():
    assert read("filter_stack", block="factorised", kernel=5).convolutions() == [
        Convolution((1, 5), 32, 32),
        Convolution((5, 1), 32, 32),
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kernel": 4}, "filters need a middle; nearest: 3 and 5"),
        ({"groups": 5}, "5 groups do not divide 32 inputs and 32 outputs; groups that do: 1, 2, 4, 8, 16, 32"),
        ({"block": "bottleneck", "groups": 32}, "groups that do: 1, 2, 4, 8, 16$"),
        ({"block": "bottleneck", "width": 9}, "nearest: 8 and 10"),
        ({"block": "separable", "groups": 2}, "block=separable has no groups; nearest: groups=1, or block=bottleneck"),
        ({"block": "seperable"}, "separable"),
    ],
)
def test_what_cannot_be_built_is_refused(changes, message):
    with pytest.raises(UserError, match=message):
        read("filter_stack", **changes)


def test_images_of_which_nothing_would_be_left_are_refused():
    settings = read("filter_stack", stem=7, stride=2, stages=3)
    with pytest.raises(UserError, match="at least 7x7, not 6x6"):
        settings.build((6, 6, 3), 10, rngs=nnx.Rngs(0))
    assert table(settings, (7, 7, 3), 10)[-1].output_shape == (10,)
