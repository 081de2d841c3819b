"""An album of what is inside the network of a run (chapter Figs 44 to 47).

`python -m experiments.inspect run=runs/resnet-digits-…` shows its filters, activation maps, nearest neighbours, space
of features and maximally activating patches. `images` are those whose maps and neighbours are shown: a file, a folder
or a pattern, which may be given several times; without it, the first test images. `layers=blocks.0,blocks.5` names
layers, as `python -m src.summary run=…` does, or parts of the network. `examples=500` searches fewer test images;
`step` and `trust` are those of `src.evaluate`. `weights=mobilenet,width=0.75@file:PATH images=FOLDER`, in place of a
run, looks inside one of our networks with weights from elsewhere, which is compared on the images. It writes
`inspect/RUN/{album.html,arrays.npz,table.md,results.json}` and the pictures.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from jaxtyping import UInt8
from pydantic import Field

from src.config.arguments import Step, as_typed
from src.config.errors import UserError, reported
from src.config.settings import read_settings
from src.config.status import waiting_for
from src.markdown import markdown
from src.plots.album import album_page, intervals, sections
from src.plots.inside import Interval
from src.prediction.images import images_of_shape
from src.studies.given_network import GivenNetwork, GivenWithImages, of_run
from src.studies.inspection import Inspection, Searched, of_test_split
from src.studies.output import arguments
from src.studies.results import file_stem, results_folder, write_arrays, write_results
from src.training.interruption import resumable
from src.training.load_run import load_run

IMAGES = 4
"""Test images whose maps and neighbours are shown without `images`."""


class InspectSettings(GivenWithImages):
    """What to look at.

    Attributes:
        layers: names, with `*` for anything, with commas between them.
        examples: test images that are searched, from the first on.
        step: of a checkpoint that was kept, or `best`; the latest without.
    """

    layers: Annotated[str, Field(min_length=1)] | None = None
    examples: Annotated[int, Field(gt=1)] = 2_000
    step: Step = None

    def network(self) -> GivenNetwork:
        """The network, at the step that was asked for."""
        return super().network() if self.run is None else of_run(load_run(self.run, self.trust, self.step))


def main() -> None:
    """Looks, draws and writes."""
    with reported(), resumable():
        settings = read_settings(InspectSettings, as_typed(arguments(), repeated=("images",)))
        network = settings.network()
        name = f"inspect/{file_stem(network.title)}"
        results_folder(name)
        given = given_images(network, settings.images)
        searched = images_to_search(network, given, settings.examples)
        inspection = Inspection(network, searched, named(settings.layers))
        with waiting_for("looking inside the network"):
            arrays = inspection.arrays(given if network.run else None, IMAGES)
        report(name, network, arrays)


def named(layers: str | None) -> list[str]:
    """The names of layers, which may stand in brackets."""
    return [] if layers is None else [each.strip() for each in layers.strip("[]").split(",")]


def given_images(network: GivenNetwork, inputs: list[str]) -> UInt8[np.ndarray, "n h w c"] | None:
    """The images of files; None without files.

    Raises:
        UserError: there are none that can be read.
    """
    return np.stack(images_of_shape(network.shape, inputs, network.title, "images")[1]) if inputs else None


def images_to_search(network: GivenNetwork, given: UInt8[np.ndarray, "n h w c"] | None, examples: int) -> Searched:
    """The first test images of a run; the images of the files for weights from elsewhere.

    Raises:
        UserError: there is but one image of files.
    """
    if network.run is not None:
        return of_test_split(network.run, examples)
    assert given is not None
    if len(given) == 1:
        raise UserError("images= names one image, and the network is compared on several; name more")
    return Searched(given[:examples], None)


def report(name: str, network: GivenNetwork, arrays: Mapping[str, Any]) -> None:
    """Writes the album.

    Raises:
        UserError: it cannot be written.
    """
    parts = sections(arrays)
    page = album_page(f"Inside {network.title}", about(network), parts)
    figures = {figure: drawn for part in parts for figure, drawn in part.figures.items()}
    home = write_results(name, facts(network, arrays), figures=figures, table=table(arrays), pages={"album": page})
    write_arrays(home, arrays)


def about(network: GivenNetwork) -> dict[str, str]:
    """What stands below the title."""
    if network.run is None:
        return {"network": network.title, "images": "x".join(map(str, network.shape))}
    engine = network.run.engine
    task = type(engine.settings.task).__name__.lower()
    return {"run": network.title, "step": f"{int(network.run.state.step):,}", "data": engine.spec.name, "task": task}


def facts(network: GivenNetwork, arrays: Mapping[str, Any]) -> dict[str, Any]:
    """What the table and the words of the album tell."""
    rates = {
        space: dict(zip(("rate", "low", "high", "images"), arrays[f"neighbours/{space}/rate"].tolist(), strict=True))
        for space in ("features", "pixels")
        if f"neighbours/{space}/rate" in arrays
    }
    layers = {
        layer: {name: own._asdict() for name, own in values.items()} for layer, values in intervals(arrays).items()
    }
    step = None if network.run is None else int(network.run.state.step)
    named_by = {"run": network.title, "step": step}
    variance = arrays["planes/shares"].tolist() if "planes/shares" in arrays else None
    return {**named_by, "layers": layers, "same_class": rates, "variance": variance}


def table(arrays: Mapping[str, Any]) -> str:
    """A row for each layer."""
    heads = ["layer", "maps", "receptive field", "zeros %", "inactive %", "likeness", "by chance"]
    rows = [
        [
            layer,
            *("x".join(map(str, arrays.get(f"{kind}/{layer}", ()))) for kind in ("shape", "field")),
            *(with_interval(own[value], 100, 1) for value in ("zeros", "inactive")),
            *(with_interval(own[value], 1, 3) for value in ("likeness", "chance")),
        ]
        for layer, own in intervals(arrays).items()
    ]
    return markdown(heads, rows) if rows else ""


def with_interval(own: Interval, times: float, digits: int) -> str:
    """A mean over images, and the ends of its interval."""
    mean, low, high = (f"{times * each:.{digits}f}" for each in own)
    return f"{mean} ({low} to {high})"


if __name__ == "__main__":
    main()
