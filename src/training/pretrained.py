"""The weights that a run begins with, and what they expect of its images."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from flax import nnx

from ..config.errors import UserError
from ..config.settings import defining_values
from ..data.batches import Constants
from ..data.examples import DataSpec
from ..data.preprocessing import Preprocessing
from ..layers.shortcuts import PadShortcut
from ..models.base import ModelSettings, abstract_network
from ..models.functional import dotted
from ..models.summary import innermost
from ..models.transfer import HEAD, Transfer, TransferSettings
from ..pretrained.importer import FLAX, Table, check_zeros, matched, put_weights
from ..pretrained.names import Names, Zeros
from ..pretrained.sources import Weights, read_weights
from ..runs.directory import RunDirectory
from ..runs.identity import difference
from .engine import Engine
from .load_run import load_run
from .settings import RunSettings
from .state import state_sha256

log = logging.getLogger(__name__)

RUN = "run:"
SMALLEST, LARGEST = 0.5, 2.0
"""Sides of images, in units of those that the weights were trained on: convolutions see objects of one size."""
NAMED = 5


class Pretrained(NamedTuple):
    """Weights for a network or its body.

    Attributes:
        weights: their arrays, and what is known of them.
        constants: of the normalization of images.
        channels: of images.
    """

    weights: Weights
    constants: Constants
    channels: int

    def put(self, module: nnx.Module) -> None:
        """Puts the weights into a network, in place; the head of a `Transfer` stays as it is."""
        part, replaced = part_of(module)
        own = self.weights
        put_weights(part, own.arrays, own.layers, own.framework, None, replaced=replaced)

    def in_words(self, spec: DataSpec) -> str:
        """What a person has to know."""
        mean, std = (sorted({*np.round(values, 2).ravel().tolist()}) for values in self.constants)
        here, there = "x".join(map(str, spec.shape[:2])), f"{self.weights.size}x{self.weights.size}"
        size = there if here == there else f"{there}, here {here}"
        pixels = f"pixels less {listed(mean)}, over {listed(std)}"
        return f"begins with {self.weights.origin}: {pixels}; trained on images of {size}"


def listed(values: Sequence[float]) -> str:
    """Some numbers, or their range."""
    words = [f"{value:g}" for value in values]
    return ", ".join(words) if len(words) <= NAMED else f"{words[0]} to {words[-1]}"


def new_engine(settings: RunSettings, begun_with: str | None = None) -> Engine:
    """What trains a run, with the weights that it begins with.

    Args:
        settings: of the run.
        begun_with: the operations of a run that goes on.

    Raises:
        UserError: the weights cannot be read, or do not fit.
    """
    found = pretrained(settings)
    if found is None:
        return Engine(settings, begun_with)
    dataset = settings.dataset()
    preprocessing = Preprocessing(dataset.spec, found.constants, dataset.shrunk)
    return Engine(settings, begun_with, preprocessing, put=found.put)


def pretrained(settings: RunSettings) -> Pretrained | None:
    """The weights that a run begins with, if it begins with any.

    Raises:
        UserError: they cannot be read, or are of another network.
    """
    if settings.pretrained is None:
        return None
    model = settings.model.body if isinstance(settings.model, TransferSettings) else settings.model
    return read(settings.pretrained, model, tuple(settings.trust))


@lru_cache(maxsize=1)
def read(source: str, model: ModelSettings, trust: tuple[str, ...]) -> Pretrained:
    """Reads weights. A command checks them before using them, so the latest are kept."""
    if source.startswith(RUN):
        return of_run(source, model, trust)
    weights = read_weights(source, model)
    mean, std = (np.array(values, np.float32).reshape(1, 1, -1) for values in (weights.mean, weights.std))
    return Pretrained(weights, Constants(mean, std), len(weights.mean))


def of_run(source: str, model: ModelSettings, trust: Sequence[str]) -> Pretrained:
    """The weights of a run, or of its body.

    Raises:
        UserError: there is no such run, or it is of another network, or not of images.
    """
    loaded = load_run(source.removeprefix(RUN), trust)
    theirs = loaded.engine.settings.model
    if isinstance(theirs, TransferSettings):
        theirs = theirs.body
    if words := difference(defining_values(theirs), defining_values(model)):
        raise UserError(f"pretrained={source} holds another network: {words}")
    known = loaded.engine.preprocessing
    if not isinstance(known.constants, Constants):
        raise UserError(f"pretrained={source} takes no images")
    part, _ = part_of(loaded.module)
    state = nnx.state(part, (nnx.Param, nnx.BatchStat))
    arrays = {
        f"{dotted(path[:-1])}/{path[-1]}": np.asarray(leaf.get_value()) for path, leaf in nnx.to_flat_state(state)
    }
    weights = Weights(
        origin=f"the weights of {loaded.directory.path}",
        sha256=state_sha256(loaded.state),
        arrays=arrays,
        layers=own_names(part, arrays),
        framework=FLAX,
        mean=(),
        std=(),
        size=known.spec.shape[0],
        class_names=known.spec.class_names,
    )
    return Pretrained(weights, known.constants, known.spec.shape[-1])


def own_names(module: nnx.Module, arrays: Iterable[str]) -> Table:
    """The table of names of a network of this project: each layer has its own."""
    layers: Names = {name: name for name in (path.partition("/")[0] for path in arrays)}
    padded = ((name, layer) for _, _, layer, name in innermost(module) if isinstance(layer, PadShortcut))
    return layers | {name: Zeros(centred=layer.before > 0) for name, layer in padded}


def part_of(module: nnx.Module) -> tuple[nnx.Module, Sequence[str]]:
    """The part of a network that has weights from elsewhere, and the layers that it has no more."""
    return (module.body, HEAD) if isinstance(module, Transfer) else (module, ())


def check_pretrained(settings: RunSettings, spec: DataSpec) -> None:
    """Refuses weights that do not fit a run's network and data.

    Raises:
        UserError: saying what does not fit.
    """
    needed = settings.data.normalize == "pretrained"
    if settings.pretrained is None:
        if needed:
            raise UserError("data.normalize=pretrained is that of pretrained weights, and pretrained=… names none")
        return
    found = pretrained(settings)
    assert found is not None
    if not needed:
        raise UserError(
            f"data.normalize={settings.data.normalize}: the weights expect other pixels; data.normalize=pretrained"
        )
    module = abstract_network(settings.model, spec.shape, settings.task.outputs(spec))
    for problem in problems(found, module, spec):
        raise UserError(f"pretrained={settings.pretrained}: {problem}")
    part, replaced = part_of(module)
    own = found.weights
    check_zeros(part, own.layers)
    matched(part, own.arrays, own.layers, own.framework, replaced=replaced)


def problems(found: Pretrained, module: nnx.Module, spec: DataSpec) -> Iterator[str]:
    """Why weights do not fit the data of a run, the first reason first."""
    own = found.weights
    shape = np.broadcast_shapes(*(values.shape for values in found.constants))
    if not spec.pictured:
        yield "the weights take images, and the data are texts"
    elif found.channels != spec.shape[-1]:
        yield f"the weights take images of {found.channels} channels, and those of the data have {spec.shape[-1]}"
    elif shape[:2] not in ((1, 1), spec.shape[:2]):
        yield f"the weights take images less a mean image of {shape[0]}x{shape[1]}; the data have {spec.shape[:2]}"
    elif not SMALLEST * own.size <= min(spec.shape[:2]) <= max(spec.shape[:2]) <= LARGEST * own.size:
        yield (
            f"the weights were trained on images of {own.size}x{own.size}, and those of the data are "
            f"{spec.shape[0]}x{spec.shape[1]}; data.image_size={own.size} makes them fit"
        )
    elif own.absent and not isinstance(module, Transfer):
        yield f"there are no weights for {', '.join(own.absent)}; model=transfer makes a new head"
    elif not isinstance(module, Transfer) and own.class_names and own.class_names != spec.class_names:
        yield (
            f"the weights name {len(own.class_names)} classes ({listed_names(own.class_names)}), the data "
            f"{len(spec.class_names)} ({listed_names(spec.class_names)}); model=transfer makes a new head"
        )


def begun_from(settings: RunSettings) -> dict[str, Any]:
    """What a run writes down of the weights that it begins with."""
    found = pretrained(settings)
    return {} if found is None else {"weights": {"from": found.weights.origin, "sha256": found.weights.sha256}}


def check_weights(settings: RunSettings, directory: RunDirectory) -> None:
    """Refuses a run that began with other weights than those that are there now.

    Raises:
        UserError: saying so.
    """
    if directory.read_json("provenance.json").get("weights", {}) != begun_from(settings).get("weights", {}):
        raise UserError(
            f"{directory.path} holds a run that began with other weights than {settings.pretrained} has now; choose "
            "another hydra.run.dir, or replace it with fresh=true"
        )


def listed_names(names: Sequence[str]) -> str:
    """The first names."""
    return ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")
