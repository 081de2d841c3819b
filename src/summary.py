"""Prints the layers of a network: `python -m src.summary model=vgg16`, or `… model=vgg16 data=cifar10`.

Without `data=` the network has the input shape and the classes it was published with; `+experiment=resnet20` is a
recipe's network for its data, and `run=runs/resnet20-0123456789` that of a run. `json=true` prints JSON, and `zoo=true`
prints the chapter's Fig. 26 instead.
"""

import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from omegaconf import OmegaConf

from .config.compose import compose_jobs
from .config.errors import UserError, reported
from .models.base import ModelSettings, Published, abstract_network
from .models.layer_names import frozen_layers
from .models.summary import COSTS, SHAPES, Columns, Layer, as_table, frozen_column, model_layers
from .plain_json import dumps
from .training.from_hydra import run_settings
from .training.load_run import load_run
from .zoo import published as zoo
from .zoo.named import read_model

NAMED = "run="


class Chosen(NamedTuple):
    """A network, with its input shape and outputs, and the patterns of the layers that are frozen."""

    model: ModelSettings
    published: Published
    freeze: Sequence[str] = ()

    def layers(self) -> list[Layer]:
        """The rows of the table."""
        return model_layers(self.model, *self.published)

    def frozen(self) -> frozenset[str]:
        """The names of the layers that are not trained.

        Raises:
            UserError: a pattern means no layer.
        """
        return frozen_layers(abstract_network(self.model, *self.published), self.freeze)


def main() -> None:
    """Prints the table of layers, or JSON."""
    with reported():
        arguments = sys.argv[1:]
        switches = {name: switched(name, arguments) for name in ("zoo", "json")}
        if switches["zoo"]:
            for line in zoo.table():
                print(line, flush=True)
            return
        network = chosen([text for text in arguments if text.partition("=")[0] not in switches])
        print(dumps(summary(network)) if switches["json"] else table(network))


def switched(name: str, arguments: Sequence[str]) -> bool:
    """Whether `name=true` is among the arguments; the default is false.

    Raises:
        UserError: the value is neither true nor false.
    """
    values = [value.lower() for key, _, value in (text.partition("=") for text in arguments) if key == name]
    for value in values:
        if value not in ("true", "false"):
            raise UserError(f"{name}={value}: should be true or false")
    return values[-1:] == ["true"]


def chosen(arguments: list[str]) -> Chosen:
    """The network of a command line.

    Raises:
        UserError: the command line names no network, several, or one that does not exist.
    """
    named = [argument.removeprefix(NAMED) for argument in arguments if argument.startswith(NAMED)]
    if named:
        return of_run(named[0], alone=len(arguments) == 1)
    jobs = compose_jobs("train", arguments)  # wrong names are reported first
    recipe = any(argument.startswith("+experiment=") for argument in arguments)
    if not (recipe or any(argument.startswith("model=") for argument in arguments)):
        raise UserError("model is missing; write model=NAME, with a file of conf/model/ as the name")
    if len(jobs) != 1:
        raise UserError("a summary is of one network; name one value of each setting, and no options")
    (job,) = jobs
    if not (recipe or any(argument.startswith("data") for argument in arguments)):
        node: Any = OmegaConf.to_container(job.model, resolve=True)
        settings = read_model(node, job.trust)
        return Chosen(settings, settings.published, job.freeze)
    run = run_settings(job)
    spec = run.dataset().spec
    return Chosen(run.model, Published(spec.shape, run.task.outputs(spec)), run.freeze)


def of_run(path: str, *, alone: bool) -> Chosen:
    """The network of a run, with the input shape and outputs that it was trained with.

    Raises:
        UserError: there is no such run, or settings stand beside it.
    """
    if not alone:
        raise UserError(f"{NAMED}{path} has its own settings; leave out the others")
    engine = load_run(path).engine
    settings, spec = engine.settings, engine.spec
    return Chosen(settings.model, Published(spec.shape, settings.task.outputs(spec)), settings.freeze)


def summary(network: Chosen) -> dict[str, Any]:
    """Totals and layers as JSON values."""
    rows, frozen, published = network.layers(), network.frozen(), network.published
    trainable = sum(row.parameters for row in rows)
    return {
        "input": list(published.input_shape),
        "outputs": published.outputs,
        "total": trainable + sum(row.statistics for row in rows),
        "trainable": trainable,
        "multiplications": sum(row.multiplications for row in rows),
        "layers": [
            {
                "name": row.name,
                "kind": row.kind,
                "output_shape": list(row.output_shape),
                "parameters": row.parameters,
                "frozen": row.name in frozen,
                "multiplications": row.multiplications,
                "receptive_field": list(row.field.size) if row.field else None,
                "stride": list(row.field.stride) if row.field else None,
            }
            for row in rows
        ],
    }


def table(network: Chosen) -> str:
    """The layers as text (in the form of the chapter's Fig. 9), followed by the totals."""
    rows, frozen = network.layers(), network.frozen()
    trainable = sum(row.parameters for row in rows)
    total = trainable + sum(row.statistics for row in rows)
    share: Columns = {"share": lambda row: f"{row.parameters / trainable:.1%}" if row.parameters else ""}
    still = sum(row.parameters for row in rows if row.name in frozen)
    parts = f"{trainable - still:,} trained and {still:,} frozen" if frozen else f"{trainable:,} trainable"
    totals = f"{parts} parameters, {total:,} with running statistics"
    return f"{as_table(rows, SHAPES | share | frozen_column(frozen) | COSTS)}\n\n{totals}"


if __name__ == "__main__":
    main()
