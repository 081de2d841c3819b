"""Images that are changed so little that no person minds, and answered as something else (chapter Fig. 54).

`python -m experiments.adversarial run=runs/…` attacks the first test images of a run: `images=200`,
`epsilons=[0,1/255,2/255,4/255,8/255]`, the largest changes of a pixel, in units of the whole range. `target=CLASS` is
the class that the pictured images climb to, the next one without it. `other=runs/…` is a second network on the same
data: does what turns one turn the other? It writes `adversarial/images_RUN.png`, `accuracy_RUN.png`, a table and the
numbers.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated, Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float, Int, Key, UInt8
from pydantic import BeforeValidator, Field

from src.config.arguments import as_typed
from src.config.errors import UserError, did_you_mean, reported
from src.config.settings import Packages, Settings, read_settings
from src.data.examples import LABEL, DataSpec
from src.markdown import markdown
from src.plots.adversarial import Turned, accuracy_curves, turned_images
from src.randomness import stream
from src.studies.output import arguments
from src.studies.progress import surface_progress
from src.studies.results import file_stem, write_results
from src.synthesis.ascent import TargetedAscent
from src.synthesis.attack import Attack
from src.synthesis.auto_projected_gradient import APGD
from src.synthesis.classifier import Classifier, as_pixels, of_run
from src.synthesis.gradient_sign import FGSM
from src.synthesis.projected_gradient import PGD
from src.synthesis.robustness import Share, scores, successes, transfer
from src.training.interruption import resumable
from src.training.load_run import LoadedRun, load_run

LEVELS = 255
PICTURED = 4
FOLDER = "adversarial"


def as_numbers(given: Any) -> Any:
    """The numbers of a list on the command line, which may be fractions."""
    if not isinstance(given, str):
        return given
    words = [word.strip() for word in given.strip("[]").split(",")]
    try:
        return [float(Fraction(word)) for word in words]
    except (ValueError, ZeroDivisionError, OverflowError):
        raise ValueError("should be numbers such as [0,0.01,8/255]") from None


def as_number(given: Any) -> Any:
    """A whole number of the command line."""
    return int(given) if isinstance(given, str) and given.isdecimal() else given


Epsilon = Annotated[float, Field(ge=0, le=1)]


class AdversarialSettings(Settings):
    """What to attack.

    Attributes:
        run: a run directory.
        other: of a second network on the same data.
        epsilons: the largest changes of a pixel.
        images: how many test images.
        target: the class that the pictured images climb to.
        trust: packages beside this project whose code the runs may name.
    """

    run: Annotated[str, Field(min_length=1)]
    other: Annotated[str, Field(min_length=1)] | None = None
    epsilons: Annotated[list[Epsilon], BeforeValidator(as_numbers)] = Field(
        default_factory=lambda: [level / LEVELS for level in (0, 1, 2, 4, 8)], min_length=1
    )
    images: Annotated[int, BeforeValidator(as_number), Field(ge=1)] = 200
    target: str | None = None
    trust: Packages = Field(default_factory=list)


class Attacked(NamedTuple):
    """A network and the images that it is tried with."""

    network: Classifier
    images: UInt8[np.ndarray, "n h w c"]
    labels: Int[np.ndarray, "n"]
    key: Key[Array, ""]


def main() -> None:
    """Attacks one run, and writes what came out."""
    with reported(), resumable():
        settings = read_settings(AdversarialSettings, as_typed(arguments()))
        run = load_run(settings.run, settings.trust)
        network, spec = of_run(run), run.engine.spec
        target = class_number(settings.target, spec)
        other = None if settings.other is None else of_run(second(settings, spec))
        test = run.engine.dataset.test[: settings.images]
        attacked = Attacked(network, test.inputs, test.targets[LABEL], stream(run.engine.settings.seed, "attacks"))
        epsilons = sorted(settings.epsilons)
        right = right_answers(attacked, epsilons)
        turned = climbed(attacked, target, spec)
        moves = {} if other is None else transfers(attacked, other, epsilons[-1])
        facts = {
            "run": run.directory.path.name,
            "data": spec.name,
            "epsilons": epsilons,
            "images": len(test),
            "right": {name: [share._asdict() for share in shares] for name, shares in right.items()},
            "pictured": [picture_facts(each) for each in turned],
            "transfer": {name: share._asdict() for name, share in moves.items()},
        }
        counts = {name: [share.number for share in shares] for name, shares in right.items()}
        figures = {"accuracy": accuracy_curves(counts, len(test), epsilons)}
        if turned:
            figures["images"] = turned_images(turned)
        tables = "\n".join([table(right, epsilons), *([transfer_table(moves)] if moves else [])])
        write_results(FOLDER, facts, figures=figures, table=tables, name=file_stem(run.directory.path.name))


def class_number(name: str | None, spec: DataSpec) -> int | None:
    """The number of a class.

    Raises:
        UserError: there is none of this name, with the nearest one.
    """
    if name is not None and name not in spec.class_names:
        raise UserError(f"target={name}: {spec.name} has no such class{did_you_mean(name, spec.class_names)}")
    return None if name is None else spec.class_names.index(name)


def second(settings: AdversarialSettings, spec: DataSpec) -> LoadedRun:
    """The second network.

    Raises:
        UserError: it takes other images, or names other classes.
    """
    assert settings.other is not None
    run = load_run(settings.other, settings.trust)
    theirs = run.engine.spec
    if (theirs.shape, theirs.class_names) != (spec.shape, spec.class_names):
        raise UserError(f"other={settings.other} is a run on {theirs.name}, and {settings.run} one on {spec.name}")
    return run


def attacks(classes: int) -> dict[str, Attack]:
    """The attacks of the table, by their names; the ratio of differences needs three classes."""
    chosen: dict[str, Attack] = {"FGSM": FGSM(), "PGD-20": PGD(steps=20), "APGD-20, cross-entropy": APGD(steps=20)}
    return chosen | ({"APGD-20, DLR": APGD(steps=20, loss="dlr")} if classes > 2 else {})


def right_answers(attacked: Attacked, epsilons: Sequence[float]) -> dict[str, list[Share]]:
    """The images that are still answered rightly, by attack, at each epsilon."""
    network, images, labels, key = attacked
    chosen = attacks(scores(network, images[:1]).shape[1])
    found: dict[str, list[Share]] = {name: [] for name in chosen}
    total = len(chosen) * len(epsilons)
    with surface_progress("attacks") as progress:
        for done, (name, epsilon) in enumerate(((name, epsilon) for name in chosen for epsilon in epsilons), start=1):
            (turned,) = successes(chosen[name], network, images, labels, [epsilon], key)
            found[name].append(turned.opposite())
            progress(done, total)
    return found


def climbed(attacked: Attacked, target: int | None, spec: DataSpec) -> list[Turned]:
    """The first images that are answered rightly, and what they become on the way to another class."""
    network, images, labels, key = attacked
    before = scores(network, images)
    fitting = (before.argmax(1) == labels) & (labels != (-1 if target is None else target))
    chosen = np.flatnonzero(fitting)[:PICTURED]
    if not len(chosen):
        return []
    wanted = (labels[chosen] + 1) % len(spec.class_names) if target is None else np.full(len(chosen), target)
    anywhere = float(np.sqrt(images[0].size))
    changed = TargetedAscent()(network, images[chosen], wanted, anywhere, key)
    answers = zip(before[chosen], scores(network, changed), strict=True)
    return [
        Turned(image, after, answer(own, spec), answer(other, spec))
        for image, after, (own, other) in zip(as_pixels(images[chosen]), changed, answers, strict=True)
    ]


def answer(found: Float[np.ndarray, "classes"], spec: DataSpec) -> tuple[str, float]:
    """The most probable class and its probability."""
    return spec.class_names[int(found.argmax())], float(jax.nn.softmax(found).max())


def picture_facts(turned: Turned) -> dict[str, Any]:
    """What the figure says of an image."""
    difference = turned.after - turned.before
    return {
        "before": turned.answer_before,
        "after": turned.answer_after,
        "norm": float(np.linalg.norm(difference)),
        "largest": float(np.abs(difference).max()),
    }


def transfers(attacked: Attacked, other: Classifier, epsilon: float) -> dict[str, Share]:
    """How often what turns one network turns the other, both ways."""
    network, images, labels, key = attacked
    found = {}
    for name, source, answering in (("run, tried on other", network, other), ("other, tried on run", other, network)):
        changed = PGD(steps=20)(source, images, labels, epsilon, key)
        found[name] = transfer(changed, images, labels, source, answering)
    return found


def table(right: dict[str, list[Share]], epsilons: Sequence[float]) -> str:
    """Right answers in percent, with intervals; a row for each attack."""
    heads = [f"{LEVELS * epsilon:.3g}/{LEVELS}" for epsilon in epsilons]
    rows = [[name, *map(cell, shares)] for name, shares in right.items()]
    return markdown(["right answers, % (95 % interval)", *heads], rows)


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
