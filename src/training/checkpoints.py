"""States on disk. The only module that knows Orbax, whose interface is still moving."""

from pathlib import Path

import jax
import jax.numpy as jnp
from orbax.checkpoint import v1 as ocp

from src.config.errors import UserError
from src.training.state import TrainState


def save_state(path: Path, state: TrainState) -> None:
    """Writes a state, whole or not at all, in place of any that was there."""
    ocp.save(path.absolute(), state._asdict(), overwrite=True)


def load_state(path: Path, like: TrainState) -> TrainState:
    """Reads a state.

    Args:
        path: where it was written.
        like: a state of the same network and optimizer; its arrays may be abstract.

    Raises:
        UserError: there is none, it is damaged, or it belongs to another network.
    """
    if not path.exists():
        raise UserError(f"{path} does not exist")
    wanted = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), like._asdict())
    try:
        return TrainState(**ocp.load(path.absolute(), wanted))
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"{path} cannot be read as a state of this network: {' '.join(str(error).split())[:200]}"
        ) from None
