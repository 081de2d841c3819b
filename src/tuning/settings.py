"""Settings of a search."""

from math import inf
from pathlib import Path
from typing import Annotated

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from pydantic import Field, model_validator

from ..config.errors import UserError
from ..config.settings import Settings, not_defining
from ..runs.files import at_home
from ..tasks.base import TaskSettings
from ..tasks.metrics import Metric

SPLIT = "validation_"


class Dimension(Settings):
    """One setting that is searched.

    Attributes:
        key: as on the command line of `src.train`.
        low: the least value.
        high: the greatest value.
        log: whether the scale is logarithmic.
        choices: a list of values instead of a range.
    """

    key: Annotated[str, Field(min_length=1)]
    low: float | None = None
    high: float | None = None
    log: bool = False
    choices: Annotated[list[str | int | float | bool], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _check_range(self) -> "Dimension":
        if (self.choices is None) == (self.low is None or self.high is None):
            raise ValueError(f"{self.key} needs either low and high, or choices")
        if self.low is not None and self.high is not None and not (0 if self.log else -inf) < self.low < self.high:
            raise ValueError(f"{self.key} needs low < high, and low > 0 where log is true")
        return self

    @property
    def extremes(self) -> list[str | int | float | bool]:
        """The ends of the range, or all choices."""
        return (
            self.choices
            if self.choices is not None
            else [value for value in (self.low, self.high) if value is not None]
        )

    def distribution(self) -> BaseDistribution:
        """The same in Optuna's terms."""
        if self.choices is not None:
            return CategoricalDistribution(self.choices)
        assert self.low is not None
        assert self.high is not None
        return FloatDistribution(self.low, self.high, log=self.log)


class SearchSettings(Settings):
    """What to search, by which score, and for how many trials.

    Attributes:
        metric: the score, as it is called in `metrics.jsonl`; only the validation split may decide. Null is the metric
            that the task decides by.
        prune: whether a trial is stopped when its score lags behind the median of earlier ones.
        space: the settings that are searched.
        trials: total number of trials over all starts of the same search.
        directory: of searches and their runs.
    """

    metric: str | None
    prune: bool
    space: Annotated[list[Dimension], Field(min_length=1)]
    trials: Annotated[int, Field(gt=0)] = not_defining()
    directory: Annotated[str, Field(min_length=1)] = not_defining()

    @property
    def home(self) -> Path:
        """The directory, from the home directory on where it begins with `~`."""
        return at_home(self.directory)

    def score(self, task: TaskSettings) -> Metric:
        """The metric that decides.

        Raises:
            UserError: it is not of the validation split, the task does not measure it, or no value of it is the better.
        """
        name = f"{SPLIT}{task.headline}" if self.metric is None else self.metric
        if not name.startswith(SPLIT):
            raise UserError(f"search.metric={name}: only the validation split may decide, as {SPLIT}{task.headline}")
        metric = task.metric(name.removeprefix(SPLIT))
        if metric.direction is None:
            raise UserError(f"search.metric={name}: no value of it is the better; {SPLIT}{task.headline} has one")
        return metric


class SearchNode(Settings):
    """The node of a composed configuration that is not the run's.

    Attributes:
        search: the search.
    """

    search: SearchSettings
