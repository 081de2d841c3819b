"""Which layer of torchvision's networks is which of ours, by family."""

from collections.abc import Sequence
from itertools import count

from ..models import densenet as densenets
from ..models import resnet as resnets
from ..models.googlenet import AUXILIARY, BODY
from ..models.inception_v3 import AFTER, BEFORE, STEM
from ..models.mobilenet_v2 import STAGES
from ..models.squeezenet import FIRES
from ..models.vgg import CONVOLUTIONS
from .chains import convolutions
from .names import Names, conv_norm, flattened


def _places(counts: Sequence[int]) -> list[tuple[int, int]]:
    """Number of the stage, and number in it, of each block; both from 1."""
    return [(stage, place) for stage, blocks in enumerate(counts, 1) for place in range(1, blocks + 1)]


def alexnet() -> Names:
    """AlexNet, `variant=torchvision`."""
    layers: Names = {
        "dense.0.linear": flattened("classifier.1", channels=256),
        "dense.1.linear": "classifier.4",
        "head": "classifier.6",
    }
    for ours, theirs in zip((0, 2, 4, 5, 6), (0, 3, 6, 8, 10), strict=True):
        layers[f"features.{ours}.conv"] = f"features.{theirs}"
    return layers


def vgg(depth: int, *, batch_norm: bool = False) -> Names:
    """VGG-11 to VGG-19; every layer has a number in theirs, nonlinearities and pools too."""
    layers: Names = {
        "dense.0.linear": flattened("classifier.0", channels=512),
        "dense.1.linear": "classifier.3",
        "head": "classifier.6",
    }
    place = 0
    for stage, convs in enumerate(CONVOLUTIONS[depth]):
        for conv in range(convs):
            ours, theirs = f"stages.{stage}.convs.{conv}", f"features.{place}"
            layers |= conv_norm(ours, theirs, f"features.{place + 1}") if batch_norm else {ours: theirs}
            place += 3 if batch_norm else 2
        place += 1
    return layers


def googlenet() -> Names:
    """GoogLeNet, `variant=torchvision`, with its auxiliary classifiers or without."""

    def conv(ours: str, theirs: str) -> Names:
        return conv_norm(ours, f"{theirs}.conv", f"{theirs}.bn")

    layers: Names = {"head": "fc"}
    for ours, theirs in zip(("stem.0", "stem.3", "stem.4"), ("conv1", "conv2", "conv3"), strict=True):
        layers |= conv(ours, theirs)
    for name in (name for name, widths in BODY.items() if widths is not None):
        module, theirs = f"body.{name}", f"inception{name}"
        layers |= conv(f"{module}.one", f"{theirs}.branch1")
        layers |= conv(f"{module}.reduced_three", f"{theirs}.branch2.0") | conv(
            f"{module}.three", f"{theirs}.branch2.1"
        )
        layers |= conv(f"{module}.reduced_five", f"{theirs}.branch3.0") | conv(f"{module}.five", f"{theirs}.branch3.1")
        layers |= conv(f"{module}.pooled", f"{theirs}.branch4.1")
    for number, name in enumerate(AUXILIARY, 1):
        classifier, theirs = f"auxiliary.{name}", f"aux{number}"
        layers |= conv(f"{classifier}.conv", f"{theirs}.conv")
        layers[f"{classifier}.hidden"] = flattened(f"{theirs}.fc1", channels=128)
        layers[f"{classifier}.head"] = f"{theirs}.fc2"
    return layers


def resnet(depth: int) -> Names:
    """ResNet-18 to ResNet-152, `variant=torchvision`, and the ResNeXts of the same depth."""
    layers: Names = conv_norm("stem", "conv1", "bn1") | {"head": "fc"}
    for number, (stage, place) in enumerate(_places(resnets.BLOCKS[depth])):
        ours, theirs = f"blocks.{number}", f"layer{stage}.{place - 1}"
        for conv in (1, 2, 3):
            layers |= conv_norm(f"{ours}.conv{conv}", f"{theirs}.conv{conv}", f"{theirs}.bn{conv}")
        layers |= conv_norm(f"{ours}.shortcut", f"{theirs}.downsample.0", f"{theirs}.downsample.1")
    return layers


