"""Curves of deletion, insertion and pixel flipping: a slow loop, a linear network, and what does not fit."""

import jax
import numpy as np
import pytest
from flax import nnx

from src.config.errors import UserError
from src.interpret.faithfulness import area, deletion, insertion, pixel_flipping, ranks
from src.interpret.gradients import gradient, gradient_x_input
from tests.interpret.test_gradients import Linear, Small, images


@pytest.mark.parametrize("batch_size", [3, 64])
def test_the_curves_are_those_of_a_slow_loop(batch_size):
    network, x = Small(), images(4, 6, 6, 2)
    maps, baseline = gradient(network, x, 1), images(1, 6, 6, 2)[0]
    given = {"target": 1, "steps": 5, "baseline": baseline, "batch_size": batch_size}
    found = [method(network, x, maps, **given) for method in (deletion, insertion, pixel_flipping)]
    network.eval()
    compiled = jax.jit(nnx.merge(*nnx.split(network)))
    for image in range(4):
        order = np.argsort(-maps[image].sum(-1).ravel(), kind="stable")
        for point, count in enumerate([0, 7, 14, 22, 29, 36]):
            deleted, inserted = x[image].copy(), baseline.copy()
            deleted.reshape(36, 2)[order[:count]] = baseline.reshape(36, 2)[order[:count]]
            inserted.reshape(36, 2)[order[:count]] = x[image].reshape(36, 2)[order[:count]]
            scores = np.asarray(compiled(np.stack([deleted, inserted])))
            chances = np.asarray(jax.nn.softmax(scores))[:, 1]
            expected = [chances[0], chances[1], scores[0, 1]]
            np.testing.assert_allclose([each[image, point] for each in found], expected, atol=1e-5)


def test_flipping_pixels_of_a_linear_network_takes_their_shares():
    network, x = Linear(), images(4, 2, 2, 3)
    shares = gradient_x_input(network, x, 2)
    found = pixel_flipping(network, x, shares, 2)
    assert found.shape == (4, 5)
    ordered = np.sort(shares.sum(-1).reshape(4, 4), axis=1)[:, ::-1]
    np.testing.assert_allclose(-np.diff(found, axis=1), ordered, atol=1e-5)
    assert (area(found) <= area(pixel_flipping(network, x, -shares, 2))).all()


def test_the_area_is_that_of_trapezoids():
    np.testing.assert_allclose(area(np.array([[1.0, 0.0], [2.0, 2.0]])), [0.5, 2.0])
    np.testing.assert_allclose(area(np.array([[1.0, 0.0, 0.0]])), [0.25])


def test_equal_values_are_taken_in_reading_order():
    found = ranks(np.array([[[1.0, 2.0], [2.0, 0.0]]]), np.zeros((1, 2, 2, 3), np.float32))
    assert found.tolist() == [[[2, 0], [1, 3]]]


@pytest.mark.parametrize(
    ("maps", "steps", "message"),
    [
        (np.zeros((2, 5, 6)), 3, "maps should be 2x6x6, one for each image, not 2x5x6"),
        (np.full((2, 6, 6), np.nan), 3, "maps should be finite"),
        (np.zeros((2, 6, 6)), 37, "steps=37: should be from 1 to 36"),
        (np.zeros((2, 6, 6)), 0, "steps=0"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(maps, steps, message):
    with pytest.raises(UserError, match=message):
        deletion(Small(), images(2, 6, 6, 2), maps, steps=steps)
