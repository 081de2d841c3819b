"""All settings of a run: the typed form of what `conf/train.yaml` composes."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, NonNegativeFloat, model_validator

from ..config.duration import Duration
from ..config.settings import Packages, Settings, added, not_defining
from ..data.dataset import Dataset, load_dataset
from ..data.settings import AugmentSettings, DataSettings
from ..models.base import ModelSettings
from ..tasks.base import TaskSettings
from ..tracking.settings import TrackingSettings
from .limits import DebugSettings, Limits, smallest
from .optimizers.base import OptimizerSettings
from .parallel import ParallelSettings
from .schedules.base import ScheduleSettings

Patterns = Annotated[list[str], BeforeValidator(lambda given: [given] if isinstance(given, str) else given)]
"""One pattern or several."""


class PrecisionSettings(Settings):
    """In which numbers a network computes; parameters, statistics and losses are always float32.

    Attributes:
        compute: type of the network's activations.
        matmul: precision of products, by JAX's names; on recent GPUs `default` means TF32, `highest` float32.
    """

    compute: Literal["float32", "bfloat16"]
    matmul: Literal["default", "high", "highest"]


class TrainSettings(Settings):
    """The course of training.

    Attributes:
        duration: how long; in steps, epochs or examples.
        log_every: how often the training loss is recorded.
        accumulation: into how many slices a batch is cut, which follow each other to save memory; batch statistics are
            those of a slice.
        average: decay of an exponential moving average of parameters and statistics that is scored in their place,
            and at the beginning (1 + step) / (10 + step) where that is less, as in TensorFlow; null for none.
        patience: training ends early when the validation score has not improved for so long; null for never. In steps,
            epochs or examples.
        steps_per_dispatch: how many steps the device takes at a call; null is 1 on the CPU and 10 elsewhere.
    """

    duration: Duration
    accumulation: Annotated[int, Field(gt=0)] = 1
    average: Annotated[float, Field(gt=0, lt=1)] | None = None
    patience: Duration | None = added(None)
    log_every: Duration = not_defining()
    steps_per_dispatch: Annotated[int, Field(gt=0)] | None = not_defining(None)


class EvaluationSettings(Settings):
    """What is measured on the way and at the end.

    Attributes:
        every: how often the validation split is scored.
        batch_size: examples in a batch.
        test_curve: whether the test split is scored along with it, for figures; no choice ever depends on it.
    """

    every: Duration
    batch_size: Annotated[int, Field(gt=0)]
    test_curve: bool = False


class CheckpointSettings(Settings):
    """What an interrupted run can go on from.

    Attributes:
        every: how often the run is saved; in steps, epochs, examples, or by the clock in seconds, minutes, hours.
        keep: how many of the latest checkpoints are kept; null keeps all.
        best: whether the one with the best validation score is kept as well.
    """

    every: Duration
    keep: Annotated[int, Field(gt=0)] | None
    best: bool = False


class RunSettings(Settings):
    """One training run. `not_defining` settings say how it is shown or placed, not what comes out.

    Attributes:
        pretrained: weights that the network begins with: `run:PATH`, `file:PATH` or `package:NAME==VERSION`.
        freeze: patterns of the layers that are not trained (`src.models.layer_names`).
        layer_rates: factors on the learning rate, by patterns of layers; others have the factor 1.
        cache_features: whether what a frozen body gives is computed once (`model=transfer`).
        deterministic: whether GPUs have to give the same bits every time, at some cost; CPUs do anyway.
        kernels: `auto` computes on CPUs by kernels of our own, built on first use; `xla` by XLA's operations.
        dry_run: whether to show what would be run, and stop.
        fresh: whether to begin anew what is finished or was interrupted.
        trust: packages beside this project whose code the configuration may name.
    """

    seed: Annotated[int, Field(ge=0, lt=2**32)]
    model: ModelSettings
    data: DataSettings
    task: TaskSettings
    optimizer: OptimizerSettings
    schedule: ScheduleSettings
    train: TrainSettings
    eval: EvaluationSettings
    precision: PrecisionSettings
    parallel: ParallelSettings
    pretrained: Annotated[str, Field(min_length=1)] | None = added(None)
    freeze: Patterns = added([])
    layer_rates: dict[str, NonNegativeFloat] | None = added(None)
    cache_features: bool = added(False)
    profile: Limits | None = None
    debug: DebugSettings
    deterministic: bool = not_defining()
    kernels: Literal["auto", "xla"] = not_defining("xla")
    checkpoint: CheckpointSettings = not_defining()
    tracking: TrackingSettings = not_defining()
    dry_run: bool = not_defining()
    fresh: bool = not_defining()
    trust: Packages = not_defining()

    @model_validator(mode="after")
    def _check_batch(self) -> "RunSettings":
        self.parallel.check_batch(self.data.batch_size, self.train.accumulation)
        return self

    @property
    def limits(self) -> list[Limits]:
        """The limits in force."""
        return [self.debug] if self.profile is None else [self.profile, self.debug]

    def augment(self, shrunk: int) -> AugmentSettings | None:
        """Random changes of training images that were shrunk by a factor, unless debugging leaves them out."""
        return self.data.augment.shrunk(shrunk) if self.data.augment and self.debug.augment else None

    def dataset(self) -> Dataset:
        """Reads the data within the limits.

        Raises:
            UserError: they cannot be read.
        """
        examples = smallest([limits.examples for limits in self.limits])
        image_size = smallest([limits.image_size for limits in self.limits])
        return load_dataset(self.data, examples=examples, image_size=image_size)
