"""Images are decoded from what layers saw of them, the better the more a layer tells."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from src.synthesis.features import features
from src.synthesis.images import clouds
from src.synthesis.inversion import decode, encode, lost, published
from src.synthesis.priors import NO_PRIORS
from tests.synthesis.made import COLOURED, Convolutions

KEY = jax.random.key(0)
SHAPE = (16, 16, 3)
IMAGES = np.stack([clouds(SHAPE[:2], 3, seed) for seed in range(2)])


NETWORK = Convolutions()


@pytest.mark.heavy
def test_more_is_decoded_of_what_the_first_layer_saw_than_of_the_next():
    errors, way = {}, replace(published(SHAPE, 150), priors=NO_PRIORS)
    for name in ("first", "second"):
        seen = features(NETWORK, COLOURED, [name])
        found = decode(seen, encode(seen, IMAGES), way, KEY, (0,))
        assert found.images.shape == (2, 2, *SHAPE)
        start, errors[name] = (lost(seen, images, IMAGES) for images in found.images)
        assert (errors[name].features < start.features / 3).all()
    assert (errors["first"].images < 0.3).all()
    assert (errors["first"].images < errors["second"].images).all()


def test_nothing_is_lost_of_the_image_itself_and_one_colour_is_as_far_as_1():
    seen = features(NETWORK, COLOURED, ["first"])
    nothing = lost(seen, IMAGES, IMAGES)
    assert (nothing.features == 0).all()
    assert (nothing.images == 0).all()
    colour = np.broadcast_to(IMAGES.mean(axis=(1, 2), keepdims=True), IMAGES.shape)
    np.testing.assert_allclose(lost(seen, colour, IMAGES).images, 1, rtol=1e-5)


@pytest.mark.heavy
def test_codes_may_come_from_several_layers():
    seen = features(NETWORK, COLOURED, ["first", "second"])
    codes = encode(seen, IMAGES)
    assert [code.shape for code in codes] == [(2, 16, 16, 8), (2, 8, 8, 8)]
    assert decode(seen, codes, published(SHAPE, 3), KEY).values.shape == (3, 2)
