"""Images that are changed so little that no person minds, and answered as something else (chapter Fig. 54).

`python -m experiments.adversarial run=runs/…` attacks the first test images of a run: `examples=100`,
`epsilons=[0,1/255,2/255,4/255,8/255]`, the largest changes of a pixel, in units of the whole range. `images` are your
own: files, folders or patterns; `labels=name` reads their classes from the ends of their names, `labels=folder` from
their folders, and without it what the network itself answers is right. `weights=mobilenet,width=0.75@file:PATH` is one
of our networks with weights from elsewhere, `names=FILE` names its classes. `target=CLASS` is the class that images
climb to, the next one without it. `other` is a second network, a run or `MODEL@SOURCE`: does what turns one turn the
other? It writes `adversarial/{images,accuracy}_NAME.png`, a table, numbers and the pictured images.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Annotated, Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float, Key
from matplotlib.figure import Figure
from pydantic import BeforeValidator, Field

from src.config.arguments import Whole, as_typed
from src.config.errors import UserError, reported
from src.config.settings import read_settings
from src.markdown import markdown
from src.plots.adversarial import Turned, accuracy_curves, turned_images
from src.randomness import stream
from src.studies.attacked import Attacked, Labels, attacked
from src.studies.given_network import GivenNetwork, GivenWithImages, given
from src.studies.output import arguments
from src.studies.progress import surface_progress
from src.studies.results import file_stem, results_folder, write_arrays, write_results
from src.synthesis.ascent import TargetedAscent
from src.synthesis.attack import Attack
from src.synthesis.auto_projected_gradient import APGD
from src.synthesis.classifier import Classifier, as_pixels
from src.synthesis.gradient_sign import FGSM
from src.synthesis.projected_gradient import PGD
from src.synthesis.robustness import Share, scores, successes, transfer
from src.training.interruption import resumable

LEVELS = 255
PICTURED = 4
FOLDER = "adversarial"


def as_numbers(given: Any) -> Any:
    """The numbers of a list on the command line, which may be fractions."""
    if not isinstance(given, str):
        return given
    words = [word.partition("/") for word in given.strip("[]").split(",")]
    try:
        return [float(Fraction(above) / Fraction(below or 1)) for above, _, below in words]
    except (ValueError, ZeroDivisionError, OverflowError):
        raise ValueError("should be numbers such as [0,0.01,8/255]") from None


Epsilon = Annotated[float, Field(ge=0, le=1)]


class AdversarialSettings(GivenWithImages):
    """What to attack.

    Attributes:
        labels: where the classes of images in files stand.
        other: a second network with the same classes.
        epsilons: the largest changes of a pixel.
        examples: how many images at most.
        target: the class that images climb to.
        seed: of the random starts.
    """

    labels: Labels = "answer"
    other: Annotated[str, Field(min_length=1)] | None = None
    epsilons: Annotated[list[Epsilon], BeforeValidator(as_numbers)] = Field(
        default_factory=lambda: [level / LEVELS for level in (0, 1, 2, 4, 8)], min_length=1
    )
    examples: Annotated[Whole, Field(ge=1)] = 100
    target: str | None = None
    seed: Annotated[Whole, Field(ge=0)] = 0


class Climbs(NamedTuple):
    """Images that were answered rightly, and climbed the score of another class.

    Attributes:
        turned: each before and after.
        arrived: how many are answered as that class.
    """

    turned: list[Turned]
    arrived: Share


def main() -> None:
    """Attacks a network, and writes what came out."""
    with reported(), resumable():
        settings = read_settings(AdversarialSettings, as_typed(arguments(), repeated=("images",)))
        network = settings.network()
        target = None if settings.target is None else network.class_number(settings.target, "target")
        other = None if settings.other is None else second(settings, network)
        victims = attacked(network, settings.images, settings.labels, settings.examples)
        name = file_stem(network.title)
        results_folder(FOLDER, f"_{name}")
        epsilons, key = sorted(settings.epsilons), stream(settings.seed, "attacks")
        right = right_answers(victims, attacks(len(network.class_names)), epsilons, key)
        if other is not None:
            right |= right_answers(victims._replace(network=other), {"PGD-20, other": PGD(steps=20)}, epsilons, key)
        climbs = climbed(victims, target, network.class_names, key)
        moves = {} if other is None else transfers(victims, other, epsilons[-1], key)
        facts = {
            "network": network.title,
            "other": settings.other,
            "labels": settings.labels if settings.images else "data",
            "epsilons": epsilons,
            "images": len(victims.images),
            "right": {attack: [share._asdict() for share in shares] for attack, shares in right.items()},
            "climbed": climb_facts(climbs),
            "pictured": [picture_facts(each) for each in climbs.turned[:PICTURED]],
            "transfer": {way: share._asdict() for way, share in moves.items()},
        }
        arrays = as_arrays(climbs.turned[:PICTURED])
        tables = [table(right, epsilons), climb_table(climbs), *([transfer_table(moves)] if moves else [])]
        home = write_results(FOLDER, facts, figures=drawn(facts, arrays), table="\n".join(tables), name=name)
        write_arrays(home, arrays, name)


def second(settings: AdversarialSettings, network: GivenNetwork) -> Classifier:
    """The second network.

    Raises:
        UserError: it takes images of another size, or has other classes.
    """
    assert settings.other is not None
    found, setting = given(settings.other, settings.trust), f"other={settings.other}"
    network.check_classes(found, setting)
    if found.shape != network.shape:
        theirs, ours = ("x".join(map(str, each.shape)) for each in (found, network))
        raise UserError(f"{setting} takes images of {theirs}, and {network.title} of {ours}")
    return found.classifier()


def attacks(classes: int) -> dict[str, Attack]:
    """The attacks of the table, by their names; the ratio of differences needs three classes."""
    chosen: dict[str, Attack] = {"FGSM": FGSM(), "PGD-20": PGD(steps=20), "APGD-20, cross-entropy": APGD(steps=20)}
    return chosen | ({"APGD-20, DLR": APGD(steps=20, loss="dlr")} if classes > 2 else {})


def right_answers(
    victims: Attacked, chosen: Mapping[str, Attack], epsilons: Sequence[float], key: Key[Array, ""]
) -> dict[str, list[Share]]:
    """The images that are still answered rightly, by attack, at each epsilon."""
    network, images, labels = victims
    found: dict[str, list[Share]] = {name: [] for name in chosen}
    total = len(chosen) * len(epsilons)
    with surface_progress("attacks") as progress:
        for done, (name, epsilon) in enumerate(((name, epsilon) for name in chosen for epsilon in epsilons), start=1):
            (turned,) = successes(chosen[name], network, images, labels, [epsilon], key)
            found[name].append(turned.opposite())
            progress(done, total)
    return found


def climbed(victims: Attacked, target: int | None, names: Sequence[str], key: Key[Array, ""]) -> Climbs:
    """The images that are answered rightly, and what they become on the way to another class."""
    network, images, labels = victims
    before = scores(network, images)
    fitting = (before.argmax(1) == labels) & (labels != (-1 if target is None else target))
    before, images, labels = before[fitting], images[fitting], labels[fitting]
    wanted = (labels + 1) % len(names) if target is None else np.full(len(labels), target)
    anywhere = float(np.sqrt(np.prod(images.shape[1:])))
    changed = TargetedAscent()(network, images, wanted, anywhere, key)
    after = scores(network, changed)
    rows = zip(as_pixels(images), changed, before, after, strict=True)
    turned = [Turned(image, found, answer(own, names), answer(other, names)) for image, found, own, other in rows]
    return Climbs(turned, Share.where(after.argmax(1) == wanted))


def answer(found: Float[np.ndarray, "classes"], names: Sequence[str]) -> tuple[str, float]:
    """The most probable class, by the first of its names, and its probability."""
    return names[int(found.argmax())].partition(",")[0], float(jax.nn.softmax(found).max())


def norms(climbs: Climbs) -> Float[np.ndarray, "n"]:
    """How far the images climbed."""
    return np.array([np.linalg.norm(each.after - each.before) for each in climbs.turned])


def climb_facts(climbs: Climbs) -> dict[str, Any]:
    """How many arrived, and how far they went."""
    return climbs.arrived._asdict() | {"norms": norms(climbs).tolist()}


def picture_facts(turned: Turned) -> dict[str, Any]:
    """What the figure says of an image."""
    difference = turned.after - turned.before
    return {
        "before": turned.answer_before,
        "after": turned.answer_after,
        "norm": float(np.linalg.norm(difference)),
        "largest": float(np.abs(difference).max()),
    }


def as_arrays(turned: Sequence[Turned]) -> dict[str, Any]:
    """The pictured images, from 0 to 1."""
    return {when: np.array([getattr(each, when) for each in turned], np.float32) for when in ("before", "after")}


def drawn(facts: Mapping[str, Any], arrays: Mapping[str, Any]) -> dict[str, Figure]:
    """The figures, from what is written alone."""
    counts = {name: [share["number"] for share in shares] for name, shares in facts["right"].items()}
    figures = {"accuracy": accuracy_curves(counts, facts["images"], facts["epsilons"])}
    if len(arrays["before"]):
        answers = ((tuple(each["before"]), tuple(each["after"])) for each in facts["pictured"])
        images = zip(arrays["before"], arrays["after"], answers, strict=True)
        figures["images"] = turned_images([Turned(before, after, *said) for before, after, said in images])
    return figures


def transfers(victims: Attacked, other: Classifier, epsilon: float, key: Key[Array, ""]) -> dict[str, Share]:
    """How often what turns one network turns the other, both ways."""
    network, images, labels = victims
    found = {}
    for name, source, answering in (("itself, tried on other", network, other), ("other, tried on it", other, network)):
        changed = PGD(steps=20)(source, images, labels, epsilon, key)
        found[name] = transfer(changed, images, labels, source, answering)
    return found


def table(right: dict[str, list[Share]], epsilons: Sequence[float]) -> str:
    """Right answers in percent, with intervals; a row for each attack."""
    heads = [f"{LEVELS * epsilon:.3g}/{LEVELS}" for epsilon in epsilons]
    rows = [[name, *map(cell, shares)] for name, shares in right.items()]
    return markdown(["right answers, % (95 % interval)", *heads], rows)


def climb_table(climbs: Climbs) -> str:
    """Of the images that are answered rightly: the part that became another class, and by how large a change."""
    found = norms(climbs)
    far = [f"{np.median(found):.2f}", f"{found.max():.2f}"] if len(found) else ["–", "–"]
    row = [climbs.arrived.of, cell(climbs.arrived) if len(found) else "–", *far]
    return markdown(["climbed to a class", "became it, % (95 % interval)", "median norm", "largest"], [row])


def transfer_table(moves: dict[str, Share]) -> str:
    """Of the images that both networks know, and that turned one: the part that turned the other."""
    rows = [[name, share.of, cell(share) if share.of else "–"] for name, share in moves.items()]
    return markdown(["made with", "images", "also turned, % (95 % interval)"], rows)


def cell(share: Share) -> str:
    """Percent and interval."""
    low, high = share.interval
    return f"{100 * share.share:.1f} ({100 * low:.1f} to {100 * high:.1f})"


if __name__ == "__main__":
    main()
