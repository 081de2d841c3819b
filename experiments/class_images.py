"""Images that a network takes for its classes, made from nothing but its gradients (chapter Figs 52 and 53).

`python -m experiments.class_images run=runs/… classes=[cat,dog]` lets images climb the score of a class before the
softmax, in five ways side by side (`ways=[l2,waves]`; see `src/synthesis/ways.py`). `weights=mobilenet@file:PATH` is
one of our networks with weights from elsewhere, `names=FILE` names its classes. `other` is a second network, a run or
`MODEL@SOURCE`: how probable are the classes to it? `start` is `grey`, `mean` (of the class, in a run's training images)
or photographs, whose mean is taken. `layer=blocks.3 classes=[0,7]` makes images of units in place of classes.
`steps=256`, `seed=0`. It writes `class_images/{sheet,strips,climbs}_NAME.png`, a table, numbers and arrays.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from pydantic import Field

from src.config.arguments import Whole, Words, as_typed
from src.config.errors import UserError, did_you_mean, reported
from src.config.settings import read_settings
from src.data.class_folders import SUFFIXES
from src.data.examples import LABEL
from src.data.folder import decoded
from src.markdown import markdown
from src.plots.made import climbs, sheet, strips
from src.prediction.files import files_of, read_each
from src.randomness import stream
from src.studies.given_network import GivenNetwork, GivenSettings, given
from src.studies.output import arguments
from src.studies.progress import surface_progress
from src.studies.results import file_stem, results_folder, write_arrays, write_results
from src.synthesis.classifier import WHITE
from src.synthesis.climb import Climbed, climb
from src.synthesis.features import OUTPUT, Features, seen_in
from src.synthesis.goals import Units
from src.synthesis.images import stored
from src.synthesis.priors import GREY
from src.synthesis.ways import STEPS, ways
from src.training.interruption import resumable

FOLDER = "class_images"
FIRST, KEPT = 4, 6
"""Classes without `classes`, and images of a strip."""

Judge = Callable[[Float[Array, "n h w c"]], Float[Array, "n classes"]]


class ClassImageSettings(GivenSettings):
    """What to make.

    Attributes:
        classes: by name or number; the first four without.
        layer: whose units are shown in place of classes.
        other: a second network with the same classes.
        ways: by name; all without.
        start: `grey`, `mean`, or photographs.
        steps: of each way.
        seed: of the random numbers.
    """

    classes: Words | None = None
    layer: Annotated[str, Field(min_length=1)] = OUTPUT
    other: Annotated[str, Field(min_length=1)] | None = None
    ways: Words | None = None
    start: Words = Field(default_factory=lambda: ["grey"])
    steps: Annotated[Whole, Field(ge=1)] = STEPS
    seed: Annotated[Whole, Field(ge=0)] = 0


def main() -> None:
    """Makes the images, draws them, and asks the other network."""
    with reported(), resumable():
        settings = read_settings(ClassImageSettings, as_typed(arguments()))
        network = settings.network()
        seen = network.seen([settings.layer])
        titles, units = chosen(settings, network, seen)
        judges = judging(settings, network, seen)
        start = beginnings(settings, network, units)
        name = file_stem(network.title)
        results_folder(FOLDER, f"_{name}")
        found = climbed(settings, network, seen, units, start)
        certain = {way: probabilities(judges, own.images[-1], units) for way, own in found.items()}
        write(name, settings, found, titles, certain)


def chosen(
    settings: ClassImageSettings, network: GivenNetwork, seen: Features
) -> tuple[list[str], Int[np.ndarray, "n"]]:
    """The names and numbers of the units.

    Raises:
        UserError: there is no such class or unit.
    """
    shape = seen.check(network.shape)[0]
    count = shape[-1]
    if settings.layer != OUTPUT:
        wanted = [str(unit) for unit in range(min(FIRST, count))] if settings.classes is None else settings.classes
        for unit in wanted:
            if not unit.isdecimal() or int(unit) >= count:
                raise UserError(f"classes={unit}: the units of {settings.layer} are the numbers 0 to {count - 1}")
        return [f"unit {unit}" for unit in wanted], np.array(list(map(int, wanted)), np.int32)
    if shape != (len(network.class_names),):
        raise UserError(f"{network.title} gives no score for each class; layer=… makes images of units")
    wanted = list(network.class_names[:FIRST]) if settings.classes is None else settings.classes
    numbers = [network.class_number(each, "classes") for each in wanted]
    return [network.class_names[number].partition(",")[0] for number in numbers], np.array(numbers, np.int32)


def judging(settings: ClassImageSettings, network: GivenNetwork, seen: Features) -> dict[str, Judge]:
    """Who says how probable the classes of images are.

    Raises:
        UserError: the second network has other classes, or units are shown.
    """
    own: dict[str, Judge] = {} if settings.layer != OUTPUT else {"own": lambda images: seen_in(seen, images)[0]}
    if settings.other is None:
        return own
    if not own:
        raise UserError(f"other={settings.other} tells how probable classes are, and layer={settings.layer} has none")
    other = given(settings.other, settings.trust)
    network.check_classes(other, f"other={settings.other}")
    theirs_seen = other.seen()
    (*size, channels), ours_channels = other.shape, network.shape[-1]
    if channels != ours_channels:
        raise UserError(f"other={settings.other} takes {channels} channels, and {network.title} {ours_channels}")

    def resized(images: Float[Array, "n h w c"]) -> Float[Array, "n classes"]:
        return seen_in(theirs_seen, jax.image.resize(images, (len(images), *size, channels), "linear"))[0]

    return own | {"other": resized}


def beginnings(
    settings: ClassImageSettings, network: GivenNetwork, units: Int[np.ndarray, "n"]
) -> Float[np.ndarray, "n h w c"]:
    """What the images are before the first step.

    Raises:
        UserError: there is no mean of these classes; a photograph cannot be read.
    """
    shape = (len(units), *network.shape)
    if settings.start == ["grey"]:
        return np.full(shape, GREY, np.float32)
    if settings.start == ["mean"]:
        if network.run is None or settings.layer != OUTPUT:
            raise UserError("start=mean is that of a class in the data of a run; start=FILES takes photographs")
        split = network.run.engine.dataset.train
        labels = split.targets[LABEL]
        for unit in units[~np.isin(units, labels)]:
            raise UserError(f"start=mean: the training images have none of class {network.class_names[unit]}")
        return np.stack([split.inputs[labels == unit].mean(axis=0) / WHITE for unit in units]).astype(np.float32)
    height, width, channels = network.shape
    if height != width:
        raise UserError(f"{network.title} takes images of {height}x{width}; photographs are brought to squares")
    files = list(files_of(settings.start, SUFFIXES, "images", "start"))
    _, photographs = read_each(files, partial(decoded, size=height, channels=channels))
    return np.broadcast_to(np.mean(photographs, axis=0) / WHITE, shape).astype(np.float32)


def climbed(
    settings: ClassImageSettings,
    network: GivenNetwork,
    seen: Features,
    units: Int[np.ndarray, "n"],
    start: Float[np.ndarray, "n h w c"],
) -> dict[str, Climbed]:
    """The images of all units on their way, by the name of the way.

    Raises:
        UserError: there is no such way.
    """
    known = ways(network.shape, settings.steps)
    names = list(known) if settings.ways is None else settings.ways
    for name in names:
        if name not in known:
            raise UserError(f"ways={name}: there is no such way{did_you_mean(name, known)}")
    goal, key = Units(seen, jnp.asarray(units)), stream(settings.seed, "class images")
    found: dict[str, Climbed] = {}
    kept = np.linspace(0, settings.steps, KEPT).round().astype(int).tolist()
    with surface_progress("ways") as progress:
        for done, name in enumerate(names, 1):
            found[name] = climb(goal, known[name], start, key, kept)
            progress(done, len(names))
    return found


def probabilities(
    judges: Mapping[str, Judge], images: Float[np.ndarray, "n h w c"], units: Int[np.ndarray, "n"]
) -> dict[str, list[float]]:
    """How probable each image's class is to each network."""
    found = {who: jax.nn.softmax(judged(jnp.asarray(images))) for who, judged in judges.items()}
    return {who: np.asarray(shares)[np.arange(len(units)), units].tolist() for who, shares in found.items()}


