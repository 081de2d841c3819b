"""Occlusion of images: the closed form of a linear network, and a slow loop."""

import jax
import numpy as np
import pytest
from flax import nnx

from src.config.errors import UserError
from src.interpret.windows import occlusion
from tests.interpret.test_gradients import Linear, Small, images


def slow(score, x, window, stride, baseline):
    """Captum's definition, window by window, of one image."""
    height, width = x.shape[:2]
    total, count = np.zeros((height, width)), np.zeros((height, width))
    for row in range(0, -(-(height - window) // stride) * stride + 1, stride):
        for column in range(0, -(-(width - window) // stride) * stride + 1, stride):
            inside = np.s_[row : row + window, column : column + window]
            changed = x.copy()
            changed[inside] = baseline
            total[inside] += score(x) - score(changed)
            count[inside] += 1
    return total / np.maximum(count, 1)


@pytest.mark.parametrize(("window", "stride"), [(1, 1), (3, 2), (2, 3), (6, 1)])
@pytest.mark.parametrize("batch_size", [2, 32])
def test_it_is_the_mean_over_windows(window, stride, batch_size):
    network, x = Small(), images(3, 6, 6, 2)
    found = occlusion(network, x, 1, window=window, stride=stride, baseline=0.5, batch_size=batch_size)
    network.eval()
    compiled = jax.jit(nnx.merge(*nnx.split(network)))
    for image, own in zip(x, found, strict=True):
        expected = slow(lambda x: float(compiled(x[None])[0, 1]), image, window, stride, 0.5)
        np.testing.assert_allclose(own, expected, atol=1e-5)


def test_pixels_of_a_linear_network_have_the_closed_form():
    network, x, baseline = Linear(), images(4, 2, 2, 3), images(4, 2, 2, 3)[::-1]
    slopes = np.asarray(network.head.kernel[...])[:, 2].reshape(2, 2, 3)
    found = occlusion(network, x, 2, window=1, baseline=baseline)
    np.testing.assert_allclose(found, ((x - baseline) * slopes).sum(-1), atol=1e-6)


@pytest.mark.parametrize(("window", "stride"), [(0, None), (3, None), (1, 0)])
def test_windows_that_do_not_fit_are_refused(window, stride):
    with pytest.raises(UserError, match=r"window=|stride="):
        occlusion(Linear(), images(1, 2, 2, 3), window=window, stride=stride)
