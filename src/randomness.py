"""The randomness contract: a random number depends only on (seed, stream, step or epoch, example).

So the number of devices, the evaluation batch size, the steps per dispatch, the workers and the step of a resume cannot
change a result. `docs/randomness.md` lists the streams.
"""

import zlib

import jax
from jaxtyping import Array, Int, Key

Scalar = int | Int[Array, ""]


def stream(seed: int, name: str) -> Key[Array, ""]:
    """The key of a named stream of random numbers, such as `initialization`, `order` or `augmentation`."""
    return jax.random.fold_in(jax.random.key(seed), zlib.crc32(name.encode()))


def at(key: Key[Array, ""], *place: Scalar) -> Key[Array, ""]:
    """The key at a position of a stream: a step, or an epoch and the index of an example in its split."""
    for coordinate in place:
        key = jax.random.fold_in(key, coordinate)
    return key
