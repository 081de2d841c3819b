"""How much of the device is used: arithmetic beside that of a large matrix product, traffic beside a large copy."""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.engines import PRECISION, engine
from src.markdown import markdown
from src.models.summary import model_layers
from src.studies.timing import Ratio, in_turn, training_dispatch
from src.training.engine import Engine
from src.training.step import zero_sums

SIDE = {"cpu": 2048, "gpu": 8192}
"""Side of the matrices, large enough for the full speed of the device."""


def product(dtype: str, side: int) -> Callable[[], Any]:
    """A product of two square matrices: 2 side^3 operations."""
    a, b = jax.random.normal(jax.random.key(0), (2, side, side), dtype)
    program = jax.jit(jnp.matmul)
    return lambda: program(a, b).block_until_ready()


def copy(side: int) -> Callable[[], Any]:
    """A copy of four square matrices: 32 side^2 bytes, read and written."""
    values = jnp.zeros((4, side, side), jnp.float32)
    program = jax.jit(jnp.negative)
    return lambda: program(values).block_until_ready()


def multiplications(run: Engine) -> int:
    """Of a network, for one image."""
    rows = model_layers(run.settings.model, run.spec.shape, run.settings.task.outputs(run.spec))
    return sum(row.multiplications for row in rows)


def arithmetic(run: Engine) -> float:
    """Operations of a training step: two for each multiplication, and twice as many backwards as forwards."""
    return 6 * multiplications(run) * run.settings.data.batch_size


def traffic(run: Engine) -> float:
    """Bytes that a training step reads and writes, as the compiler counts them."""
    arguments = run.init_state(), run.zero_sums(), run.split("train"), run.order(0), jnp.int32(1)
    return bytes_accessed(run.dispatch.lower(*arguments).compile())


def evaluation_traffic(run: Engine) -> float:
    """Bytes that a batch of evaluation reads and writes, as the compiler counts them."""
    sums = run.replicated(zero_sums(run.settings.task, run.spec, detailed=True))
    arguments = *run.init_state().scored(), sums, run.split("test"), jnp.int32(0)
    return bytes_accessed(run.evaluation.lower(*arguments).compile())


def bytes_accessed(program: Any) -> float:
    """Bytes that a compiled program reads and writes; NaN where the compiler does not count them."""
    return (program.cost_analysis() or {}).get("bytes accessed", math.nan)


def measure(rounds: int) -> dict[str, Any]:
    """Both shares, of the training steps of two networks."""
    platform = jax.default_backend()
    precision, side = PRECISION[platform], SIDE[platform]
    figures = {}
    for depth in (20, 56):
        run = engine(f"+experiment=resnet{depth}", f"precision={precision}")
        work = {"steps": training_dispatch(run), "product": product(precision, side), "copy": copy(side)}
        seconds = in_turn(work, rounds=rounds)
        steps = [second / run.steps_per_dispatch for second in seconds["steps"]]
        figures[f"training step of ResNet-{depth}, {precision}"] = {
            "product": share(arithmetic(run), steps, 2 * side**3, seconds["product"]),
            "copy": share(traffic(run), steps, 32 * side**2, seconds["copy"]),
        }
    return figures


def share(done: float, seconds: list[float], most: float, others: list[float]) -> dict[str, float]:
    """A rate over the largest there is, round by round: the median, the extremes, and n."""
    return Ratio.of([done / second for second in seconds], [most / other for other in others])._asdict()


def table(figures: dict[str, Any]) -> str:
    """Both shares of every step."""
    rows = []
    for name, shares in figures.items():
        cells = [
            f"**{found['median']:.2f}** ({found['lowest']:.2f} to {found['highest']:.2f})" for found in shares.values()
        ]
        rows.append([name, *cells, shares["copy"]["n"]])
    return markdown(["what", "arithmetic, of a product's", "traffic, of a copy's", "n"], rows)
