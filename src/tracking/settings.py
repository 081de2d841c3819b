"""Settings of what is shown and stored of a run."""

from typing import Annotated, Literal

from pydantic import Field

from ..config.settings import Settings


class WandbSettings(Settings):
    """Where a run is shown in Weights & Biases.

    Attributes:
        project: that it belongs to.
        entity: user or team; null for one's own.
    """

    project: Annotated[str, Field(min_length=1)]
    entity: str | None


class TrackingSettings(Settings):
    """Where measurements go besides `metrics.jsonl` and `metrics.csv`, which are always written.

    Attributes:
        progress: a `bar` that is drawn anew, `lines` that follow each other, `none`, or what suits the output
            (`auto`).
        tensorboard: whether an event file is written.
        wandb: Weights & Biases, or null.
    """

    progress: Literal["auto", "bar", "lines", "none"]
    tensorboard: bool
    wandb: WandbSettings | None
