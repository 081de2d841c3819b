"""Training to the end, and how far two states are apart."""

import jax
import numpy as np

from src.training.loop import Training
from src.training.state import Snapshot


def trained(engine, start=None):
    training = Training(engine, engine.init_snapshot() if start is None else Snapshot(start, engine.zero_sums()))
    measured = list(training.measurements())
    return training.state, measured


def largest_difference(one, other):
    differences = jax.tree.map(
        lambda a, b: float(
            np.max(np.abs(np.asarray(a) - np.asarray(b)) / np.maximum(np.max(np.abs(np.asarray(a))), 1e-3))
        ),
        one.parameters,
        other.parameters,
    )
    return max(jax.tree.leaves(differences))
