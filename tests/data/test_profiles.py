import numpy as np
import pytest

from src.data.examples import Examples, labelled
from src.data.tfds import Tfds
from tests.conftest import forget_data


@pytest.fixture
def images(monkeypatch):
    """Three images in place of MNIST."""
    pixels = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 1), np.uint8)
    split = labelled(pixels, np.arange(3))
    monkeypatch.setattr(Tfds, "read", lambda settings: Examples(split, split[:1], ("a", "b", "c")))
    return pixels


def test_a_row_is_the_mean_of_every_column(compose, images):
    table = compose("data=mnist_profiles").data.read()
    assert table.train.inputs.shape == (3, 28, 1, 1)
    np.testing.assert_array_equal(table.train.inputs[2, 5, 0, 0], round(images[2, :, 5].mean()))


def test_the_quick_profile_leaves_rows_of_a_table_as_they_are(compose, images):
    forget_data()
    dataset = compose("data=mnist_profiles", "data.validation=1", "data.batch_size=2", "+profile=quick").dataset()
    assert (dataset.spec.shape, dataset.shrunk) == ((28, 1, 1), 1)


def test_every_row_is_shuffled_alike(compose, images):
    ordered = compose("data=mnist_profiles").data.read()
    shuffled = compose("data=mnist_profiles", "data.shuffle=1").data.read()
    order = np.random.default_rng(1).permutation(28)
    np.testing.assert_array_equal(shuffled.train.inputs, ordered.train.inputs[:, order])
    np.testing.assert_array_equal(shuffled.test.inputs, shuffled.train.inputs[:1])


def test_a_table_is_not_shrunk_like_an_image(compose, images):
    dataset = compose("data=mnist_profiles", "data.validation=1", "+profile=quick").dataset()
    assert dataset.spec.shape == (28, 1, 1)
