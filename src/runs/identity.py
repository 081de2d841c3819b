"""Names of runs: equal names mean equal results."""

import hashlib
from collections.abc import Iterator
from typing import Any

from ..config.kinds import KIND, TARGET, kind_at
from ..config.settings import Settings, defining_values, rule_revisions
from ..plain_json import dumps


def run_hash(settings: Settings) -> str:
    """Ten hexadecimal digits, a hash of all values that define the result (fields without `not_defining`)."""
    return short_hash(identity(settings))


def identity(settings: Settings) -> dict[str, Any]:
    """All values that define the result, and the rule revisions above 1."""
    revisions = rule_revisions(settings)
    return defining_values(settings) | ({"rule_revisions": revisions} if revisions else {})


def short_hash(values: Any) -> str:
    """Ten hexadecimal digits of the SHA-256 of JSON values."""
    return hashlib.sha256(dumps(values, sort_keys=True).encode()).hexdigest()[:10]


def difference(there: dict[str, Any], here: dict[str, Any]) -> str:
    """The first three settings in which two runs differ, such as `model.depth is 20 there and 56 here`."""
    theirs, ours = dict(_flat(there)), dict(_flat(here))
    keys = [key for key in [*ours, *theirs] if theirs.get(key) != ours.get(key)]
    words = [f"{key} is {theirs.get(key)} there and {ours.get(key)} here" for key in dict.fromkeys(keys)]
    return ", ".join(words[:3]) + (f", and {len(words) - 3} more" if len(words) > 3 else "")


def _flat(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """All values with their dotted keys."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        elif name == TARGET:
            yield f"{prefix}{KIND}", kind_at(value)
        else:
            yield f"{prefix}{name}", value
