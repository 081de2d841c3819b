"""The networks of keras.applications and ours compute the same from the same values."""

import os

import jax
import numpy as np
import pytest

from src.pretrained import keras as names
from src.pretrained.conventions import IN_KERAS
from src.pretrained.importer import KERAS
from tests.pretrained.twins import assert_agree, build, images, ours, random_values

os.environ.setdefault("KERAS_BACKEND", "jax")  # so that it lives in one process with us
keras = pytest.importorskip("keras", reason="Keras is not installed")

VARIANT = {"variant": "keras"}
pytestmark = pytest.mark.heavy


@pytest.fixture
def double(monkeypatch):
    """Keras makes and runs networks in double precision, its batch normalization too, for which it would not."""
    from keras.src.backend.common import dtypes

    monkeypatch.setitem(dtypes.BIT64_TO_BIT32_DTYPE, "float64", "float64")
    keras.config.set_floatx("float64")
    with jax.enable_x64(True):
        yield
    keras.config.set_floatx("float32")


def twin(name):
    """Their network, its values drawn anew, and their arrays; its numbered layers begin at any number."""
    keras.layers.Conv2D(1, 1)
    network = getattr(keras.applications, name)(weights=None, classifier_activation=None)
    drawn = random_values({weight.path: tuple(weight.shape) for weight in network.weights})
    for weight in network.weights:
        weight.assign(drawn[weight.path])
    return network, drawn


@pytest.mark.parametrize(
    ("theirs", "own", "changes", "layers"),
    [
        ("VGG16", "vgg16", {}, lambda _: names.vgg(16)),
        ("VGG19", "vgg19", {}, lambda _: names.vgg(19)),
        ("ResNet50", "resnet50", VARIANT, lambda _: names.resnet(50)),
        ("ResNet101", "resnet101", VARIANT, lambda _: names.resnet(101)),
        ("ResNet152", "resnet152", VARIANT, lambda _: names.resnet(152)),
        ("ResNet50V2", "resnet50_v2", {}, lambda _: names.resnet_v2(50)),
        ("ResNet101V2", "resnet101_v2", {}, lambda _: names.resnet_v2(101)),
        ("ResNet152V2", "resnet152_v2", {}, lambda _: names.resnet_v2(152)),
        ("DenseNet121", "densenet121", VARIANT, lambda _: names.densenet(121)),
        ("DenseNet169", "densenet169", VARIANT, lambda _: names.densenet(169)),
        ("DenseNet201", "densenet201", VARIANT, lambda _: names.densenet(201)),
        ("MobileNet", "mobilenet", {}, lambda _: names.mobilenet()),
        ("MobileNetV2", "mobilenet_v2", VARIANT, lambda _: names.mobilenet_v2()),
        ("Xception", "xception", {}, names.xception),
        ("InceptionV3", "inception_v3", VARIANT, names.inception_v3),
        ("InceptionResNetV2", "inception_resnet_v2", {}, names.inception_resnet_v2),
        ("NASNetMobile", "nasnet_mobile", {}, lambda arrays: names.nasnet("mobile", arrays)),
        ("NASNetLarge", "nasnet_large", {}, lambda arrays: names.nasnet("large", arrays)),
    ],
)
def test_twins_agree(theirs, own, changes, layers, double):
    network, arrays = twin(theirs)
    module, side = build(own, **changes)
    x = images(side)
    expected = np.asarray(network(x, training=False))
    assert_agree(ours(module, arrays, layers(arrays), KERAS, x), expected)


MODULES = {kind: kind for kind in IN_KERAS} | {"vgg": "vgg16"}


@pytest.mark.parametrize("kind", IN_KERAS)
def test_pixels_are_prepared_as_keras_does(kind):
    pixels = np.random.default_rng(0).uniform(0, 255, (2, 4, 4, 3))
    theirs = getattr(keras.applications, MODULES[kind]).preprocess_input(pixels.copy(), data_format="channels_last")
    known = IN_KERAS[kind]
    ours = (pixels - known.pixels.mean) / known.pixels.std
    np.testing.assert_allclose(ours[..., ::-1] if known.blue_first else ours, theirs, rtol=1e-6, atol=1e-6)
