"""Directions of a study's surfaces are kept, so that a survey goes on along the same bits, whatever computes them."""

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import jax
import jax.numpy as jnp
import numpy as np

from ..config.errors import UserError
from ..landscape.directions import Normalization, gaussian
from ..models.functional import Tree
from ..randomness import stream
from ..runs.files import write_whole
from ..runs.identity import short_hash

HOME = Path("runs/directions")
"""Holds a file for each line or plane, named by what defines it."""


class Directions(NamedTuple):
    """What spans a line or a plane.

    Attributes:
        trees: like the weights of the network.
        numbers: what is known of each: its eigenvalue, or the share of a path that lies along it; or nothing.
    """

    trees: list[Tree]
    numbers: list[float]


def kept_directions(identity: Mapping[str, Any], like: Tree, make: Callable[[], Directions]) -> Directions:
    """The directions that were made before, or else are made now.

    Args:
        identity: everything that defines them, as JSON can say it.
        like: the weights of the network.
        make: gives them.

    Raises:
        UserError: they cannot be written, or their file is damaged.
    """
    file = HOME / f"{short_hash(dict(identity))}.npz"
    made = None if file.exists() else make()
    try:
        if made is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            _write(file, made)
        return _read(file, like)
    except OSError as error:
        raise UserError(f"cannot write {file}: {error.strerror}") from None
    except (ValueError, KeyError, EOFError, BadZipFile):
        raise UserError(f"{file} is damaged; remove it to make them anew") from None


def random_directions(
    parameters: Tree,
    identity: Mapping[str, Any],
    *,
    seed: int,
    count: int,
    normalization: Normalization = "filter",
    vectors: bool = False,
) -> list[Tree]:
    """Gaussian directions of a seed, kept.

    Args:
        parameters: of the network.
        identity: what defines the network.
        seed: of all of them; each has randomness of its own.
        count: how many.
        normalization: see `gaussian`.
        vectors: see `gaussian`.
    """
    names = [f"direction {number}" for number in range(1, count + 1)]
    about = {"directions": names, "normalization": normalization, "vectors": vectors, "seed": seed, **identity}

    def make() -> Directions:
        keys = (stream(seed, name) for name in names)
        return Directions([gaussian(key, parameters, normalization, vectors=vectors) for key in keys], [])

    return kept_directions(about, parameters, make).trees


def _write(file: Path, directions: Directions) -> None:
    arrays = {
        f"{number}/{name}": np.asarray(leaf)
        for number, tree in enumerate(directions.trees)
        for name, leaf in zip(_names(tree), jax.tree.leaves(tree), strict=True)
    }
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, numbers=np.array(directions.numbers, np.float64), **arrays)
    write_whole(file, content.getvalue())


def _read(file: Path, like: Tree) -> Directions:
    with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as arrays:
        count = 1 + max(int(name.partition("/")[0]) for name in arrays.files if "/" in name)
        trees = [
            jax.tree.unflatten(jax.tree.structure(like), [jnp.asarray(arrays[f"{k}/{name}"]) for name in _names(like)])
            for k in range(count)
        ]
        return Directions(trees, arrays["numbers"].tolist())


def _names(tree: Tree) -> Sequence[str]:
    return [jax.tree_util.keystr(path, simple=True, separator=".") for path, _ in jax.tree.leaves_with_path(tree)]
