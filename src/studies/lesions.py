"""Effects of lesions on the network of a finished run, and gradients along its paths.

Veit, Wilber, Belongie 2016 (arXiv:1605.06431), sections 4 and 5. All errors are those on the test images, in percent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from flax import nnx
from jaxtyping import Float
from scipy.stats import kendalltau

from ..arithmetic.paths import path_counts
from ..interpret.lesions import (
    error,
    like_pairs,
    make_removable,
    random_modules,
    reordered,
    residual_blocks,
    swapped,
    take_out,
)
from ..interpret.paths import add_gates, sampled_norms
from ..randomness import at, stream
from ..runs.versions import version
from ..training.load_run import LoadedRun


@dataclass(frozen=True)
class PlainLesions:
    """What was measured of a network without shortcuts; errors are those on the test images, in percent.

    Attributes:
        whole: error of the network as it is.
        one_removed: error without each of its modules.
        measured_by: commits, devices and kernels.
    """

    whole: float
    one_removed: list[float]
    measured_by: list[str]


@dataclass(frozen=True)
class ResidualLesions:
    """What was measured of a residual network; errors are those on the test images, in percent.

    Attributes:
        whole: error of the network as it is.
        one_removed: error without each of its modules.
        halving: numbers of the modules that halve the image.
        removed: how many random modules were taken out, and the error without them.
        swapped: Kendall's tau of a random order of the modules, and the error with it.
        gradients: mean norm of the gradient along a path, by its length.
        measured_by: commits, devices and kernels.
    """

    whole: float
    one_removed: list[float]
    halving: list[int]
    removed: list[tuple[int, float]]
    swapped: list[tuple[float, float]]
    gradients: list[float]
    measured_by: list[str]


Lesions = PlainLesions | ResidualLesions


def carried(lesions: ResidualLesions) -> Float[np.ndarray, "lengths"]:
    """The share of the gradient that all paths of each length carry together: their number times their norm."""
    magnitudes = np.array(path_counts(len(lesions.gradients) - 1), np.float64) * lesions.gradients
    return magnitudes / magnitudes.sum()


def mean_length(lesions: ResidualLesions) -> float:
    """Of paths, weighted by the gradient that they carry."""
    return float(carried(lesions) @ np.arange(len(lesions.gradients)))


def rise(lesions: Lesions) -> float:
    """By how much taking out one module raises the error, in the mean over modules."""
    return float(np.mean(lesions.one_removed)) - lesions.whole


@version(1)
def one_removed(finished: LoadedRun) -> dict[str, Any]:
    """The error of the whole network, and the errors without each of its modules."""
    network, score = _scored(finished)
    layers = make_removable(network)
    facts: dict[str, Any] = {"whole": score(network), "one_removed": []}
    for number in range(len(layers)):
        take_out(layers, {number})
        facts["one_removed"].append(score(network))
    return facts


@version(1)
def several_removed(finished: LoadedRun, counts: Sequence[int], draws: int) -> list[tuple[int, float]]:
    """Numbers of randomly removed modules and the error without them, with `draws` draws per number."""
    network, score = _scored(finished)
    layers = make_removable(network)
    key = stream(finished.engine.settings.seed, "removed modules")
    found = []
    for count in counts:
        for draw in range(draws):
            take_out(layers, random_modules(len(layers), count, at(key, count, draw)))
            found.append((count, score(network)))
    return found


@version(1)
def several_swapped(finished: LoadedRun, counts: Sequence[int], draws: int) -> list[tuple[float, float]]:
    """Kendall's tau of random orders of the modules and the error, with `draws` draws per number of swaps."""
    network, score = _scored(finished)
    make_removable(network)  # so that the compiled program is that of the other lesions
    pairs, blocks = like_pairs(network), range(len(network.blocks))
    key = stream(finished.engine.settings.seed, "swapped modules")
    orders = [swapped(len(blocks), pairs, count, at(key, count, draw)) for count in counts for draw in range(draws)]
    return [(float(kendalltau(blocks, order).statistic), score(reordered(network, order))) for order in orders]


def halving(finished: LoadedRun) -> list[int]:
    """Indices of the modules of a residual network that halve the maps."""
    network, _ = _scored(finished)
    return [number for number, block in enumerate(residual_blocks(network)) if block.halves]


@version(1)
def path_gradients(finished: LoadedRun, samples: int, size: int) -> list[float]:
    """The mean norm of the gradient at training images along a path, by its length.

    Args:
        finished: run of a residual network.
        samples: paths of each length.
        size: images for each of them.
    """
    engine = finished.engine
    network = finished.module
    add_gates(network)
    sample = partial(
        sampled_norms,
        network,
        engine.settings.task,
        engine.split("train"),
        samples=samples,
        size=size,
        key=stream(engine.settings.seed, "paths"),
    )
    return [float(sample(length).mean()) for length in range(len(residual_blocks(network)) + 1)]


def _scored(finished: LoadedRun) -> tuple[Any, partial[float]]:
    """The network of a run, and a function that returns its test error."""
    engine = finished.engine
    network: nnx.Module = finished.module
    return network, partial(error, task=engine.settings.task, data=engine.split("test"))
