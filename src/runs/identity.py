"""What a run is called: equal names mean equal results."""

import hashlib
import json

from src.config.settings import Settings, defining_values


def run_hash(settings: Settings) -> str:
    """Ten hexadecimal digits over every value that defines the result; how a run is shown or placed is left out."""
    values = json.dumps(defining_values(settings), sort_keys=True)
    return hashlib.sha256(values.encode()).hexdigest()[:10]
