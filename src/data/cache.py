"""Examples kept on disk: written once, whole or not at all, and read only after their checksum was seen to be right."""

import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np

from ..config.errors import UserError
from ..lock import locked
from ..plain_json import dumps
from .examples import LABEL, Examples, checksum, labelled

log = logging.getLogger(__name__)

MANIFEST = "manifest.json"
ARRAYS = ("train_images.npy", "train_labels.npy", "test_images.npy", "test_labels.npy")
WORDS = "vocabulary.txt"
"""The words of texts, each a line, in the order of their numbers; copies of former times do not have it."""


def cache_home() -> Path:
    """Where prepared data sets are kept: `$CONVNETS_CACHE`, or `convnets` in the user's cache directory."""
    user_cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("CONVNETS_CACHE") or Path(user_cache) / "convnets")


def cached(name: str, prepare: Callable[[], Examples], sha256: str | None = None, *, texts: bool = False) -> Examples:
    """Reads a prepared data set, or prepares and stores it.

    Two processes that start together prepare it once: the second waits for the first. A damaged copy is replaced, and
    so is one of texts that lacks their vocabulary, where that can be had.

    Args:
        name: directory of the data set inside the cache.
        prepare: gives the examples when they are not there yet.
        sha256: checksum that they have to have, where it is known; other ones are replaced like damaged ones.
        texts: whether the examples have a vocabulary.

    Raises:
        UserError: the cache cannot be written, or holds what is not ours, or whatever `prepare` raises.
    """
    directory = cache_home() / name
    with _held(directory):
        if directory.exists():
            examples = _read(directory, sha256)
            if examples is not None and texts and examples.vocabulary is None:
                return _with_vocabulary(examples, prepare, directory)
            if examples is not None:
                if sha256 is None:
                    log.info("%s is used as it was prepared before; without it the set is read anew", directory)
                return examples
            _check_ours(directory)
            log.warning("%s is damaged and is prepared again", directory)
        examples = prepare()
        _write(examples, directory)
        return examples


def _with_vocabulary(examples: Examples, prepare: Callable[[], Examples], directory: Path) -> Examples:
    """Replaces a copy of texts without their vocabulary; where it cannot be had, the texts alone are used."""
    log.info("%s does not hold the words of its texts and is prepared again", directory)
    try:
        whole = prepare()
        if checksum(whole) != checksum(examples):
            raise UserError("its source has other texts now")
        _write(whole, directory)
        return whole
    except UserError as error:
        log.warning("%s is used without the words of its texts: %s", directory, error)
        return examples


@contextmanager
def _held(directory: Path) -> Iterator[None]:
    """Keeps other processes out of one data set while this one looks or writes."""
    with ExitStack() as held:
        try:
            directory.parent.mkdir(parents=True, exist_ok=True)
            held.enter_context(locked(directory.with_name(f".{directory.name}.lock"), of=directory, wait=True))
        except OSError as error:
            if not directory.exists():  # what is there can be read where nothing can be written
                message = f"cannot write the data cache: {error}; set CONVNETS_CACHE to a directory that can be written"
                raise UserError(message) from None
        yield


def _check_ours(directory: Path) -> None:
    """Refuses to replace what somebody else keeps under the name of a data set.

    Raises:
        UserError: it holds something else than a prepared data set.
    """
    names = sorted(path.name for path in directory.iterdir()) if directory.is_dir() else [directory.name]
    foreign = [name for name in names if name not in (*ARRAYS, WORDS, MANIFEST)]
    if foreign or (names and MANIFEST not in names):
        held = ", ".join((foreign or names)[:3])
        raise UserError(f"{directory} holds {held}, which is not ours; set CONVNETS_CACHE to another directory")


def _write(examples: Examples, directory: Path) -> None:
    """Writes beside the final place and renames at the end, so that a reader never sees a part."""
    part = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
    try:
        for name, split in (("train", examples.train), ("test", examples.test)):
            np.save(part / f"{name}_images.npy", split.inputs)
            np.save(part / f"{name}_labels.npy", split.targets[LABEL])
        manifest = {"class_names": examples.class_names, "source": examples.source, "sha256": checksum(examples)}
        if examples.vocabulary is not None:
            lines = "\n".join(examples.vocabulary).encode()
            (part / WORDS).write_bytes(lines)
            manifest[WORDS] = hashlib.sha256(lines).hexdigest()
        (part / MANIFEST).write_text(dumps(manifest, indent=2) + "\n")
        shutil.rmtree(directory, ignore_errors=True)
        part.rename(directory)
    except OSError as error:
        raise UserError(f"cannot write the data cache {directory}: {error}") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _read(directory: Path, sha256: str | None) -> Examples | None:
    """The stored examples, or nothing when a file is missing, unreadable or not what was written."""
    try:
        manifest = json.loads((directory / MANIFEST).read_text())
        splits = [
            labelled(np.load(directory / f"{name}_images.npy"), np.load(directory / f"{name}_labels.npy"))
            for name in ("train", "test")
        ]
        source = manifest.get("source")  # which older copies do not say
        examples = Examples(
            splits[0],
            splits[1],
            tuple(manifest["class_names"]),
            source=source,
            vocabulary=_words(directory, manifest.get(WORDS)),
        )
        return examples if checksum(examples) == manifest["sha256"] == (sha256 or manifest["sha256"]) else None
    except (OSError, ValueError, KeyError, EOFError):
        return None


def _words(directory: Path, sha256: str | None) -> tuple[str, ...] | None:
    """The stored vocabulary, if there is one.

    Raises:
        OSError, ValueError: it is missing or not what was written.
    """
    if sha256 is None:
        return None
    lines = (directory / WORDS).read_bytes()
    if hashlib.sha256(lines).hexdigest() != sha256:
        raise ValueError("other words")
    return tuple(lines.decode().split("\n"))
