"""The chapter's Fig. 25: entrants of the ImageNet challenge by year, and sizes of our implementations of them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..models.depth import depth
from .published import maker, ours


class Entrant(NamedTuple):
    """A column of Fig. 25.

    Attributes:
        year: of the challenge.
        name: of the entry; the first two were no networks, and Clarifai's is not described.
        error: published top-5 error in percent.
        layers: published depth.
        model: our network, a file of `conf/model/`.
        changes: settings that make it the paper's.
    """

    year: int
    name: str
    error: float
    layers: int | None = None
    model: str | None = None
    changes: Mapping[str, Any] = {}


ENTRANTS = (
    Entrant(2010, "no network", 28.2),
    Entrant(2011, "no network", 25.8),
    Entrant(2012, "AlexNet", 16.4, 8, "alexnet"),
    Entrant(2013, "Clarifai", 11.7),
    Entrant(2013, "ZFNet", 14.8, 8, "zfnet"),  # several networks together: Zeiler and Fergus 2013, Table 2
    Entrant(2014, "VGG-19", 7.3, 19, "vgg19"),
    Entrant(2014, "GoogLeNet", 6.7, 22, "googlenet", {"auxiliary": False}),
    Entrant(2015, "ResNet-152", 3.57, 152, "resnet152"),
)


class Built(NamedTuple):
    """Sizes of our implementation of an entrant.

    Attributes:
        depth: convolutions and linear layers on the longest path.
        parameters: trainable ones and running statistics.
        multiplications: for one image of the published size.
    """

    depth: int
    parameters: int
    multiplications: int


def built(entrant: Entrant) -> Built | None:
    """Traces our implementation of an entrant; None if it was no network."""
    if entrant.model is None:
        return None
    make, shape = maker(entrant.model, entrant.changes)
    found = ours(entrant.model, entrant.changes)
    return Built(depth(make, shape), found.total, found.multiplications)
