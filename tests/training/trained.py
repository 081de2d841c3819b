"""Training to the end, and how far two states are apart."""

import jax
import numpy as np

from src.tracking.sinks import Sink
from src.training.loop import Loop
from src.training.state import Snapshot


class Rows(Sink):
    """Keeps every row."""

    def __init__(self):
        self.rows = []

    def write(self, row):
        self.rows.append(row)


def trained(engine, start=None):
    rows = Rows()
    snapshot = engine.init_snapshot() if start is None else Snapshot(start, engine.zero_sums())
    return Loop(engine, snapshot, sink=rows).run(), rows.rows


def largest_difference(one, other):
    differences = jax.tree.map(
        lambda a, b: float(
            np.max(np.abs(np.asarray(a) - np.asarray(b)) / np.maximum(np.max(np.abs(np.asarray(a))), 1e-3))
        ),
        one.parameters,
        other.parameters,
    )
    return max(jax.tree.leaves(differences))
