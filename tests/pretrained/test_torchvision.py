"""torchvision's networks and ours compute the same from the same values."""

import numpy as np
import pytest

from src.pretrained import torchvision as names
from src.pretrained.importer import TORCH
from tests.pretrained.twins import assert_agree, build, images, in_double, ours, random_values

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
torchvision = pytest.importorskip("torchvision", reason="torchvision is not installed")

TORCHVISION = {"variant": "torchvision"}
NORMALIZED = {"batch_norm": True}
pytestmark = pytest.mark.heavy


def twin(name, **settings):
    """Their network, its values drawn anew."""
    with torch.device("meta"):
        network = getattr(torchvision.models, name)(weights=None, **settings)
    network = network.to_empty(device="cpu")
    drawn = random_values({name: tuple(value.shape) for name, value in network.state_dict().items() if value.ndim})
    network.load_state_dict({name: torch.from_numpy(value) for name, value in drawn.items()}, strict=False)
    return network.double().eval()


def state(network):
    return {name: value.numpy() for name, value in network.state_dict().items()}


def channels_first(x):
    return torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))


def channels_last(maps):
    return maps.numpy().transpose(0, 2, 3, 1)


@pytest.mark.parametrize(
    ("theirs", "own", "changes", "layers"),
    [
        ("resnet18", "resnet18", TORCHVISION, names.resnet(18)),
        ("resnet34", "resnet34", TORCHVISION, names.resnet(34)),
        ("resnet50", "resnet50", TORCHVISION, names.resnet(50)),
        ("resnet101", "resnet101", TORCHVISION, names.resnet(101)),
        ("resnet152", "resnet152", TORCHVISION, names.resnet(152)),
        ("resnext50_32x4d", "resnext50_32x4d", {}, names.resnet(50)),
        ("resnext101_32x8d", "resnext101_32x8d", {}, names.resnet(101)),
        ("vgg11", "vgg11", {}, names.vgg(11)),
        ("vgg13", "vgg13", {}, names.vgg(13)),
        ("vgg16", "vgg16", {}, names.vgg(16)),
        ("vgg19", "vgg19", {}, names.vgg(19)),
        ("vgg11_bn", "vgg11", NORMALIZED, names.vgg(11, batch_norm=True)),
        ("vgg13_bn", "vgg13", NORMALIZED, names.vgg(13, batch_norm=True)),
        ("vgg16_bn", "vgg16", NORMALIZED, names.vgg(16, batch_norm=True)),
        ("vgg19_bn", "vgg19", NORMALIZED, names.vgg(19, batch_norm=True)),
        ("densenet121", "densenet121", TORCHVISION, names.densenet(121)),
        ("densenet169", "densenet169", TORCHVISION, names.densenet(169)),
        ("densenet201", "densenet201", TORCHVISION, names.densenet(201)),
        ("alexnet", "alexnet", TORCHVISION, names.alexnet()),
        ("squeezenet1_0", "squeezenet1_0", {}, names.squeezenet()),
        ("squeezenet1_1", "squeezenet1_1", {}, names.squeezenet()),
        ("mobilenet_v2", "mobilenet_v2", TORCHVISION, names.mobilenet_v2()),
    ],
)
def test_twins_agree(theirs, own, changes, layers):
    network = twin(theirs)
    module, side = build(own, **changes)
    x = images(side)
    with torch.no_grad():
        expected = network(channels_first(x)).numpy()
    assert_agree(ours(module, state(network), layers, TORCH, x), expected)


def with_auxiliary(name):
    return twin(name, aux_logits=True, init_weights=False)


def test_googlenet_agrees_with_both_auxiliary_classifiers():
    network = with_auxiliary("googlenet")
    module, side = build("googlenet", **TORCHVISION, auxiliary=True)
    x = images(side)
    seen = {}
    for number, name in enumerate(("4a", "4d"), 1):
        classifier = getattr(network, f"aux{number}")
        layer = getattr(network, f"inception{name}")
        layer.register_forward_hook(lambda _, __, maps, n=name, c=classifier: seen.update({n: (maps, c(maps))}))
    with torch.no_grad():
        logits = network(channels_first(x)).numpy()
    assert_agree(ours(module, state(network), names.googlenet(), TORCH, x), logits)
    assert set(seen) == {"4a", "4d"}
    for name, (maps, expected) in seen.items():
        own = in_double(module.auxiliary[name], channels_last(maps))
        assert_agree(own, expected.numpy())


def test_inception_v3_agrees_with_its_auxiliary_classifier():
    network = with_auxiliary("inception_v3")
    module, side = build("inception_v3", **TORCHVISION, auxiliary=True)
    x = images(side)
    seen = {}
    network.Mixed_6e.register_forward_hook(lambda _, __, maps: seen.update(maps=maps, logits=network.AuxLogits(maps)))
    with torch.no_grad():
        logits = network(channels_first(x)).numpy()
    assert_agree(ours(module, state(network), names.inception_v3(), TORCH, x), logits)
    own = in_double(module.auxiliary, channels_last(seen["maps"]))
    assert_agree(own, seen["logits"].numpy())
