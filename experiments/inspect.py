"""An album of what is inside the network of a run (chapter Figs 44 to 47).

`python -m experiments.inspect run=runs/resnet-digits-…` shows its filters, activation maps, nearest neighbours, space
of features and maximally activating patches. `images` are those whose maps and neighbours are shown: a file, a folder
or a pattern, which may be given several times; without it, the first test images. `layers=blocks.0,blocks.5` names
layers, as `python -m src.summary run=…` does, or parts of the network. `examples=500` searches fewer test images;
`step` and `trust` are those of `src.evaluate`. It writes `inspect/RUN/{album.html,arrays.npz,table.md,results.json}`
and the pictures.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from jaxtyping import UInt8
from pydantic import Field

from src.config.arguments import Step, as_typed
from src.config.errors import reported
from src.config.settings import Packages, Settings, read_settings
from src.config.status import waiting_for
from src.markdown import markdown
from src.plots.album import album_page, intervals, sections
from src.plots.inside import Interval
from src.prediction.images import decoded_images
from src.studies.inspection import Inspection
from src.studies.output import arguments
from src.studies.results import file_stem, results_folder, write_arrays, write_results
from src.training.interruption import resumable
from src.training.load_run import LoadedRun, load_run

IMAGES = 4
"""Test images whose maps and neighbours are shown without `images`."""


class InspectSettings(Settings):
    """What to look at.

    Attributes:
        run: a run directory.
        images: files, folders or patterns; the first test images without.
        layers: names, with `*` for anything, with commas between them.
        examples: test images that are searched, from the first on.
        step: of a checkpoint that was kept, or `best`; the latest without.
        trust: packages beside this project whose code the run may name.
    """

    run: Annotated[str, Field(min_length=1)]
    images: list[str] = Field(default_factory=list)
    layers: Annotated[str, Field(min_length=1)] | None = None
    examples: Annotated[int, Field(gt=1)] = 10_000
    step: Step = None
    trust: Packages = Field(default_factory=list)


def main() -> None:
    """Looks, draws and writes."""
    with reported(), resumable():
        settings = read_settings(InspectSettings, as_typed(arguments(), repeated=("images",)))
        run = load_run(settings.run, settings.trust, settings.step)
        name = f"inspect/{file_stem(run.directory.path.name)}"
        results_folder(name)
        inspection = Inspection(run, named(settings.layers), settings.examples)
        images = given_images(run, settings.images)
        with waiting_for("looking inside the network"):
            arrays = inspection.arrays(images, IMAGES)
        report(name, run, arrays)


def named(layers: str | None) -> list[str]:
    """The names of layers, which may stand in brackets."""
    return [] if layers is None else [each.strip() for each in layers.strip("[]").split(",")]


def given_images(run: LoadedRun, inputs: list[str]) -> UInt8[np.ndarray, "n h w c"] | None:
    """The images of files; None without files.

    Raises:
        UserError: there are none that can be read.
    """
    return np.stack(decoded_images(run, inputs, "images")[1]) if inputs else None


def report(name: str, run: LoadedRun, arrays: Mapping[str, Any]) -> None:
    """Writes the album.

    Raises:
        UserError: it cannot be written.
    """
    parts = sections(arrays)
    spec, task = run.engine.spec, type(run.engine.settings.task).__name__.lower()
    about = {"run": run.directory.path.name, "step": f"{int(run.state.step):,}", "data": spec.name, "task": task}
    page = album_page(f"Inside {run.directory.path.name}", about, parts)
    figures = {figure: drawn for part in parts for figure, drawn in part.figures.items()}
    home = write_results(name, facts(run, arrays), figures=figures, table=table(arrays), pages={"album": page})
    write_arrays(home, arrays)


def facts(run: LoadedRun, arrays: Mapping[str, Any]) -> dict[str, Any]:
    """What the table and the words of the album tell."""
    rates = {
        space: dict(zip(("rate", "low", "high", "images"), arrays[f"neighbours/{space}/rate"].tolist(), strict=True))
        for space in ("features", "pixels")
        if f"neighbours/{space}/rate" in arrays
    }
    layers = {
        layer: {name: own._asdict() for name, own in values.items()} for layer, values in intervals(arrays).items()
    }
    named_by = {"run": run.directory.path.name, "step": int(run.state.step)}
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