def write(
    name: str,
    settings: ClassImageSettings,
    found: Mapping[str, Climbed],
    titles: Sequence[str],
    certain: Mapping[str, Mapping[str, Sequence[float]]],
) -> None:
    """Draws and writes everything."""
    arrays = as_arrays(found)
    facts = {
        "network": name,
        "classes": list(titles),
        "layer": settings.layer,
        "steps": settings.steps,
        "other": settings.other,
        "probabilities": certain,
        "scores": {way: own.values[-1].tolist() for way, own in found.items()},
    }
    figures = drawn(arrays, list(found), titles, certain)
    home = write_results(FOLDER, facts, figures=figures, table=table(found, titles, certain), name=name)
    write_arrays(home, arrays, name)


def as_arrays(found: Mapping[str, Climbed]) -> dict[str, Any]:
    """All that the pictures show."""
    images = {f"images/{way}": stored(own.images) for way, own in found.items()}
    values = {f"values/{way}": own.values for way, own in found.items()}
    return {"steps": next(iter(found.values())).steps, **images, **values}


def drawn(
    arrays: Mapping[str, Any],
    names: Sequence[str],
    titles: Sequence[str],
    certain: Mapping[str, Mapping[str, Sequence[float]]],
) -> dict[str, Any]:
    """The figures, from arrays alone: a row for each class and a column for each way; the first class on its way."""
    last = np.stack([arrays[f"images/{name}"][-1] for name in names], axis=1)
    below = [
        [" · ".join(f"{who} {100 * each[row]:.0f} %" for who, each in certain[name].items()) for name in names]
        for row in range(len(titles))
    ]
    way = np.stack([arrays[f"images/{name}"][:, 0] for name in names])
    values = {name: arrays[f"values/{name}"].mean(axis=1) for name in names}
    return {
        "sheet": sheet(last, names, titles, below if any(certain.values()) else None),
        "strips": strips(way, arrays["steps"], names),
        "climbs": climbs(values, "score, mean of the images"),
    }


def table(
    found: Mapping[str, Climbed], titles: Sequence[str], certain: Mapping[str, Mapping[str, Sequence[float]]]
) -> str:
    """A row for each way: the score at the last look, and the probabilities."""
    judges = list(next(iter(certain.values())))
    heads = ["way", *(f"{title}: score" for title in titles), *(f"mean probability, {who}, %" for who in judges)]
    rows = [
        [
            way,
            *(f"{value:.1f}" for value in own.values[-1]),
            *(f"{100 * np.mean(certain[way][who]):.1f}" for who in judges),
        ]
        for way, own in found.items()
    ]
    return markdown(heads, rows)


if __name__ == "__main__":
    main()
