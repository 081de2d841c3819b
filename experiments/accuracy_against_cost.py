"""Published accuracies on ImageNet against what our networks cost: chapter Fig. 26 as a picture.

`python -m experiments.accuracy_against_cost` writes
`accuracy_against_cost/{networks.png,results.json,table.md}`.
"""

import re

from src.config.errors import reported
from src.markdown import markdown
from src.plots.zoo import Point, accuracy_against_cost
from src.studies.output import no_arguments
from src.studies.results import write_results
from src.zoo.published import ROWS, ours

HEADS = ("network", "top-1 % (published)", "G multiply-adds", "M parameters", "% per G multiply-adds")


def main() -> None:
    """Traces all networks of the figure, which takes minutes, and draws them."""
    with reported():
        no_arguments()
        points = []
        for row in ROWS:
            found = ours(row.model, row.changes)
            family = re.split(r"\d|V2|(?<=NASNet)", row.name)[0] + ("V2" if row.name.endswith("V2") else "")
            points.append(Point(row.name, family, 100 * row.top1, found.multiplications / 1e9, found.total / 1e6))
        points.sort(key=lambda point: point.multiplications)
        lines = [
            [
                point.name,
                f"{point.accuracy:.1f}",
                f"{point.multiplications:.2f}",
                f"{point.parameters:.2f}",
                f"{point.accuracy / point.multiplications:.1f}",
            ]
            for point in points
        ]
        write_results(
            "accuracy_against_cost",
            [point._asdict() for point in points],
            figures={"networks": accuracy_against_cost(points)},
            table=markdown(HEADS, lines),
        )


if __name__ == "__main__":
    main()
