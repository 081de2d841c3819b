"""Alignment is 1 for rotations, about 0 for chance, and that of its definition; layers stay in their order."""

import numpy as np
import pytest

from src.config.errors import UserError
from src.interpret.similarity import alignment

RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(64, 3, 3, 4)).astype(np.float32)
ROTATION, _ = np.linalg.qr(RNG.normal(size=(36, 36)))


def layers(**functions):
    return lambda batch: {name: function(batch) for name, function in functions.items()}


def itself(batch):
    return batch


def turned(batch):
    return 3 * batch.reshape(len(batch), -1) @ ROTATION.astype(np.float32) + 5


def chance(batch):
    return np.random.default_rng(1).normal(size=(len(batch), 36)).astype(np.float32)


def by_definition(one, other):
    """Unbiased, by the sums of Song et al. 2012 over quadruples of images, which factor as below."""

    def hsic(a, b):
        n, ones = len(a), np.ones(len(a))
        a, b = a - np.diag(np.diag(a)), b - np.diag(np.diag(b))
        sums = ones @ a @ ones * (ones @ b @ ones) / ((n - 1) * (n - 2))
        return np.trace(a @ b) + sums - 2 / (n - 2) * ones @ a @ b @ ones

    flat = [each.reshape(len(each), -1).astype(np.float64) for each in (one, other)]
    first, second = (each @ each.T for each in flat)
    return hsic(first, second) / np.sqrt(hsic(first, first) * hsic(second, second))


def test_it_is_1_for_what_is_turned_and_about_0_for_chance():
    ((same, rotated, none),) = alignment(layers(a=itself), layers(c=itself, b=turned, a=chance), POINTS, batch_size=64)
    assert same == pytest.approx(1, abs=1e-4)
    assert rotated == pytest.approx(1, abs=1e-4)
    assert abs(none) < 0.1


def test_it_is_that_of_its_definition():
    squares = layers(a=lambda batch: batch**2)
    ((found,),) = alignment(layers(a=itself), squares, POINTS)
    assert found == pytest.approx(by_definition(POINTS, POINTS**2), abs=1e-5)


def test_batches_estimate_what_all_images_give():
    many = RNG.normal(size=(2048, 2, 2, 2)).astype(np.float32)
    other = layers(a=lambda batch: np.maximum(batch, 0))
    ((whole,),) = alignment(layers(a=itself), other, many, batch_size=2048)
    ((parts,),) = alignment(layers(a=itself), other, many, batch_size=32)
    assert parts == pytest.approx(whole, abs=0.01)


def test_a_layer_of_one_value_is_like_nothing():
    assert np.isnan(alignment(layers(a=itself), layers(a=np.zeros_like), POINTS)).all()


def test_too_few_images_are_refused():
    with pytest.raises(UserError, match="batches of 3 images are too few to compare layers; at least 4 are needed"):
        alignment(layers(a=itself), layers(a=itself), POINTS[:3])
