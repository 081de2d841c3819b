"""Whether a network and its examples fit, seen before anything is computed or written."""

from collections.abc import Set
from typing import Any

import jax
import jax.numpy as jnp

from ..config.errors import UserError
from ..data.batches import example_batch
from ..data.dataset import Dataset
from ..data.examples import DataSpec, is_shape
from ..models.base import ModelSettings, abstract_network, faults_in_one_line
from ..models.functional import Network, Tree
from ..models.layer_names import frozen_layers, layer_names
from ..models.summary import model_layers
from ..models.transfer import TransferSettings
from ..tasks.base import TaskSettings
from .layerwise import rates_of_layers
from .plan import make_plan
from .settings import RunSettings

EXAMPLES = 2


def check_data(settings: RunSettings, dataset: Dataset) -> None:
    """Refuses a run that its data do not allow.

    Raises:
        UserError: a batch is larger than the data, they lack a split or a target, or a target means nothing.
    """
    spec = dataset.spec
    plan = make_plan(settings, spec.train)
    if not spec.validation:
        words = f"data.name={spec.name} has no validation split to decide by; data.validation=NUMBER sets one aside"
        if plan.patience is not None:
            raise UserError(f"train.patience={settings.train.patience}: {words}")
        if settings.checkpoint.best:
            raise UserError(f"checkpoint.best=true: {words}")
    if settings.eval.test_curve and not spec.test:
        raise UserError(f"eval.test_curve=true: data.name={spec.name} has no test split")
    settings.task.check(spec, settings.data.augment)
    for split in (dataset.train, dataset.validation, dataset.test):
        settings.task.check_targets(split.targets, spec)


def check_network(model: ModelSettings, spec: DataSpec, task: TaskSettings) -> None:
    """Traces a network in training and in evaluation; nothing is computed.

    Args:
        model: its settings.
        spec: of the data that it has to take.
        task: which says what it has to give.

    Raises:
        UserError: it does not take the examples, gives something else, or there is a fault in it.
    """
    outputs = task.outputs(spec)
    network = Network(abstract_network(model, spec.shape, outputs))
    check_trainable(network.parameters)
    given = network.parameters, network.batch_stats, jax.eval_shape(lambda: example_batch(spec, EXAMPLES).inputs)
    keys = jax.eval_shape(lambda: jax.random.split(jax.random.key(0), EXAMPLES))
    with faults_in_one_line(model):
        try:
            heads, batch_stats = jax.eval_shape(network.train, *given, keys)
            scored = jax.eval_shape(network, *given)
        except (AssertionError, TypeError, ValueError):
            model_layers(model, spec.shape, outputs)  # which knows in which layer it is
            raise
    for found in (heads.main, *heads.auxiliary, scored):
        shape = jax.tree.map(lambda leaf: leaf.shape, found)
        needed = jax.tree.map(lambda own: (EXAMPLES, *own), task.output_shape(spec), is_leaf=is_shape)
        if shape != needed:
            raise UserError(f"the network gives {shape} for {EXAMPLES} examples, where {needed} is needed")
    if shapes(batch_stats) != shapes(network.batch_stats):
        raise UserError("the network changes number, shape or type of its running statistics when it is trained")


def check_layers(settings: RunSettings, spec: DataSpec) -> None:
    """Refuses patterns of layers that mean none, or leave nothing to train.

    Raises:
        UserError: naming the pattern.
    """
    if not (settings.freeze or settings.layer_rates or settings.cache_features):
        return
    module = abstract_network(settings.model, spec.shape, settings.task.outputs(spec))
    frozen = frozen_layers(module, settings.freeze)
    rates_of_layers(layer_names(module), settings.layer_rates)
    if settings.cache_features:
        check_cached(settings, {name for name in layer_names(module) if name.startswith("body.")} - frozen)


def check_cached(settings: RunSettings, trained: Set[str]) -> None:
    """Refuses to compute features once that would change.

    Args:
        settings: of the run.
        trained: the layers of the body that are.

    Raises:
        UserError: saying why they would.
    """
    if not isinstance(settings.model, TransferSettings):
        raise UserError("cache_features=true: the network has no body and head; model=transfer does")
    if trained:
        raise UserError(f"cache_features=true: {min(trained)} is trained; freeze=[body] freezes the whole body")
    if settings.data.augment is not None and settings.debug.augment:
        raise UserError("cache_features=true: images change by chance; data.augment=null leaves them as they are")
    if type(settings.task).perturbed is not TaskSettings.perturbed:
        raise UserError("cache_features=true: the task changes images in training")


def check_trainable(parameters: Tree) -> None:
    """Refuses parameters that have no gradient.

    Raises:
        UserError: one holds whole numbers, for instance.
    """
    for path, leaf in jax.tree_util.tree_leaves_with_path(parameters):
        if not jnp.issubdtype(leaf.dtype, jnp.floating):
            name = jax.tree_util.keystr(path, simple=True, separator=".")
            raise UserError(f"parameter {name} holds {leaf.dtype}, which has no gradient; make it an nnx.Variable")


def shapes(tree: Tree) -> Any:
    """Shape and type of every array."""
    return jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), tree)
