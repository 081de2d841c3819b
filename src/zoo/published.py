"""The chapter's Fig. 26: Keras's published figures of its networks beside those computed from ours."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from flax import nnx

from ..models.base import ImageShape
from ..models.summary import layers
from ..models.tracing import abstract_rngs
from .named import named_model

MEGABYTE = 2**20
BYTES = 4
WEIGHTED = ("Conv", "Linear")


class Published(NamedTuple):
    """A row of Fig. 26.

    Attributes:
        name: as Keras calls it.
        model: ours, a file of `conf/model/`.
        changes: settings that make it Keras's.
        megabytes: size of the weights file.
        top1: accuracy on ImageNet's validation set.
        top5: top-5 accuracy.
    """

    name: str
    model: str
    changes: dict[str, str]
    megabytes: int
    top1: float
    top5: float


KERAS = {"variant": "keras"}
ROWS = (
    Published("Xception", "xception", {}, 88, 0.790, 0.945),
    Published("VGG16", "vgg16", {}, 528, 0.713, 0.901),
    Published("VGG19", "vgg19", {}, 549, 0.713, 0.900),
    Published("ResNet50", "resnet50", KERAS, 98, 0.749, 0.921),
    Published("ResNet101", "resnet101", KERAS, 171, 0.764, 0.928),
    Published("ResNet152", "resnet152", KERAS, 232, 0.766, 0.931),
    Published("ResNet50V2", "resnet50_v2", {}, 98, 0.760, 0.930),
    Published("ResNet101V2", "resnet101_v2", {}, 171, 0.772, 0.938),
    Published("ResNet152V2", "resnet152_v2", {}, 232, 0.780, 0.942),
    Published("InceptionV3", "inception_v3", KERAS, 92, 0.779, 0.937),
    Published("InceptionResNetV2", "inception_resnet_v2", {}, 215, 0.803, 0.953),
    Published("MobileNet", "mobilenet", {}, 16, 0.704, 0.895),
    Published("MobileNetV2", "mobilenet_v2", KERAS, 14, 0.713, 0.901),
    Published("DenseNet121", "densenet121", KERAS, 33, 0.750, 0.923),
    Published("DenseNet169", "densenet169", KERAS, 57, 0.762, 0.932),
    Published("DenseNet201", "densenet201", KERAS, 80, 0.773, 0.936),
    Published("NASNetMobile", "nasnet_mobile", {}, 23, 0.744, 0.919),
    Published("NASNetLarge", "nasnet_large", {}, 343, 0.825, 0.960),
)


class Ours(NamedTuple):
    """Sizes of our network.

    Attributes:
        total: parameters and running statistics.
        weighted: number of convolutions and linear layers.
        multiplications: for one image of the published size.
    """

    total: int
    weighted: int
    multiplications: int


def ours(model: str, changes: Mapping[str, Any]) -> Ours:
    """Traces one of our networks with some settings changed; nothing is computed.

    Args:
        model: a file of `conf/model/`.
        changes: settings that differ from it.
    """
    make, shape = maker(model, changes)
    rows = layers(make, shape)
    weighted = sum(layer.kind in WEIGHTED for layer in rows)
    total = sum(layer.parameters + layer.statistics for layer in rows)
    return Ours(total, weighted, sum(layer.multiplications for layer in rows))


def maker(model: str, changes: Mapping[str, Any]) -> tuple[Callable[[], nnx.Module], ImageShape]:
    """A function that makes one of our networks with its published outputs, and its published input shape."""
    settings = named_model(model, **changes)
    shape, outputs = settings.published
    return lambda: settings.build(shape, outputs, rngs=abstract_rngs()), shape


def table() -> Iterator[str]:
    """Fig. 26 as lines of text: accuracies as published, sizes beside ours."""
    heads = ("network", "top-1", "top-5", "MB", "ours", "parameters", "layers", "G mult.")
    yield "{:<18} {:>6} {:>6} {:>5} {:>6} {:>12} {:>7} {:>8}".format(*heads)
    for row in ROWS:
        published = f"{row.name:<18} {row.top1:>6.3f} {row.top5:>6.3f} {row.megabytes:>5}"
        found = ours(row.model, row.changes)
        size = found.total * BYTES / MEGABYTE
        billions = found.multiplications / 1e9
        yield f"{published} {size:>6.1f} {found.total:>12,} {found.weighted:>7} {billions:>8.2f}"
