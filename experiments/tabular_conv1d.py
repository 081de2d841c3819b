"""A one-dimensional ConvNet on a table: it gains where neighbouring columns belong together (chapter, Fig. 13).

`python -m experiments.tabular_conv1d` trains it and a dense network of about as many parameters on a table of 28
columns, the ink in the columns of MNIST's digits, as they are and in random order; five seeds and five orders. It
writes `tabular_conv1d/{accuracy.png,results.json,table.md}`. Further settings of `src.train`
may follow, such as `train.duration=40epochs`.
"""

from collections.abc import Sequence

import jax
import numpy as np
from flax import nnx
from jaxtyping import UInt8

from src.config.errors import UserError, reported
from src.markdown import markdown
from src.plots.tables import tables_figure
from src.studies.estimates import estimate
from src.studies.output import arguments
from src.studies.results import write_results
from src.studies.runs import StudyRun, finish, planned
from src.training.interruption import resumable

RECIPE = (
    "data=mnist_profiles", "+profile=full", "profile.examples=10000", "train.duration=20 epochs",
    "optimizer=adamw", "optimizer.learning_rate=0.003", "tracking.tensorboard=false",
)  # fmt: skip
NETWORKS = {"dense": ("model=dense", "model.hidden=[145]"), "1-D ConvNet": ("model=table_conv1d",)}
ORDERS = ("in order", "shuffled")
SEEDS = (0, 1, 2, 3, 4)
FIG13 = (5, 4), (2,), 4
"""A table of 5 rows of 4 columns, which are its channels; filters over 2 rows; how many of them."""


def main() -> None:
    """Trains both networks on both orders, and draws how they compare."""
    with reported(), resumable():
        runs = all_runs(arguments())
        finish(runs.values())
        scores = {
            network: {order: [accuracy(runs[network, order, seed]) for seed in SEEDS] for order in ORDERS}
            for network in NETWORKS
        }
        parameters = {network: runs[network, ORDERS[0], SEEDS[0]].results()["parameters"] for network in NETWORKS}
        rows = {order: row(runs["dense", order, SEEDS[0]]) for order in ORDERS}
        facts = {"accuracy": scores, "parameters": parameters, "seeds": SEEDS, "fig13_output_shape": fig13()}
        figure = tables_figure(rows, scores)
        write_results("tabular_conv1d", facts, figures={"accuracy": figure}, table=table(scores, parameters))
        print(f"Fig. 13: 5x4 under four 2x1 filters of depth 4 gives {'x'.join(map(str, fig13()))}")


def all_runs(arguments: Sequence[str]) -> dict[tuple[str, str, int], StudyRun]:
    """The runs of both networks, both orders and all seeds.

    Args:
        arguments: further settings of `src.train`.

    Raises:
        UserError: they make two runs the same one.
    """
    runs = {
        (network, order, seed): planned([*RECIPE, *chosen, f"seed={seed}", shuffle, *arguments])
        for network, chosen in NETWORKS.items()
        for seed in SEEDS
        for order, shuffle in zip(ORDERS, ("data.shuffle=null", f"data.shuffle={seed}"), strict=True)
    }
    if len({run.directory.path for run in runs.values()}) < len(runs):
        raise UserError(f"{' '.join(arguments)}: networks, seeds, orders and directories are this experiment's own")
    return runs


def accuracy(run: StudyRun) -> float:
    """On the test split, in percent."""
    run.check()
    return 100 * float(run.results()["test_accuracy"])


def row(run: StudyRun) -> UInt8[np.ndarray, "columns"]:
    """The first row of the test split, with its columns in the order of a run."""
    return run.settings.dataset().test.inputs[0, :, 0, 0]


def fig13() -> tuple[int, ...]:
    """The shape that the convolution of Fig. 13 gives."""
    shape, window, filters = FIG13
    conv = nnx.Conv(shape[-1], filters, window, padding="VALID", rngs=nnx.Rngs(0))
    return jax.eval_shape(conv, jax.ShapeDtypeStruct((1, *shape), "float32")).shape[1:]


def table(scores: dict[str, dict[str, list[float]]], parameters: dict[str, int]) -> str:
    """Mean and standard deviation over the seeds, a row for each network."""
    rows = [
        [network, f"{parameters[network]:,}", *(estimate(found[order]) for order in ORDERS)]
        for network, found in scores.items()
    ]
    return markdown(["network", "parameters", *(f"test accuracy %, columns {order}" for order in ORDERS)], rows)


if __name__ == "__main__":
    main()
