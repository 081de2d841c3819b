"""Tables name every layer, and kernels are turned as they should."""

import numpy as np
import pytest
from flax import nnx

from src.config.errors import UserError
from src.pretrained import efficientnet_lite, keras, torchvision
from src.pretrained.importer import KERAS, TORCH, put_weights
from src.pretrained.names import flattened, one_pixel, pointwise
from tests.models.networks import abstract, read

TORCHVISION = {"variant": "torchvision"}
KERAS_VARIANT = {"variant": "keras"}


def numbered(count):
    """Names of arrays as they are in a process that has made layers before."""
    return [f"{kind}_{n}/kernel" for kind in ("conv2d", "batch_normalization") for n in range(7, 7 + count)]


@pytest.mark.parametrize(
    ("name", "changes", "table"),
    [
        ("alexnet", TORCHVISION, torchvision.alexnet()),
        ("vgg19", {"batch_norm": True}, torchvision.vgg(19, batch_norm=True)),
        ("googlenet", {**TORCHVISION, "auxiliary": True}, torchvision.googlenet()),
        ("inception_v3", {**TORCHVISION, "auxiliary": True}, torchvision.inception_v3()),
        ("resnet18", TORCHVISION, torchvision.resnet(18)),
        ("resnext50_32x4d", {}, torchvision.resnet(50)),
        ("densenet121", TORCHVISION, torchvision.densenet(121)),
        ("squeezenet1_0", {}, torchvision.squeezenet()),
        ("squeezenet1_1", {}, torchvision.squeezenet()),
        ("mobilenet_v2", TORCHVISION, torchvision.mobilenet_v2()),
        ("efficientnet_lite0", {}, efficientnet_lite.efficientnet_lite(0)),
        ("efficientnet_lite4", {}, efficientnet_lite.efficientnet_lite(4)),
        ("vgg16", {}, keras.vgg(16)),
        ("resnet50", KERAS_VARIANT, keras.resnet(50)),
        ("resnet50_v2", {}, keras.resnet_v2(50)),
        ("densenet121", KERAS_VARIANT, keras.densenet(121)),
        ("mobilenet", {}, keras.mobilenet()),
        ("mobilenet_v2", KERAS_VARIANT, keras.mobilenet_v2()),
        ("xception", {}, keras.xception(numbered(4))),
        ("inception_v3", KERAS_VARIANT, keras.inception_v3(numbered(94))),
        pytest.param("inception_resnet_v2", {}, keras.inception_resnet_v2(numbered(203)), marks=pytest.mark.heavy),
        pytest.param("nasnet_mobile", {}, keras.nasnet("mobile", []), marks=pytest.mark.heavy),
        pytest.param("nasnet_large", {}, keras.nasnet("large", []), marks=pytest.mark.heavy),
    ],
)
def test_tables_name_every_layer_once(name, changes, table):
    state = nnx.state(abstract(read(name, **changes)), (nnx.Param, nnx.BatchStat))
    layers = {".".join(map(str, path[:-1])) for path, _ in nnx.to_flat_state(state)}
    assert layers <= set(table)
    assert len({table[layer] for layer in layers}) == len(layers)


def test_scopes_stand_before_the_names_of_layers():
    table = keras.nasnet("mobile", ["a/b/normal_conv_1_0/kernel", "c/separable_conv_1_normal_left1_0/pointwise_kernel"])
    assert table["cells.2.now.conv"] == "a/b/normal_conv_1_0"
    assert table["cells.2.sums.0.0.first.conv.pointwise"] == pointwise("c/separable_conv_1_normal_left1_0")
    assert table["stem.conv"] == "stem_conv1"


def test_rows_of_a_linear_layer_follow_the_flattening():
    maps, kernel = np.random.default_rng(0).normal(size=(3, 2, 5)), np.random.default_rng(1).normal(size=(30, 4))
    theirs = maps.transpose(2, 0, 1).reshape(-1) @ kernel
    np.testing.assert_allclose(maps.reshape(-1) @ flattened("fc", channels=5).turned(kernel), theirs)


def linear():
    return nnx.Dict(head=nnx.Linear(6, 2, rngs=nnx.Rngs(0)))


def test_kernels_of_another_shape_are_one_line_that_names_the_layer():
    bias = np.zeros(2)
    cases = [
        ({"fc.weight": np.zeros((2, 7)), "fc.bias": bias}, flattened("fc", channels=3), TORCH),
        ({"fc/kernel": np.zeros((6, 2)), "fc/bias": bias}, one_pixel("fc"), KERAS),
    ]
    for arrays, entry, framework in cases:
        with pytest.raises(UserError, match=r"layer head: fc.* has the shape .* where \(6, 2\) is needed"):
            put_weights(linear(), arrays, {"head": entry}, framework, None)
    with pytest.raises(UserError, match="layer head: the weights have no fc/pointwise_kernel"):
        put_weights(linear(), {"fc/kernel": np.zeros((6, 2)), "fc/bias": bias}, {"head": pointwise("fc")}, KERAS, None)


def test_numbered_layers_of_another_network_are_refused():
    with pytest.raises(UserError, match="94 convolutions that are only numbered, where 4 are needed"):
        keras.xception(numbered(94))
