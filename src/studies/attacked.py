"""What is attacked: a network, images, and the classes that are right for them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Int, UInt8

from ..data.examples import LABEL
from ..prediction.images import images_of_shape
from ..synthesis.classifier import Classifier
from ..synthesis.robustness import scores
from .given_network import GivenNetwork

Labels = Literal["answer", "name", "folder"]
"""What is right for an image in a file: what the network itself answers, the end of its name, or its folder."""


class Attacked(NamedTuple):
    """A network, and the images that it is tried with.

    Attributes:
        network: takes images from 0 to 1.
        images: as they are stored.
        labels: the right class of each.
    """

    network: Classifier
    images: UInt8[np.ndarray, "n h w c"]
    labels: Int[np.ndarray, "n"]


def attacked(network: GivenNetwork, inputs: Sequence[str], labels: Labels, examples: int) -> Attacked:
    """The first test images of a run, or images in files.

    Args:
        network: what answers.
        inputs: files, folders and patterns; none for the test images.
        labels: where the class of a file stands.
        examples: how many images at most.

    Raises:
        UserError: the network gives no scores of classes, or a file cannot be read or names no class.
    """
    classifier = network.classifier()
    if not inputs:
        assert network.run is not None  # which the settings see to
        test = network.run.engine.dataset.test[:examples]
        return Attacked(classifier, test.inputs, test.targets[LABEL])
    files, found = images_of_shape(network.shape, inputs, network.title, "images")
    files, images = files[:examples], np.stack(found[:examples])
    if labels == "answer":
        return Attacked(classifier, images, scores(classifier, images).argmax(1))
    return Attacked(classifier, images, np.array([label(network, file, labels) for file in files]))


def label(network: GivenNetwork, file: Path, labels: Labels) -> int:
    """The class that the name of a file tells after its last underscore, as in `image_07_609.jpg`, or its folder.

    Raises:
        UserError: there is no such class, with the nearest one.
    """
    word = file.stem.rpartition("_")[2] if labels == "name" else file.resolve().parent.name
    return network.class_number(word, f"labels={labels}: the class of {file}")
