"""Settings of tracking."""

from typing import Annotated, Literal

from pydantic import Field

from ..config.settings import Settings


class WandbSettings(Settings):
    """Settings of Weights & Biases.

    Attributes:
        project: name of the project.
        entity: user or team; null for the default of the login.
    """

    project: Annotated[str, Field(min_length=1)]
    entity: str | None


class TrackingSettings(Settings):
    """Where measurements go besides `metrics.jsonl` and `metrics.csv`, which are always written.

    Attributes:
        progress: a `bar`, `lines`, `none`, or `auto`: a bar on a terminal, lines elsewhere.
        tensorboard: whether to write an event file.
        wandb: settings of Weights & Biases, or null for none.
    """

    progress: Literal["auto", "bar", "lines", "none"]
    tensorboard: bool
    wandb: WandbSettings | None
