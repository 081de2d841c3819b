"""What a task is: the meaning of targets and of a network's outputs."""

from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Shaped

from ..config.errors import UserError, did_you_mean
from ..config.settings import Settings
from ..data.augment import Moves
from ..data.batches import Batch, DeviceDataset, Targets, filled_batch
from ..data.examples import DataSpec
from ..data.settings import AugmentSettings
from ..randomness import Scalar
from .metrics import Metric, Outputs, Sums, Values, computed, updates

InputGradient = Callable[[Batch], Any]
"""The gradient of the mean loss of a batch by its inputs, as the network is in training."""


class TaskSettings(Settings):
    """Settings of a task: its targets, its loss and its metrics. Training knows nothing of what is learnt beyond these.

    Attributes:
        needs: names of the targets that it reads.
        uses: names of those that it also reads where the data have them.
        headline: name of the metric by which searches, early stopping, the best checkpoint and studies decide.
        mixes: whether two examples can be mixed (`mixed`).
    """

    needs: ClassVar[tuple[str, ...]]
    uses: ClassVar[tuple[str, ...]] = ()
    headline: ClassVar[str]
    mixes: ClassVar[bool] = False

    @abstractmethod
    def outputs(self, spec: DataSpec) -> int:
        """The number of channels of a network's last layer."""

    @abstractmethod
    def output_shape(self, spec: DataSpec) -> Any:
        """The shape of the outputs for one example, or a tree of shapes."""

    def read_of(self, targets: Collection[str]) -> list[str]:
        """The names of the targets that it reads, of those that there are."""
        return [*self.needs, *(name for name in self.uses if name in targets)]

    @abstractmethod
    def predictions(self, outputs: Outputs) -> Any:
        """What outputs say to a person, such as probabilities."""

    @abstractmethod
    def losses(self, outputs: Outputs, batch: Batch) -> Float[Array, "b"]:
        """What is minimized, for each example."""

    @abstractmethod
    def scores(self, outputs: Outputs, batch: Batch) -> dict[str, Float[Array, "b"]]:
        """Metrics of each example: their means over a split are the metrics of the same names. The loss is the first.

        They are of the examples themselves, neither mixed nor smoothed.
        """

    @abstractmethod
    def metrics(self, *, detailed: bool) -> Sequence[Metric]:
        """What is reported of a split; `detailed` ones are worth their time in evaluation only."""

    @property
    def headline_metric(self) -> Metric:
        """The metric that decides."""
        return self.metric(self.headline)

    @property
    def shown(self) -> dict[str, Callable[[float], str]]:
        """How a person reads the metrics that are measured all the time, by their names."""
        return {metric.name: metric.shown for metric in self.metrics(detailed=False)}

    def metric(self, name: str) -> Metric:
        """The metric of that name.

        Raises:
            UserError: there is none; with the nearest one.
        """
        known = {metric.name: metric for metric in self.metrics(detailed=True)}
        if name not in known:
            raise UserError(f"the task measures no '{name}'{did_you_mean(name, known)}")
        return known[name]

    def sums(self, outputs: Outputs, batch: Batch, *, detailed: bool) -> Sums:
        """Measurements of a batch that add up."""
        return updates((each for each in self.metrics(detailed=detailed) if not each.gathered), outputs, batch)

    def gathered(self, outputs: Outputs, batch: Batch) -> Sums:
        """Measurements of each example of a batch that do not add up."""
        return updates((each for each in self.metrics(detailed=True) if each.gathered), outputs, batch)

    def summary(self, values: Values, *, detailed: bool) -> dict[str, Any]:
        """What sums over a split say, as plain numbers and lists with the names of the field."""
        return computed(self.metrics(detailed=detailed), values)

    def moved(self, targets: Targets, moves: Moves) -> Targets:
        """The targets of images that are cropped and mirrored; those that belong to no place stay as they are."""
        return targets

    def mixed(self, targets: Targets, others: Targets, weights: Float[Array, "b"]) -> Targets:
        """The targets of mixtures of two images.

        Args:
            targets: of the first image.
            others: of the second.
            weights: of the first.
        """
        raise NotImplementedError

    def perturbed(self, batch: Batch, gradient: InputGradient) -> Batch:
        """The batch that is trained on: another one where a task changes it by the network's own gradient."""
        return batch

    def captions(self, targets: Targets, spec: DataSpec) -> list[str]:
        """What is written below each example in a picture."""
        return [""] * len(jax.tree.leaves(targets)[0])

    def check(self, spec: DataSpec, augment: AugmentSettings | None) -> None:
        """Refuses data without the targets that the task reads, and mixtures that have none.

        Raises:
            UserError: naming what is missing, and what is there.
        """
        if augment is not None and augment.mixes and not (self.mixes and spec.pictured):
            raise UserError("data.augment.mixup and cutmix mix the classes of single images; set them to 0 here")
        missing = [name for name in self.needs if name not in spec.targets]
        if missing:
            there = ", ".join(spec.targets) or "no targets"
            raise UserError(f"the task needs the target {missing[0]}; data.name={spec.name} has {there}")

    def check_targets(self, targets: Mapping[str, Shaped[np.ndarray, "n ..."]], spec: DataSpec) -> None:
        """Refuses targets that mean nothing to the task, such as a class that does not exist.

        Raises:
            UserError: naming the target.
        """


def check_classes(name: str, target: Shaped[np.ndarray, "n ..."], shape: tuple[str, ...], classes: int) -> None:
    """Refuses a target whose values are no numbers of classes.

    Args:
        name: of the target.
        target: its values.
        shape: the names of its dimensions.
        classes: how many there are.

    Raises:
        UserError: saying what it is.
    """
    if target.ndim != len(shape) or not np.issubdtype(target.dtype, np.integer):
        needed = f"whole numbers ({', '.join(shape)}{',' * (len(shape) == 1)})"
        raise UserError(
            f"the target {name} is {target.dtype} {target.shape}; {needed} are needed, the numbers of classes"
        )
    if target.size and not 0 <= (smallest := target.min()) <= (largest := target.max()) < classes:
        wrong = smallest if smallest < 0 else largest
        raise UserError(f"the target {name} has the class {wrong}; there are {classes}, numbered from 0 on")


def sum_over_batches(
    measure: Callable[[Batch], Any], data: DeviceDataset, batch_size: int, *, drop_remainder: bool = False
) -> Any:
    """The sum of what is measured of every batch of a split; to be called inside a compiled function.

    Args:
        measure: gives a tree of arrays, in which examples without weight count nothing.
        data: the split.
        batch_size: examples in a batch.
        drop_remainder: leaves a short last batch out.
    """
    batches = data.examples // batch_size if drop_remainder else -(-data.examples // batch_size)

    def of(number: Scalar) -> Any:
        return measure(filled_batch(data, number * batch_size, batch_size))

    zero = optax.tree.zeros_like(jax.eval_shape(of, 0))
    return jax.lax.fori_loop(0, batches, lambda number, total: jax.tree.map(jnp.add, total, of(number)), zero)