def densenet(depth: int) -> Names:
    """DenseNet-121 to DenseNet-201, `variant=torchvision`."""
    layers: Names = conv_norm("stem.conv", "features.conv0", "features.norm0")
    layers |= {"norm": "features.norm5", "head": "classifier"}
    number = count()
    for block, convs in enumerate(densenets.BLOCKS[depth], 1):
        if block > 1:
            theirs = f"features.transition{block - 1}"
            layers |= conv_norm(f"layers.{next(number)}.conv", f"{theirs}.conv", f"{theirs}.norm")
        for place in range(1, convs + 1):
            ours, theirs = f"layers.{next(number)}", f"features.denseblock{block}.denselayer{place}"
            for conv in (1, 2):
                layers |= conv_norm(f"{ours}.convs.{conv - 1}", f"{theirs}.conv{conv}", f"{theirs}.norm{conv}")
    return layers


def squeezenet() -> Names:
    """SqueezeNet of either version; their layers begin with the stem and its nonlinearity."""
    layers: Names = {"stem": "features.0", "head": "classifier.1"}
    for ours in range(len(FIRES) + 3):
        for part, theirs in (("squeeze", "squeeze"), ("expand1", "expand1x1"), ("expand3", "expand3x3")):
            layers[f"layers.{ours}.{part}"] = f"features.{ours + 2}.{theirs}"
    return layers


def mobilenet_v2() -> Names:
    """MobileNetV2, `variant=torchvision`; its first block does not expand, so its layers have other numbers."""
    layers: Names = conv_norm("stem", "features.0.0", "features.0.1") | {"head": "classifier.1"}
    blocks = [expansion for expansion, _, count, _ in STAGES for _ in range(count)]
    for number, expansion in enumerate(blocks):
        ours, theirs = f"blocks.{number}", f"features.{number + 1}.conv"
        first = 1 if expansion > 1 else 0
        layers |= conv_norm(f"{ours}.expand", f"{theirs}.0.0", f"{theirs}.0.1")
        layers |= conv_norm(f"{ours}.depthwise", f"{theirs}.{first}.0", f"{theirs}.{first}.1")
        layers |= conv_norm(f"{ours}.project", f"{theirs}.{first + 1}", f"{theirs}.{first + 2}")
    last = f"features.{len(blocks) + 1}"
    return layers | conv_norm("last", f"{last}.0", f"{last}.1")


_STEM = ("1a_3x3", "2a_3x3", "2b_3x3", "3b_1x1", "4a_3x3")
_A = ("1x1", "5x5_1", "5x5_2", "3x3dbl_1", "3x3dbl_2", "3x3dbl_3", "_pool")
_B = ("3x3", "3x3dbl_1", "3x3dbl_2", "3x3dbl_3")
_C = ("1x1", *(f"7x7_{n}" for n in (1, 2, 3)), *(f"7x7dbl_{n}" for n in (1, 2, 3, 4, 5)), "_pool")
_D = ("3x3_1", "3x3_2", *(f"7x7x3_{n}" for n in (1, 2, 3, 4)))
_E = ("1x1", "3x3_1", "3x3_2a", "3x3_2b", "3x3dbl_1", "3x3dbl_2", "3x3dbl_3a", "3x3dbl_3b", "_pool")
_MIXED = {
    **dict.fromkeys(("5b", "5c", "5d"), _A),
    "6a": _B,
    **dict.fromkeys(("6b", "6c", "6d", "6e"), _C),
    "7a": _D,
    **dict.fromkeys(("7b", "7c"), _E),
}
"""The branches of their Inception modules, in the order of ours."""


def inception_v3() -> Names:
    """Inception-v3, `variant=torchvision`, with its auxiliary classifier or without."""
    ours = [*convolutions(STEM, "stem"), *convolutions(BEFORE, "before"), *convolutions(AFTER, "after")]
    theirs = [f"Conv2d_{name}" for name in _STEM]
    theirs += [f"Mixed_{name}.branch{branch}" for name, branches in _MIXED.items() for branch in branches]
    ours += ["auxiliary.conv1", "auxiliary.conv2"]
    theirs += ["AuxLogits.conv0", "AuxLogits.conv1"]
    layers: Names = {"head": "fc", "auxiliary.head": "AuxLogits.fc"}
    for own, name in zip(ours, theirs, strict=True):
        layers |= conv_norm(own, f"{name}.conv", f"{name}.bn")
    return layers
