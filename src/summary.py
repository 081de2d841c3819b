"""Prints the layers of a network: `python -m src.summary model=vgg16`, or `… model=vgg16 data=cifar10`.

Without `data=` the network has the input shape and the classes it was published with; `+experiment=resnet20` is a
recipe's network for its data, and `run=runs/resnet20-0123456789` that of a run. `json=true` prints JSON, and `zoo=true`
prints the chapter's Fig. 26 instead.
"""

import sys
from collections.abc import Sequence
from typing import Any

from omegaconf import OmegaConf

from .config.compose import compose_jobs
from .config.errors import UserError, reported
from .models.base import ModelSettings, Published
from .models.summary import COSTS, SHAPES, Columns, as_table, model_layers
from .plain_json import dumps
from .training.from_hydra import run_settings
from .training.load_run import load_run
from .zoo import published as zoo
from .zoo.named import read_model

NAMED = "run="


def main() -> None:
    """Prints the table of layers, or JSON."""
    with reported():
        arguments = sys.argv[1:]
        switches = {name: switched(name, arguments) for name in ("zoo", "json")}
        if switches["zoo"]:
            for line in zoo.table():
                print(line, flush=True)
            return
        settings, published = chosen([text for text in arguments if text.partition("=")[0] not in switches])
        print(dumps(summary(settings, published)) if switches["json"] else table(settings, published))


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


def chosen(arguments: list[str]) -> tuple[ModelSettings, Published]:
    """The network of a command line, with its input shape and outputs.

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
        return settings, settings.published
    run = run_settings(job)
    spec = run.dataset().spec
    return run.model, Published(spec.shape, run.task.outputs(spec))


def of_run(path: str, *, alone: bool) -> tuple[ModelSettings, Published]:
    """The network of a run, with the input shape and outputs that it was trained with.

    Raises:
        UserError: there is no such run, or settings stand beside it.
    """
    if not alone:
        raise UserError(f"{NAMED}{path} has its own settings; leave out the others")
    engine = load_run(path).engine
    return engine.settings.model, Published(engine.spec.shape, engine.settings.task.outputs(engine.spec))


def summary(settings: ModelSettings, published: Published) -> dict[str, Any]:
    """Totals and layers as JSON values."""
    rows = model_layers(settings, *published)
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
                "multiplications": row.multiplications,
                "receptive_field": list(row.field.size) if row.field else None,
                "stride": list(row.field.stride) if row.field else None,
            }
            for row in rows
        ],
    }


def table(settings: ModelSettings, published: Published) -> str:
    """The layers as text (in the form of the chapter's Fig. 9), followed by the totals."""
    rows = model_layers(settings, *published)
    trainable = sum(row.parameters for row in rows)
    total = trainable + sum(row.statistics for row in rows)
    share: Columns = {"share": lambda row: f"{row.parameters / trainable:.1%}" if row.parameters else ""}
    totals = f"{trainable:,} trainable parameters, {total:,} with running statistics"
    return f"{as_table(rows, SHAPES | share | COSTS)}\n\n{totals}"


if __name__ == "__main__":
    main()
