"""Caches slow measurements with their provenance, so that an interrupted study does not repeat them.

The identity of a measurement, whose hash is its file name, is everything that it depends on, with the versions of the
measuring code (`src/runs/versions.py`). Its provenance has commit, machine and time; older files have none.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar
from zipfile import BadZipFile

from ..config.errors import UserError
from ..plain_json import dumps, numbers
from ..runs.files import write_whole
from ..runs.identity import short_hash
from ..runs.provenance import in_words, provenance
from ..runs.versions import declared_versions, versions

HOME = Path("runs/measurements")
"""One file per measurement, named by its identity."""

T = TypeVar("T")


@dataclass(frozen=True)
class Cached(Generic[T]):
    """A measurement, new or from the cache.

    Attributes:
        value: the measured value.
        measured_by: its provenance in words.
        versions: of the measuring code, for identities of measurements that depend on it.
    """

    value: T
    measured_by: str
    versions: dict[str, int]


def cached(identity: Mapping[str, Any], code: Sequence[Callable[..., Any]], measure: Callable[[], Any]) -> Cached[Any]:
    """Returns a measurement from the cache, or measures.

    Args:
        identity: everything that the measurement depends on except the code, as JSON values.
        code: measuring functions, each with a version.
        measure: returns JSON values; tuples become lists.

    Raises:
        UserError: the file cannot be written, or is damaged.
    """
    identity = {**identity, **versions(*code)}

    def content() -> bytes:
        made = provenance_of(code)
        return f"{dumps({'identity': identity, 'provenance': made, 'found': measure()})}\n".encode()

    def read(content: bytes) -> Cached[Any]:
        record = json.loads(content)
        return Cached(numbers(record["found"]), in_words(record.get("provenance")), versions(*code))

    return cached_file(HOME / f"{short_hash(identity)}.json", content, read)


def provenance_of(code: Sequence[Callable[..., Any]]) -> dict[str, Any]:
    """The provenance of a new measurement: that of a run, and the versions of the code."""
    return {**provenance(), "versions": declared_versions(*code)}


def cached_file(file: Path, content: Callable[[], bytes], read: Callable[[bytes], T]) -> T:
    """The contents of a cache file, which is written first if it is missing.

    Args:
        file: path, named by the identity.
        content: measures, and returns the contents.
        read: parses the contents.

    Raises:
        UserError: the file cannot be written or read, or is damaged.
    """
    made = None if file.exists() else content()
    try:
        if made is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(file, made)
        return read(file.read_bytes())
    except OSError as error:
        raise UserError(f"cannot write {file}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError, EOFError, BadZipFile):
        raise UserError(f"{file} is damaged; remove it to measure anew") from None
