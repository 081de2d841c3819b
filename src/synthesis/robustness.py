"""How many answers an attack turns, and whether what turns one network turns another."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float, Int, Key, Num

from ..tasks.intervals import wilson_interval
from ..training.batched import in_batches
from .attack import Attack
from .classifier import Classifier, as_pixels


class Share(NamedTuple):
    """A part of some images.

    Attributes:
        number: how many.
        of: of how many.
        interval: of the share, 95 %.
    """

    number: int
    of: int
    interval: tuple[float, float]

    @property
    def share(self) -> float:
        """From 0 to 1; NaN where there are no images."""
        return self.number / self.of if self.of else float("nan")

    def opposite(self) -> "Share":
        """The rest of the images."""
        low, high = self.interval
        return Share(self.of - self.number, self.of, (1 - high, 1 - low))

    @staticmethod
    def where(chosen: np.ndarray) -> "Share":
        """The share of the images for which something is true."""
        count = int(chosen.sum())
        return Share(count, len(chosen), wilson_interval(count, len(chosen)))


@jax.jit
def _scores(classifier: Classifier, pixels: Array) -> Array:
    return classifier(pixels)


def scores(
    classifier: Classifier, images: Num[np.ndarray, "n h w c"], batch_size: int = 100
) -> Float[np.ndarray, "n classes"]:
    """The scores of all classes of images, uint8 or from 0 to 1."""
    size = min(batch_size, max(1, len(images)))
    return in_batches(lambda pixels: _scores(classifier, pixels), as_pixels(images), size)


def successes(
    attack: Attack,
    classifier: Classifier,
    images: Num[np.ndarray, "n h w c"],
    labels: Int[np.ndarray, "n"],
    epsilons: Sequence[float],
    key: Key[Array, ""],
) -> list[Share]:
    """How often an attack succeeds with each epsilon.

    Without a target, an image that is not answered with its label from the first counts, too: one less the share is the
    accuracy under the attack, and with epsilon 0 that of plain images.
    """
    found = []
    for epsilon in epsilons:
        answers = scores(classifier, attack(classifier, images, labels, epsilon, key)).argmax(1)
        found.append(Share.where((answers == labels) == attack.targeted))
    return found


def transfer(
    changed: Float[np.ndarray, "n h w c"],
    images: Num[np.ndarray, "n h w c"],
    labels: Int[np.ndarray, "n"],
    source: Classifier,
    other: Classifier,
) -> Share:
    """How often images that turn the answer of one network turn that of another.

    Only images count that both know unchanged, and that the attack turned.

    Args:
        changed: images that were made with `source`.
        images: the same before.
        labels: their classes.
        source: the network that was attacked.
        other: one that was not.
    """
    known = [(scores(network, images).argmax(1) == labels) for network in (source, other)]
    turned = scores(source, changed).argmax(1) != labels
    counted = known[0] & known[1] & turned
    return Share.where((scores(other, changed).argmax(1) != labels)[counted])
