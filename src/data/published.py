"""Readers of the files in which authors publish well-known sets. They hold plain bytes and no code."""

import gzip
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .examples import Examples, Split, labelled

PIXELS = 3 * 32 * 32
"""Bytes of a CIFAR image: the red, green and blue pixels, each row by row."""

DIGITS = tuple("0123456789")
FASHION_CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip


def cifar10(folder: Path) -> Examples:
    """CIFAR-10 from its binary version: a byte with the class stands before each image."""
    batches = [f"data_batch_{number}.bin" for number in range(1, 6)]
    archive = folder / "cifar-10-binary.tar.gz"
    return _cifar(archive, "cifar-10-batches-bin", batches, "test_batch.bin", "batches.meta.txt", label_bytes=1)


def cifar100(folder: Path) -> Examples:
    """CIFAR-100 from its binary version: the class follows the group of classes, and then comes the image."""
    archive = folder / "cifar-100-binary.tar.gz"
    return _cifar(archive, "cifar-100-binary", ["train.bin"], "test.bin", "fine_label_names.txt", label_bytes=2)


def mnist(folder: Path) -> Examples:
    """MNIST from its four files."""
    return _idx_examples(folder, DIGITS)


def fashion_mnist(folder: Path) -> Examples:
    """Fashion-MNIST, which has the files of MNIST."""
    return _idx_examples(folder, FASHION_CLASSES)


def _cifar(archive: Path, inside: str, train: Sequence[str], test: str, names: str, *, label_bytes: int) -> Examples:
    """Reads members of an archive without unpacking it; the last of the label bytes is the class."""
    with tarfile.open(archive) as tar:

        def content(name: str) -> bytes:
            member = tar.extractfile(f"{inside}/{name}")
            if member is None:
                raise ValueError(f"{inside}/{name} is not a file")
            return member.read()

        def split(*files: str) -> Split:
            rows = np.frombuffer(b"".join(map(content, files)), np.uint8).reshape(-1, label_bytes + PIXELS)
            images = rows[:, label_bytes:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
            return labelled(images, rows[:, label_bytes - 1])

        return Examples(split(*train), split(test), tuple(content(names).decode().split()))


def _idx_examples(folder: Path, class_names: tuple[str, ...]) -> Examples:
    """Reads the four files in which MNIST and its descendants are published, compressed or not."""
    train, test = (
        labelled(_idx(folder, f"{prefix}-images-idx3-ubyte")[..., None], _idx(folder, f"{prefix}-labels-idx1-ubyte"))
        for prefix in ("train", "t10k")
    )
    return Examples(train, test, class_names)


def _idx(folder: Path, name: str) -> np.ndarray:
    """One array of the idx format: two zero bytes, the type (8 = uint8), the rank, the sizes, the values."""
    plain = folder / name
    raw = plain.read_bytes() if plain.exists() else gzip.decompress((folder / f"{name}.gz").read_bytes())
    if raw[:3] != b"\0\0\x08":
        raise ValueError(f"{name} is not an idx file of bytes")
    rank = raw[3]
    shape = np.frombuffer(raw, ">i4", count=rank, offset=4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(shape)
