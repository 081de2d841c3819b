"""What a network has to know of its data: shapes, class names, and how inputs are made of what is stored.

It is stored once with a run, so that the run can be used where its data are not.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Shaped, UInt16

from ..config.errors import UserError, one_line
from .batches import Constants, normalization, normalized
from .dataset import Dataset
from .examples import DataSpec, are_words, is_shape
from .settings import Normalization
from .texts import numbering, tokens


class Preprocessing(NamedTuple):
    """What a network has to know of its data.

    Attributes:
        spec: shapes, class names and sizes of the splits.
        constants: of the normalization of every input; None for one that has none.
        shrunk: the whole factor by which images were shrunk.
        vocabulary: the words of texts in the order of their numbers; None where the words are not known.
    """

    spec: DataSpec
    constants: Any
    shrunk: int
    vocabulary: tuple[str, ...] | None = None

    @staticmethod
    def of(dataset: Dataset, normalize: Normalization) -> "Preprocessing":
        """What the training split of a data set says."""
        constants = jax.tree.map(partial(normalization, normalize), dataset.train.inputs)
        return Preprocessing(dataset.spec, constants, dataset.shrunk, dataset.vocabulary)

    def __call__(self, inputs: Any) -> Any:
        """Inputs as the network takes them.

        Args:
            inputs: as they are stored: images are uint8 pixels `n h w c`, texts numbers of words `n length`.

        Raises:
            UserError: they have another shape or type.
        """
        return self.normalized(jax.tree.map(jnp.asarray, self.check(inputs)))

    def normalized(self, inputs: Any) -> Any:
        """Inputs as the network takes them, from inputs that are known to fit; for compiled functions."""
        return jax.tree.map(normalized, inputs, self.constants)

    def zeros(self, count: int) -> Any:
        """Inputs of zeros, in the shapes and types in which they are stored."""

        def stored(shape: tuple[int, ...]) -> Array:
            return jnp.zeros((count, *shape), jnp.uint8 if len(shape) == 3 else jnp.uint16)

        return jax.tree.map(stored, self.spec.shape, is_leaf=is_shape)

    def numbered(self, texts: Sequence[str]) -> UInt16[np.ndarray, "n length"]:
        """Texts as the numbers of their words, as inputs are stored.

        Raises:
            UserError: the words of the data are not known.
        """
        if self.vocabulary is None:
            raise UserError(f"the words of {self.spec.name} are not known; inputs are numbers of words")
        (length,) = self.spec.shape
        return tokens(texts, numbering(self.vocabulary), length)

    def check(self, inputs: Any) -> Any:
        """Inputs in the types in which they are stored.

        Raises:
            UserError: they have another shape or type.
        """
        try:
            return jax.tree.map(checked, self._shapes(), inputs)
        except ValueError as error:  # of another tree, or of rows of several lengths
            raise UserError(f"inputs do not fit {self.spec.shape}: {one_line(error)}") from None

    def _shapes(self) -> Any:
        """The shape of one input as something that is no tree."""
        return jax.tree.map(Shape, self.spec.shape, is_leaf=is_shape)


class Shape:
    """A shape that is one leaf of a tree."""

    def __init__(self, sizes: tuple[int, ...]) -> None:
        self.sizes = sizes


def checked(shape: Shape, array: Any) -> Shaped[np.ndarray, "n ..."]:
    """Pixels or words in the types in which they are stored; refuses what a network was not made for.

    Raises:
        UserError: saying what is needed.
    """
    array, pictured = np.asarray(array), len(shape.sizes) == 3
    needed = "uint8 pixels" if pictured else "numbers of words"
    fits = array.dtype == np.uint8 if pictured else are_words(array)
    if array.ndim != len(shape.sizes) + 1 or array.shape[1:] != shape.sizes or not fits:
        alone = "; one alone as inputs[None]" if fits and array.shape == shape.sizes else ""
        sizes = ", ".join(map(str, ("n", *shape.sizes)))
        raise UserError(f"inputs are {array.dtype} {array.shape}; {needed} ({sizes}) are needed{alone}")
    return array if pictured else array.astype(np.uint16)


def as_json(preprocessing: Preprocessing) -> dict[str, Any]:
    """The same as plain values; float32 survives it to the bit."""
    spec = preprocessing.spec
    targets = {name: {"shape": list(each.shape), "dtype": str(each.dtype)} for name, each in spec.targets.items()}
    constants = jax.tree.map(lambda array: np.asarray(array).tolist(), preprocessing.constants)
    return {
        **vars(spec),
        "targets": targets,
        "shrunk": preprocessing.shrunk,
        "constants": plain_constants(constants),
        "vocabulary": preprocessing.vocabulary,
    }


def from_json(values: Mapping[str, Any]) -> Preprocessing:
    """What `as_json` wrote.

    Raises:
        KeyError, TypeError, ValueError: it is something else.
    """
    beside = ("constants", "shrunk", "targets", "vocabulary")
    own = {name: value for name, value in values.items() if name not in beside}
    targets = {
        name: jax.ShapeDtypeStruct(tuple(each["shape"]), each["dtype"]) for name, each in values["targets"].items()
    }
    shape = shapes_from(own.pop("shape"))
    spec = DataSpec(shape=shape, class_names=tuple(own.pop("class_names")), targets=targets, **own)
    numbers = spec.train, spec.validation, spec.test, values["shrunk"], *jax.tree.leaves(shape)
    if not all(isinstance(number, int) for number in numbers) or not targets:
        raise ValueError("sizes are whole numbers, and there is a target")
    constants = constants_from(values["constants"], shape)
    return Preprocessing(spec, constants, values["shrunk"], words_from(values.get("vocabulary")))


def plain_constants(tree: Any) -> Any:
    """Constants as mappings."""
    if isinstance(tree, Constants):
        return tree._asdict()
    return {name: plain_constants(each) for name, each in tree.items()} if isinstance(tree, dict) else tree


def words_from(values: Any) -> tuple[str, ...] | None:
    """A vocabulary, which runs of former times do not have."""
    if not all(isinstance(word, str) for word in values or ()):
        raise ValueError("words are strings")
    return None if values is None else tuple(values)


def shapes_from(values: Any) -> Any:
    """A tree of shapes."""
    return {name: shapes_from(each) for name, each in values.items()} if isinstance(values, dict) else tuple(values)


def constants_from(values: Any, shape: Any) -> Any:
    """Constants for inputs of the given shapes."""
    if isinstance(shape, dict):
        return {name: constants_from(values[name], each) for name, each in shape.items()}
    if len(shape) != 3:
        return None
    own = Constants(*(np.array(values[name], np.float32) for name in ("mean", "std")))
    if np.broadcast_shapes(*(array.shape for array in own), shape) != shape:
        raise ValueError(f"constants are not of images {shape}")
    return own
