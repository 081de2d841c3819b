from fractions import Fraction

import pytest
from flax import nnx

from src.arithmetic.costs import (
    Convolution,
    bottleneck,
    dense,
    depthwise_separable,
    factorised,
    nearest_width,
    parameters,
    ratio,
    weights,
)
from src.models.summary import layers

GRID = [
    Convolution((1, 1), 3, 5),
    Convolution((3, 3), 8, 12, bias=False),
    Convolution((3, 5), 8, 12, groups=4),
    Convolution((5, 5), 6, 12, groups=6, bias=False),
    Convolution((7,), 128, 32),
    Convolution((3,), 6, 6, groups=3),
    dense(576, 1024),
    Convolution((), 5, 7, bias=False),
]


@pytest.mark.parametrize("layer", GRID, ids=str)
def test_costs_are_those_of_real_layers(layer):
    def make():
        if not layer.filter:
            return nnx.Sequential(nnx.Linear(layer.inputs, layer.outputs, use_bias=layer.bias, rngs=nnx.Rngs(0)))
        shared = {"feature_group_count": layer.groups, "use_bias": layer.bias, "rngs": nnx.Rngs(0)}
        return nnx.Sequential(nnx.Conv(layer.inputs, layer.outputs, layer.filter, padding="VALID", **shared))

    (row,) = layers(make, (*(9 for _ in layer.filter), layer.inputs))
    assert row.parameters == layer.parameters
    assert row.multiplications == layer.multiplications(row.output_shape[:-1])


def test_groups_that_do_not_divide_are_refused_with_those_that_do():
    with pytest.raises(ValueError, match="groups") as error:
        Convolution((3, 3), 6, 12, groups=4)
    assert str(error.value) == "4 groups do not divide 6 inputs and 12 outputs; groups that do: 1, 2, 3, 6"


@pytest.mark.parametrize("c", [16, 64, 256])
def test_small_filters_are_the_chapters_polynomials(c):
    large, small = Convolution((7, 7), c, c), Convolution((3, 3), c, c)
    assert large.parameters == 49 * c**2 + c
    assert parameters([small] * 3) == 27 * c**2 + 3 * c
    assert ratio([small] * 2, [Convolution((5, 5), c, c)]) == Fraction(18, 25)


@pytest.mark.parametrize("c", [16, 64, 256])
def test_a_bottleneck_of_half_the_channels_has_3_25_c_squared_weights(c):
    assert weights(bottleneck(c, c // 2)) == Fraction(13, 4) * c**2


@pytest.mark.parametrize(("m", "n", "side"), [(3, 32, 3), (64, 64, 3), (128, 1024, 5)])
def test_a_depthwise_separable_convolution_costs_1_over_n_plus_1_over_k_squared(m, n, side):
    full = Convolution((side, side), m, n)
    assert ratio(depthwise_separable((side, side), m, n), [full]) == Fraction(1, n) + Fraction(1, side**2)


def test_groups_are_the_same_as_paths_of_their_own():
    paths = [Convolution((1, 1), 256, 4), Convolution((3, 3), 4, 4), Convolution((1, 1), 4, 256)] * 32
    assert weights(paths) == weights(bottleneck(256, 128, groups=32)) == 70_144


def test_a_dense_layer_multiplies_once_for_each_weight():
    assert dense(3, 20).multiplications() == dense(3, 20).weights == 60


@pytest.mark.parametrize("side", [3, 5, 7])
def test_a_row_and_a_column_save_as_much_as_the_square_is_large(side):
    """33 % for 3x3, as in Szegedy et al. 2015, section 3.2."""
    assert ratio(factorised(side, 64), [Convolution((side, side), 64, 64)]) == Fraction(2, side)


@pytest.mark.parametrize(
    ("wanted", "width"), [(49 * 32**2, 43), (9, 1), (1, 1), (27 * 20**2, 20), (27 * 20**2 - 1, 20)]
)
def test_the_nearest_width_has_the_nearest_count(wanted, width):
    """27 C^2 weights of three 3x3 filters."""
    found = nearest_width(lambda c: 27 * c**2, wanted)
    assert found == width
    assert all(abs(27 * found**2 - wanted) <= abs(27 * other**2 - wanted) for other in (max(1, found - 1), found + 1))
