"""Caches the directions of surfaces, so that a resumed grid evaluation uses the same bits on any device."""

import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..landscape.directions import Normalization, gaussian
from ..models.functional import Tree
from ..plain_json import dumps
from ..randomness import stream
from ..runs.identity import short_hash
from ..runs.provenance import in_words
from ..runs.versions import versions
from .cached import Cached, cached_file, provenance_of

HOME = Path("runs/directions")
"""One file per line or plane, named by its identity."""


class Directions(NamedTuple):
    """Directions of a line or a plane.

    Attributes:
        trees: like the weights of the network.
        numbers: one per direction, its eigenvalue or its share of a path; or empty.
    """

    trees: list[Tree]
    numbers: list[float]


def cached_directions(
    identity: Mapping[str, Any], code: Sequence[Callable[..., Any]], like: Tree, make: Callable[[], Directions]
) -> Cached[Directions]:
    """Returns directions from the cache, or computes them.

    Args:
        identity: everything that they depend on except the code, as JSON values.
        code: functions that compute them, each with a version.
        like: the weights of the network.
        make: gives them.

    Raises:
        UserError: they cannot be written, or their file is damaged.
    """
    by = versions(*code)

    def content() -> bytes:
        made = provenance_of(code)
        return _content(make(), made)

    def read(content: bytes) -> Cached[Directions]:
        directions, measured_by = _read(content, like)
        return Cached(directions, measured_by, by)

    return cached_file(HOME / f"{short_hash({**identity, **by})}.npz", content, read)


def random_directions(
    parameters: Tree,
    identity: Mapping[str, Any],
    *,
    seed: int,
    count: int,
    normalization: Normalization = "filter",
    one_dimensional: bool = False,
) -> Cached[Directions]:
    """Gaussian directions of a seed, cached.

    Args:
        parameters: of the network.
        identity: what defines the network.
        seed: of all directions; each has its own stream.
        count: how many.
        normalization: see `gaussian`.
        one_dimensional: see `gaussian`.
    """
    names = [f"direction {number}" for number in range(1, count + 1)]
    about = {
        "directions": names,
        "normalization": normalization,
        "one_dimensional": one_dimensional,
        "seed": seed,
        **identity,
    }

    def make() -> Directions:
        keys = (stream(seed, name) for name in names)
        return Directions(
            [gaussian(key, parameters, normalization, one_dimensional=one_dimensional) for key in keys], []
        )

    return cached_directions(about, [gaussian], parameters, make)


def _content(directions: Directions, made: Mapping[str, Any]) -> bytes:
    arrays = {
        f"{number}/{name}": np.asarray(leaf)
        for number, tree in enumerate(directions.trees)
        for name, leaf in zip(_names(tree), jax.tree.leaves(tree), strict=True)
    }
    content = io.BytesIO()
    arrays |= {"numbers": np.array(directions.numbers, np.float64), "provenance": np.array(dumps(made))}
    np.savez(content, allow_pickle=False, **arrays)
    return content.getvalue()


def _read(content: bytes, like: Tree) -> tuple[Directions, str]:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        count = 1 + max(int(name.partition("/")[0]) for name in arrays.files if "/" in name)
        trees = [
            jax.tree.unflatten(jax.tree.structure(like), [jnp.asarray(arrays[f"{k}/{name}"]) for name in _names(like)])
            for k in range(count)
        ]
        made = json.loads(str(arrays["provenance"])) if "provenance" in arrays else None
        return Directions(trees, arrays["numbers"].tolist()), in_words(made)


def _names(tree: Tree) -> Sequence[str]:
    return [jax.tree_util.keystr(path, simple=True, separator=".") for path, _ in jax.tree.leaves_with_path(tree)]
