"""How many test images of CIFAR-10 PGD turns for the ResNet-56 of Li et al. 2018, beside foolbox 3.3.4 on JAX.

Both attack the first 200 with 20 steps of the same length from the same random starts. Images that are wrong unchanged
count. With the largest changes every image is turned; with small ones the attacks can be told apart.
"""

from importlib.util import find_spec
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from benchmarks.engines import run_settings_of
from benchmarks.published import WEIGHTS
from src.data.examples import LABEL
from src.markdown import markdown
from src.randomness import at
from src.studies.given_network import given
from src.synthesis.attack import Victims
from src.synthesis.balls import Norm
from src.synthesis.classifier import Classifier, as_pixels
from src.synthesis.projected_gradient import PGD, start
from src.synthesis.robustness import Share, scores

IMAGES, STEPS = 200, 20
CASES: tuple[tuple[Norm, float], ...] = (("linf", 8 / 255), ("linf", 0.5 / 255), ("l2", 0.1))
NETWORK = f"resnet,depth=56,shortcut=B@file:{WEIGHTS / 'resnet56.npz'}"
KEY = jax.random.key(0)


def by_foolbox(
    network: Classifier, victims: Victims, begun: Float[Array, "n h w c"], attack: PGD
) -> Float[np.ndarray, "n h w c"]:
    """The images that foolbox makes of the same ones, from the same starts."""
    import eagerpy
    import foolbox

    base = foolbox.attacks.LinfPGD if attack.norm == "linf" else foolbox.attacks.L2PGD

    class Same(base):  # type: ignore[misc, valid-type]
        def get_random_start(self, x0: Any, epsilon: float) -> Any:
            return type(x0)(begun)

    model = foolbox.JAXModel(jax.jit(lambda pixels: network(pixels)), bounds=(0, 1))
    wrong = foolbox.Misclassification(eagerpy.astensor(victims.labels))
    own = Same(abs_stepsize=attack.step_size, steps=attack.steps)
    found = own.run(model, eagerpy.astensor(victims.images), wrong, epsilon=float(victims.epsilon))
    return np.clip(np.asarray(found.raw), 0, 1)


def turned(
    network: Classifier, images: np.ndarray, labels: Int[np.ndarray, "n"], norm: Norm, epsilon: float
) -> dict[str, Any]:
    """How many images each turns."""
    attack = PGD(norm=norm, steps=STEPS, step_size=2.5 * epsilon / STEPS, batch_size=len(images))
    keys = jax.vmap(lambda number: at(KEY, number))(jnp.arange(len(images)))
    victims = Victims(jnp.asarray(as_pixels(images)), jnp.asarray(labels), jnp.float32(epsilon), keys)
    theirs = by_foolbox(network, victims, start(attack, victims, 0), attack)
    made = {"ours": attack(network, images, labels, epsilon, KEY), "foolbox": theirs}
    shares = {who: Share.where(scores(network, changed).argmax(1) != labels) for who, changed in made.items()}
    return {"norm": norm, "epsilon": epsilon} | {who: share._asdict() for who, share in shares.items()}


def measure(rounds: int) -> dict[str, Any]:
    """Images turned by each; the same in every round."""
    if not find_spec("foolbox"):
        return {"skipped": "foolbox is not installed: pip install foolbox==3.3.4"}
    if not WEIGHTS.exists():
        return {"skipped": f"the weights of Li et al. are not in {WEIGHTS}; docs/surfaces.md says how to get them"}
    test = run_settings_of("+experiment=resnet56_li").dataset().test[:IMAGES]
    network, labels = given(NETWORK).classifier(), test.targets[LABEL].astype(np.int32)
    return {f"{norm}, {epsilon:.4f}": turned(network, test.inputs, labels, norm, epsilon) for norm, epsilon in CASES}


def table(figures: dict[str, Any]) -> str:
    """Of each norm and size of the change: images turned, of all."""
    rows = []
    for own in figures.values():
        size = f"{255 * own['epsilon']:.3g}/255" if own["norm"] == "linf" else f"{own['epsilon']:.3g}"
        counts = [f"{own[who]['number']} of {own[who]['of']}" for who in ("ours", "foolbox")]
        difference = 100 * (own["ours"]["number"] - own["foolbox"]["number"]) / own["ours"]["of"]
        rows.append([{"linf": "largest", "l2": "root of squares"}[own["norm"]], size, *counts, f"{difference:+.1f}"])
    return markdown(["change", "at most", "turned by ours", "by foolbox", "ours less foolbox, points"], rows)
