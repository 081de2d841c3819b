"""Randomized layers: the order, what changes, and rank correlations against SciPy's."""

import numpy as np
import pytest
from flax import nnx
from scipy.stats import spearmanr

from src.interpret.gradients import gradient
from src.interpret.sanity import cascade, rank_correlation, shuffle
from src.models.resnet_cifar import CifarResNet
from tests.interpret.test_gradients import Small, images


def test_correlations_are_scipys():
    one, other = images(3, 4, 4), np.round(images(6, 4, 4)[:3])
    expected = [spearmanr(a.ravel(), b.ravel()).statistic for a, b in zip(one, other, strict=True)]
    np.testing.assert_allclose(rank_correlation(one, other), expected, rtol=1e-6)
    assert rank_correlation(one, np.zeros_like(one)).tolist() == [0, 0, 0]


def test_shuffling_keeps_the_values_of_a_layer():
    layer = nnx.Linear(20, 20, rngs=nnx.Rngs(0))
    before = np.asarray(layer.kernel[...])
    shuffle(layer, np.random.default_rng(0))
    after = np.asarray(layer.kernel[...])
    assert not np.array_equal(before, after)
    assert np.array_equal(np.sort(before.ravel()), np.sort(after.ravel()))


def test_layers_become_random_from_the_output_down_and_the_network_stays():
    network, x = Small(), images(3, 6, 6, 2)
    before, seen = np.asarray(network.conv.kernel[...]), []

    def method(given, images, targets):
        seen.append([np.array_equal(a[...], b[...]) for a, b in _kernels(network, given)])
        return gradient(given, images, targets)

    found = cascade(network, method, x)
    assert list(found) == ["head", "norm", "conv"]
    assert seen == [[True, True], [True, False], [True, False], [False, False]]
    assert found["head"].max() < 0.9
    assert np.array_equal(before, network.conv.kernel[...])
    assert not network.norm.use_running_average


def test_the_order_is_that_of_use_even_in_a_copy():
    network = CifarResNet(8, "A", channels=3, outputs=10, rngs=nnx.Rngs(0))
    found = cascade(nnx.clone(network), lambda network, images, targets: images, images(1, 8, 8, 3), 1)
    assert next(iter(found)) == "head"
    assert [*found][-2:] == ["stem.norm", "stem.conv"]
    assert len(found) == 1 + 2 * 7


def test_maps_that_no_layer_changes_are_alike():
    x = images(3, 6, 6, 2)
    found = cascade(Small(), lambda network, images, targets: images, x, 1)
    assert np.stack([*found.values()]) == pytest.approx(1)


def _kernels(one, other):
    return [(one.conv.kernel, other.conv.kernel), (one.head.kernel, other.head.kernel)]
