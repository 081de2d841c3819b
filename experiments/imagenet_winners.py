"""ImageNet's challenge year by year: published errors beside what our networks of the entrants cost (chapter Fig. 25).

`python -m experiments.imagenet_winners` writes `imagenet_winners/{winners.png,results.json,table.md}`. The
chapter has ZFNet as the winner of 2013. The winning entry was Clarifai's (docs/errata.md); ZFNet's own error is shown
as well.
"""

from src.config.errors import reported
from src.markdown import markdown
from src.plots.winners import winners_figure
from src.studies.output import no_arguments
from src.studies.results import write_results
from src.zoo.winners import ENTRANTS, Built, Entrant, built

HEADS = ("entrant", "top-5 error % (published)", "layers (published)", "layers", "parameters", "G multiply-adds")


def main() -> None:
    """Traces the networks, which takes seconds, and draws them."""
    with reported():
        no_arguments()
        rows = [(entrant, built(entrant)) for entrant in ENTRANTS]
        facts = [
            {"published": entrant._asdict(), "ours": found._asdict() if found else None} for entrant, found in rows
        ]
        names = [f"{entrant.year}  {entrant.name}" for entrant in ENTRANTS]
        panels: dict[str, list[float | None]] = {
            "top-5 error (%), published": [entrant.error for entrant in ENTRANTS],
            "layers": [found and found.depth for _, found in rows],
            "parameters (millions)": [found and found.parameters / 1e6 for _, found in rows],
            "multiply-adds (billions)": [found and found.multiplications / 1e9 for _, found in rows],
        }
        figure = winners_figure(names, panels)
        table = markdown(HEADS, [line(entrant, found) for entrant, found in rows])
        write_results("imagenet_winners", facts, figures={"winners": figure}, table=table)


def line(entrant: Entrant, found: Built | None) -> list[str]:
    """An entrant as a row of the table."""
    published = [f"{entrant.year} {entrant.name}", f"{entrant.error:g}", str(entrant.layers or "-")]
    if found is None:
        return [*published, "-", "-", "-"]
    return [*published, str(found.depth), f"{found.parameters:,}", f"{found.multiplications / 1e9:.2f}"]


if __name__ == "__main__":
    main()
