"""The trained networks of a study: from finished runs, or from imported weights."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
from flax import nnx
from pydantic import Field, model_validator

from ..config.errors import UserError
from ..config.settings import Packages, Settings, renamed
from ..data.batches import Constants, DeviceDataset, device_dataset
from ..data.dataset import SplitName
from ..data.preprocessing import Preprocessing
from ..models.resnet_cifar import CifarResNetSettings
from ..operations.library import Library
from ..pretrained import li2018, pytorch_resnet_cifar10
from ..pretrained.importer import TORCH, put_weights, read_arrays
from ..tasks.base import TaskSettings
from ..training.engine import build_network
from ..training.kernels import chosen_kernels
from ..training.process import configure_jax
from ..training.state import state_sha256
from .results import check_file_stems
from .runs import StudyRun, finish, planned, run_in
from .settings import Scale

LOOKED_AT = 100
"""Number of images for the check of imported weights."""


class ElsewhereSettings(Settings):
    """Weights of a CIFAR ResNet with the names of Li et al. 2018, or of pytorch_resnet_cifar10 (`shortcut=A_centred`).

    Attributes:
        file: `.npz` or `.safetensors`.
        mean: of pixels from 0 to 255, by channel; subtracted.
        std: of the same; divided by.
    """

    file: str
    mean: list[float]
    std: list[Annotated[float, Field(gt=0)]] = renamed("deviation")


class NetworkSettings(Settings):
    """A network: from a run, which is trained if it is not finished, or from imported weights.

    Attributes:
        title: in tables and figures.
        arguments: of `src.train`, for its run; for imported weights, they select network and data.
        run: directory of a finished run, instead of arguments.
        trust: packages outside this project whose classes that run may name.
        weights: imported weights.
        published: test error in percent that its paper states, if it does.
    """

    title: str
    arguments: list[str] = Field(default_factory=list)
    run: Annotated[str, Field(min_length=1)] | None = None
    trust: Packages = Field(default_factory=list)
    weights: ElsewhereSettings | None = None
    published: float | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "NetworkSettings":
        if self.run is not None and (self.arguments or self.weights is not None):
            raise ValueError(f"run={self.run} has its own settings and weights; leave out arguments and weights")
        if self.run is None and "arguments" not in self.model_fields_set:
            raise ValueError(f"the network {self.title!r} needs arguments of src.train, or a run")
        return self


class TrainedNetwork(NamedTuple):
    """A trained network and its data.

    Attributes:
        title: in tables and figures.
        module: in evaluation mode.
        task: its task.
        splits: images and labels by name.
        identity: everything that defines it, as JSON values.
        run: its run; None for imported weights.
        kernels: for evaluation without gradients; None for XLA's operations.
    """

    title: str
    module: nnx.Module
    task: TaskSettings
    splits: Mapping[str, DeviceDataset]
    identity: dict[str, Any]
    run: StudyRun | None
    kernels: Library | None


def trained_networks(
    settings: Sequence[NetworkSettings], common: Sequence[str], splits: Sequence[SplitName], images: int | None
) -> list[TrainedNetwork]:
    """Loads all networks of a study; unfinished runs are trained first.

    Args:
        settings: of the networks.
        common: arguments of `src.train` for all of them.
        splits: to load.
        images: number of images from the start of each split, at most; None for all.

    Raises:
        UserError: a run or a file cannot be used.
    """
    for each in settings:
        if each.weights is not None and not Path(each.weights.file).exists():
            raise UserError(f"{each.title}: there is no file {each.weights.file}; docs/surfaces.md says how to get it")
    runs = [
        run_in(Path(each.run), each.trust) if each.run else planned([*common, *each.arguments]) for each in settings
    ]
    for each, run in zip(settings, runs, strict=True):
        if "validation" in splits and not run.settings.dataset().spec.validation:
            raise UserError(f"{each.title}: there is no validation split; data.validation=0")
    if any(run.settings.precision != runs[0].settings.precision for run in runs):
        raise UserError("networks that are looked at together compute in the same precision")
    finish(run for run, each in zip(runs, settings, strict=True) if each.weights is None)
    return [
        _of_run(each.title, run, splits, images)
        if each.weights is None
        else _from_elsewhere(each.title, each.weights, run, splits, images)
        for each, run in zip(settings, runs, strict=True)
    ]


def _of_run(title: str, run: StudyRun, splits: Sequence[SplitName], images: int | None) -> TrainedNetwork:
    finished = run.loaded()
    engine = finished.engine
    constants = engine.preprocessing.constants
    return TrainedNetwork(
        title,
        finished.module,
        engine.settings.task,
        {name: device_dataset(engine.dataset.split(name)[:images], constants) for name in splits},
        {"run": run.directory.path.name, "weights": state_sha256(finished.state), "images": images},
        run,
        engine.kernels,
    )


def _from_elsewhere(
    title: str, weights: ElsewhereSettings, run: StudyRun, splits: Sequence[SplitName], images: int | None
) -> TrainedNetwork:
    model, dataset, task = run.settings.model, run.settings.dataset(), run.settings.task
    if not isinstance(model, CifarResNetSettings):
        raise UserError(f"{title}: weights from elsewhere are known by name for CIFAR ResNets only")
    channels = dataset.spec.shape[-1]
    for name, values in (("mean", weights.mean), ("std", weights.std)):
        if len(values) != channels:
            raise UserError(
                f"{title}: weights.{name} needs a number for each of {channels} channels, not {len(values)}"
            )
    configure_jax(run.settings)
    path = Path(weights.file)
    arrays = read_arrays(path)
    module = build_network(run.settings, dataset.spec)
    constants = Constants(*(np.array(values, np.float32).reshape(1, 1, -1) for values in (weights.mean, weights.std)))
    table = pytorch_resnet_cifar10 if model.shortcut in ("A", "A_centred") else li2018
    preprocessing = Preprocessing(dataset.spec, constants, dataset.shrunk)
    first = np.asarray(preprocessing(dataset.test.inputs[:LOOKED_AT]))
    put_weights(module, arrays, table.resnet(model.depth), TORCH, first)
    module.eval()
    own: dict[str, DeviceDataset] = {name: device_dataset(dataset.split(name)[:images], constants) for name in splits}
    identity = {
        "weights": hashlib.sha256(path.read_bytes()).hexdigest(),
        "mean": weights.mean,
        "std": weights.std,
        "settings": run.directory.path.name,  # contains a hash of network and data
        "images": images,
    }
    return TrainedNetwork(title, module, task, own, identity, None, chosen_kernels(run.settings.kernels))


class NetworksScale(Scale):
    """A scale that looks at trained networks.

    Attributes:
        networks: which ones.
        splits: on which is measured.
        images: at most so many of each, the same ones at every point; null for all.
    """

    networks: Annotated[list[NetworkSettings], Field(min_length=1)]
    splits: Annotated[list[SplitName], Field(min_length=1)]
    images: Annotated[int, Field(gt=0)] | None

    @model_validator(mode="after")
    def _check_titles(self) -> "NetworksScale":
        check_file_stems([network.title for network in self.networks])
        return self

    def trained_networks(self) -> list[TrainedNetwork]:
        """The networks, trained if they are not yet."""
        return trained_networks(self.networks, self.common, self.splits, self.images)
