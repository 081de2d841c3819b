"""A one-dimensional ConvNet on a table: it gains where neighbouring columns belong together (chapter, Fig. 13).

`python -m experiments.tabular_conv1d` trains it and a dense network of about as many parameters on a table of 28
columns, the ink in the columns of MNIST's digits, as they are and in random order; five seeds and five orders. It
writes `results/tabular_conv1d/{accuracy.png,results.json,table.md}` in about a minute. Further settings of `src.train`
may follow, such as `train.duration=40epochs`.
"""

import sys
from typing import Any

import jax
import numpy as np
from flax import nnx
from jaxtyping import UInt8

from src.config.errors import reported
from src.plots.tables import tables_figure
from src.studies.estimates import estimate
from src.studies.results import markdown, write_results
from src.studies.runs import finish, planned
from src.training.interruption import resumable

RECIPE = (
    "data=mnist_profiles", "+profile=full", "profile.examples=10000", "train.duration=20 epochs",
    "optimizer=adamw", "optimizer.learning_rate=0.003", "tracking.tensorboard=false",
)  # fmt: skip
NETWORKS = {"dense": ("model=dense", "model.hidden=[145]"), "1-D ConvNet": ("model=table_conv1d",)}
SEEDS = (0, 1, 2, 3, 4)
FIG13 = (5, 4), (2,), 4
"""A table of 5 rows of 4 columns, which are its channels; filters over 2 rows; how many of them."""


def main() -> None:
    """Trains both networks on both orders, and draws how they compare."""
    with reported(), resumable():
        scores, parameters = {}, {}
        for network, chosen in NETWORKS.items():
            ordered = [results([*chosen, f"seed={seed}"]) for seed in SEEDS]
            shuffled = [results([*chosen, f"seed={seed}", f"data.shuffle={seed}"]) for seed in SEEDS]
            scores[network] = {
                order: [100 * found["test_accuracy"] for found in runs]
                for order, runs in {"in order": ordered, "shuffled": shuffled}.items()
            }
            parameters[network] = ordered[0]["parameters"]
        rows = {"in order": row("data.shuffle=null"), "shuffled": row(f"data.shuffle={SEEDS[0]}")}
        facts = {"accuracy": scores, "parameters": parameters, "seeds": SEEDS, "fig13_output_shape": fig13()}
        figure = tables_figure(rows, scores)
        write_results("tabular_conv1d", facts, figures={"accuracy": figure}, table=table(scores, parameters))
        print(f"Fig. 13: 5x4 under four 2x1 filters of depth 4 gives {'x'.join(map(str, fig13()))}")


def results(arguments: list[str]) -> dict[str, Any]:
    """What a run came to; it is trained if it is not finished yet."""
    run = planned([*RECIPE, *arguments, *sys.argv[1:]])
    finish([run])
    return run.results()


def row(order: str) -> UInt8[np.ndarray, "columns"]:
    """The first row of the test split, with its columns in some order."""
    return planned([*RECIPE, order, *sys.argv[1:]]).settings.dataset().test.images[0, :, 0, 0]


def fig13() -> tuple[int, ...]:
    """The shape that the convolution of Fig. 13 gives."""
    shape, window, filters = FIG13
    conv = nnx.Conv(shape[-1], filters, window, padding="VALID", rngs=nnx.Rngs(0))
    return jax.eval_shape(conv, jax.ShapeDtypeStruct((1, *shape), "float32")).shape[1:]


def table(scores: dict[str, dict[str, list[float]]], parameters: dict[str, int]) -> str:
    """Mean and standard deviation over the seeds, a row for each network."""
    orders = list(next(iter(scores.values())))
    rows = []
    for network, found in scores.items():
        rows.append([network, f"{parameters[network]:,}", *(estimate(found[order]) for order in orders)])
    return markdown(["network", "parameters", *(f"test accuracy %, columns {order}" for order in orders)], rows)


if __name__ == "__main__":
    main()
