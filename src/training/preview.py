"""What a run would be, shown before anything is computed: `dry_run=true`."""

import time
from datetime import timedelta
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
import yaml
from jaxtyping import Array

from ..data.batches import Batch, example_batch
from ..data.dataset import Dataset
from ..data.examples import DataSpec
from ..models.base import abstract_network
from ..models.functional import Network, Tree
from ..models.layer_names import frozen_layers
from ..models.summary import SHAPES, Columns, Layer, as_table, frozen_column, model_layers
from .plan import Plan, make_plan
from .pretrained import pretrained
from .settings import RunSettings

MIB = 2**20


def preview(name: str, config: dict[str, Any], settings: RunSettings) -> str:
    """What a run takes, what it learns from, how it is configured and what its network is made of, as text.

    Args:
        name: what the run is called.
        config: the resolved configuration.
        settings: the same in typed form.
    """
    dataset = settings.dataset()
    plan = make_plan(settings, dataset.spec.train)
    outputs = settings.task.outputs(dataset.spec)

    network = abstract_network(settings.model, dataset.spec.shape, outputs)
    layers = model_layers(settings.model, dataset.spec.shape, outputs)
    frozen, decays = frozen_layers(network, settings.freeze), settings.optimizer.decays
    decayed: Columns = {
        "decayed": lambda layer: 0 if layer.name in frozen else sum(map(prod, filter(decays, layer.tensors)))
    }
    takes = _steps(plan, dataset.spec), _memory(settings, dataset, Network(network)), _time(settings, plan, layers)
    weights = pretrained(settings)
    begins = [] if weights is None else [weights.in_words(dataset.spec)]
    sections = {
        name: "\n".join(takes),
        "data": "\n".join([_data(dataset), *begins]),
        "configuration": yaml.safe_dump(config, sort_keys=False).rstrip(),
        "layers": as_table(layers, SHAPES | frozen_column(frozen) | decayed),
    }
    return "\n\n".join(f"# {title}\n{text}" for title, text in sections.items())


def _data(dataset: Dataset) -> str:
    spec = dataset.spec
    shape = "x".join(map(str, spec.shape))
    sizes = f"{spec.train:,} training, {spec.validation:,} validation and {spec.test:,} test {_noun(spec)}"
    names = ", ".join(spec.class_names[:10]) + (", …" if spec.classes > 10 else "")
    return "\n".join([f"{spec.name}: {sizes} of {shape}, {spec.classes} classes ({names})", *dataset.notes])


def _steps(plan: Plan, spec: DataSpec) -> str:
    clock = plan.clock
    epochs = f"{plan.epoch(plan.steps):.1f} epochs"
    text = f"{plan.steps:,} steps of {clock.batch_size} {_noun(spec)} = {epochs}; {len(plan.evaluate)} evaluations"
    if clock.scale != 1:
        text += f"; {float(clock.scale):.2%} of the stated duration, the schedule shrinks along"
    return text


def _time(settings: RunSettings, plan: Plan, layers: list[Layer]) -> str:
    """A lower bound: all multiplications, at the speed of a product of matrices on this device.

    A gradient takes two products for each one of the forward pass: with respect to the input, and to the kernel.
    """
    products = 3 * sum(layer.multiplications for layer in layers) * plan.steps * plan.clock.batch_size
    seconds = products / _multiplications_per_second(settings.precision.compute)
    least = f"at least {timedelta(seconds=round(seconds))} on {jax.devices()[0].device_kind}"
    return f"{least}: {products:.2g} multiplications, as fast as in a product of matrices"


def _multiplications_per_second(dtype: str, side: int = 1024, times: int = 5) -> float:
    """How fast the device multiplies two square matrices."""
    matrix = jnp.ones((side, side), dtype)
    product = jax.jit(jnp.matmul)
    jax.block_until_ready(product(matrix, matrix))
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        jax.block_until_ready(product(matrix, matrix))
        seconds.append(time.perf_counter() - began)
    return side**3 / min(seconds)


def _memory(settings: RunSettings, dataset: Dataset, network: Network) -> str:
    """An estimate in three parts: the data, the state, and what a step keeps for its gradient before XLA fuses it."""
    batch = settings.data.batch_size // (settings.parallel.devices or 1) // settings.train.accumulation
    optimizer = settings.optimizer.build(lambda step: jnp.ones(()))
    parameters = _bytes(network.parameters)
    data = sum(split.nbytes for split in (dataset.train, dataset.validation, dataset.test))
    weights = parameters + _bytes(network.batch_stats)
    state = weights + _bytes(jax.eval_shape(optimizer.init, network.parameters))
    state += weights if settings.train.average is not None else 0
    activations = _kept_bytes(settings, network, dataset.spec, batch)
    total = data + state + parameters + activations
    examples = f"{batch} {_noun(dataset.spec)}"
    return (
        f"about {total / MIB:,.0f} MiB on each device: data {data / MIB:,.1f}, state {state / MIB:,.1f}, "
        f"gradient {parameters / MIB:,.1f}, activations of {examples} {activations / MIB:,.0f} before fusion"
    )


def _kept_bytes(settings: RunSettings, network: Network, spec: DataSpec, batch: int) -> int:
    """The size of what the forward pass keeps for the backward pass."""

    def loss(parameters: Tree, batch_stats: Tree, examples: Batch) -> Array:
        keys = jax.random.split(jax.random.key(0), batch)
        outputs, _ = network.train(parameters, batch_stats, examples.inputs, keys)
        return settings.task.losses(outputs.main, examples).mean()

    def backward(parameters: Tree, batch_stats: Tree, examples: Batch) -> Tree:
        return jax.vjp(lambda p: loss(p, batch_stats, examples), parameters)[1]

    examples = jax.eval_shape(lambda: example_batch(spec, batch))
    return _bytes(jax.eval_shape(backward, network.parameters, network.batch_stats, examples))


def _noun(spec: DataSpec) -> str:
    """What the examples are."""
    return "images" if spec.pictured else "texts"


def _bytes(tree: Tree) -> int:
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))
