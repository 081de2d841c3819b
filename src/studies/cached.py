"""Long measurements are cached with where they came from, so that a study that was stopped does not make them again.

A cached measurement has an identity, which names its file: everything that it depends on, and the versions of the code
that measures (`src/runs/versions.py`). It has a provenance: the commit, machine and time that it was measured by. Of a
file from before there were provenances it is unknown.
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
"""Holds a file for each, named by its identity."""

T = TypeVar("T")


@dataclass(frozen=True)
class Cached(Generic[T]):
    """A measurement, made now or before.

    Attributes:
        value: what was measured.
        measured_by: its provenance in words.
        versions: of the code that measured it, for the identity of what is measured with it.
    """

    value: T
    measured_by: str
    versions: dict[str, int]


def cached(identity: Mapping[str, Any], code: Sequence[Callable[..., Any]], measure: Callable[[], Any]) -> Cached[Any]:
    """What was measured before, or else is measured now.

    Args:
        identity: everything that the measurement depends on but the code, as JSON can say it.
        code: functions that measure, each with its version.
        measure: gives what JSON can say; tuples come back as lists.

    Raises:
        UserError: it cannot be written, or is damaged.
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
    """Where a measurement that is about to be made comes from: what of a run is written down, and the versions."""
    return {**provenance(), "versions": declared_versions(*code)}


def cached_file(file: Path, content: Callable[[], bytes], read: Callable[[bytes], T]) -> T:
    """What a file holds, which is made first if there is none.

    Args:
        file: named by the identity of what it holds.
        content: measures, and gives what the file will hold.
        read: understands it.

    Raises:
        UserError: it cannot be written or read, or is damaged.
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
