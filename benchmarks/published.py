"""The two ResNet-56 of Li et al. 2018 (arXiv:1712.09913), their weights in our network, on CIFAR-10's test images."""

import time
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from flax import nnx
from jaxtyping import Float, Int

from benchmarks.engines import run_settings_of
from src.data.examples import LABEL
from src.markdown import markdown
from src.pretrained import li2018
from src.pretrained.importer import TORCH, put_weights, read_arrays
from src.tasks.intervals import wilson_interval

WEIGHTS = Path("data/li2018")
MEAN, DEVIATION = np.array([125.3, 123.0, 113.9], np.float32), np.array([63.0, 62.1, 66.7], np.float32)
"""Of their training images, in units of a pixel, as they rounded them."""
BATCH = 500


class Network(NamedTuple):
    """A network of theirs: the file of its weights, our experiment for it, and its published test error."""

    file: str
    experiment: str
    error: float


NETWORKS = {
    "ResNet-56": Network("resnet56.npz", "resnet56_li", 0.0634),
    "ResNet-56 without shortcuts": Network("resnet56_noshort.npz", "resnet56_noskip_li", 0.1331),
}


def predictions(module: nnx.Module, images: Float[np.ndarray, "n h w c"]) -> Int[np.ndarray, "n"]:
    """The class of each image."""
    module.eval()
    definition, state = nnx.split(module)
    classify = jax.jit(lambda state, x: nnx.merge(definition, state)(x).argmax(-1))
    return np.concatenate([classify(state, images[i : i + BATCH]) for i in range(0, len(images), BATCH)])


def score(network: Network) -> dict[str, Any]:
    """Imports the weights and evaluates them on all test images."""
    settings = run_settings_of(f"+experiment={network.experiment}")
    test = settings.dataset().test
    module = settings.model.build(test.inputs.shape[1:], settings.model.published.outputs, rngs=nnx.Rngs(0))
    put_weights(module, read_arrays(WEIGHTS / network.file), li2018.resnet(56), TORCH, None)
    started = time.perf_counter()
    wrong = int((predictions(module, (test.inputs - MEAN) / DEVIATION) != test.targets[LABEL]).sum())
    return {
        "test_error": wrong / len(test),
        "interval": wilson_interval(wrong, len(test)),
        "published": network.error,
        "n": len(test),
        "seconds": time.perf_counter() - started,
    }


def measure(rounds: int) -> dict[str, Any]:
    """Test errors of both networks; a score is the same in every round."""
    if not WEIGHTS.exists():
        return {"skipped": f"the weights of Li et al. are not in {WEIGHTS}; docs/surfaces.md says how to get them"}
    return {name: score(network) for name, network in NETWORKS.items()}


def table(figures: dict[str, Any]) -> str:
    """Test errors of their weights in our network, and the published ones."""
    rows = []
    for name, figure in figures.items():
        low, high = figure["interval"]
        percent = [f"**{figure['test_error']:.2%}**", f"{low:.2%} to {high:.2%}", f"{figure['published']:.2%}"]
        numbers = [cell.replace("%", "") for cell in percent]
        rows.append([name, *numbers, f"{figure['n']:,}", f"{figure['seconds']:.0f}"])
    return markdown(["network", "test error, %", "95 % interval", "published, %", "images", "seconds"], rows)
