"""Features of photographs beside the bare forward pass, and batches of photographs from files beside the bare step."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from benchmarks.engines import engine
from benchmarks.loop import bare_steps
from benchmarks.measure import ratio
from src.data import dataset
from src.studies.timing import in_turn
from src.training.engine import Engine

PHOTOGRAPHS = 320
SIDES = (160, 213)
NETWORK = ("data=folder", "data.image_size=160", "data.batch_size=32", "data.test_share=0.01", "parallel.devices=1")
MOBILENET = ("model=mobilenet", "model.width=0.75", "data.augment.crop=16", "train.duration=1epoch")
CACHED = ("model=transfer", "model.body=mobilenet", "model.body.width=0.75", "freeze=[body]",
          "cache_features=true", "data.augment=null", "eval.batch_size=32")  # fmt: skip


def measure(rounds: int) -> dict[str, Any]:
    """Photographs per second, of MobileNet of width .75 at 160 pixels."""
    with TemporaryDirectory() as folder:
        take_photographs(Path(folder))
        root = f"data.root={folder}"
        features = engine(*NETWORK, *CACHED, root)
        steps = engine(*NETWORK, *MOBILENET, root)
        once = {"features": computed_features(features), "forward pass": forward_passes(features)}
        epoch = {"files and steps": read_and_step(steps), "bare steps": bare_steps(steps)}
        return {
            "features, computed once": ratio(in_turn(once, rounds=rounds), "features", "forward pass"),
            "an epoch from JPEG files": ratio(in_turn(epoch, rounds=rounds), "files and steps", "bare steps"),
        }


def take_photographs(folder: Path) -> None:
    """Writes JPEG files of two classes."""
    rng = np.random.default_rng(0)
    for number in range(PHOTOGRAPHS):
        path = folder / ("dark", "bright")[number % 2] / f"{number}.jpg"
        path.parent.mkdir(exist_ok=True)
        photograph(rng).save(path, quality=90)


def photograph(rng: np.random.Generator) -> Image.Image:
    """An image with as much detail as a photograph has."""
    coarse = Image.fromarray(rng.integers(0, 256, (20, 27, 3), np.uint8)).resize(SIDES[::-1], Image.Resampling.BICUBIC)
    noise = rng.integers(-12, 13, (*SIDES, 3))
    return Image.fromarray(np.uint8(np.clip(np.asarray(coarse) + noise, 0, 255)))


def computed_features(run: Engine) -> Callable[[], Any]:
    """The features of the training split, as a run computes them that finds none in its cache."""

    def work() -> None:
        with empty_cache():
            run.features(run.dataset.train.inputs)

    return work


@contextmanager
def empty_cache() -> Iterator[None]:
    """A cache that holds nothing."""
    before = os.environ.get("CONVNETS_CACHE")
    with TemporaryDirectory() as folder:
        os.environ["CONVNETS_CACHE"] = folder
        try:
            yield
        finally:
            os.environ.pop("CONVNETS_CACHE")
            if before is not None:
                os.environ["CONVNETS_CACHE"] = before


def forward_passes(run: Engine) -> Callable[[], Any]:
    """The body alone, compiled, on one batch that is there already, as often as the split has batches."""
    network, size = run.body, run.settings.eval.batch_size
    assert network is not None
    forward = jax.jit(network.__call__)
    weights = network.parameters, network.batch_stats
    batch = jnp.asarray(run.preprocessing(run.dataset.train.inputs[:size]))

    def work() -> None:
        for _ in range(-(-len(run.dataset.train) // size)):
            jax.block_until_ready(forward(*weights, batch))

    return work


def read_and_step(run: Engine) -> Callable[[], Any]:
    """Decodes and resizes all files, puts them on the device, and takes the steps of an epoch."""
    steps = bare_steps(run)

    def work() -> None:
        dataset._read.cache_clear()
        dataset.load_dataset.cache_clear()
        jax.block_until_ready(run.on_devices(run.settings.dataset().train))
        steps()

    return work
