"""Long measurements are kept, so that a study that was stopped does not make them again."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..config.errors import UserError
from ..plain_json import dumps, numbers
from ..runs.files import write_whole
from ..runs.identity import short_hash

HOME = Path("runs/measurements")
"""Holds a file for each, named by what defines it."""


def kept(identity: Mapping[str, Any], measure: Callable[[], Any]) -> Any:
    """What was measured before, or else is measured now.

    Args:
        identity: everything that defines the measurement, as JSON can say it.
        measure: gives what JSON can say; tuples come back as lists.

    Raises:
        UserError: it cannot be written, or is damaged.
    """
    file = HOME / f"{short_hash(dict(identity))}.json"
    text = None if file.exists() else dumps({"identity": identity, "found": measure()})
    try:
        if text is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(file, f"{text}\n")
        return numbers(json.loads(file.read_text())["found"])
    except OSError as error:
        raise UserError(f"cannot write {file}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{file} is damaged; remove it to measure anew") from None
