"""Settings of what is shown and stored of a run."""

from typing import Literal

from src.config.settings import Settings


class TrackingSettings(Settings):
    """Where measurements go besides `metrics.jsonl`, which is always written.

    Attributes:
        progress: a `bar` that is drawn anew, `lines` that follow each other, or whichever suits the output (`auto`).
    """

    progress: Literal["auto", "bar", "lines", "none"]
