"""What a run is called: equal names mean equal results."""

import hashlib
from collections.abc import Iterator
from typing import Any

from ..config.kinds import KIND, TARGET, kind_at
from ..config.settings import Settings, defining_values, rule_revisions
from ..plain_json import dumps


def run_hash(settings: Settings) -> str:
    """Ten hexadecimal digits over every value that defines the result; how a run is shown or placed is left out."""
    return short_hash(identity(settings))


def identity(settings: Settings) -> dict[str, Any]:
    """Every value that defines the result, and the revisions of rules that came to mean another one."""
    revisions = rule_revisions(settings)
    return defining_values(settings) | ({"rule_revisions": revisions} if revisions else {})


def short_hash(values: Any) -> str:
    """Ten hexadecimal digits over values that JSON can say."""
    return hashlib.sha256(dumps(values, sort_keys=True).encode()).hexdigest()[:10]


def difference(there: dict[str, Any], here: dict[str, Any]) -> str:
    """The first few settings in which two runs differ, as `model.depth is 20 there and 56 here`."""
    theirs, ours = dict(_flat(there)), dict(_flat(here))
    keys = [key for key in [*ours, *theirs] if theirs.get(key) != ours.get(key)]
    words = [f"{key} is {theirs.get(key)} there and {ours.get(key)} here" for key in dict.fromkeys(keys)]
    return ", ".join(words[:3]) + (f", and {len(words) - 3} more" if len(words) > 3 else "")


def _flat(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every value with its dotted key."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        elif name == TARGET:
            yield f"{prefix}{KIND}", kind_at(value)
        else:
            yield f"{prefix}{name}", value
