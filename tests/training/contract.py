"""Prints what moves and renames must not change: `python -m tests.training.contract [float64]`.

Without an argument: SHA-256 of the initial parameters, of the order of the examples and of the pixels of the first
batch, and the learning rates. With it: sums and norms of all tensors after five steps in double precision.
"""

import hashlib
import json
import sys

import jax
import jax.numpy as jnp
import numpy as np

from src.training.engine import Engine
from src.training.from_hydra import compose_runs, run_settings

SMALL = ("model.depth=8", "data.augment.crop=1", "data.batch_size=64", "train.duration=20steps", "kernels=xla")
CASES = {
    "default": SMALL,
    "mixed": (*SMALL, "data.augment.mixup=0.2", "task.label_smoothing=0.1", "train.accumulation=2", "seed=1"),
    "one cycle": (*SMALL, "schedule=one_cycle", "optimizer=adamw", "model=resnet_preact"),
}
STEPS = 5


def sha256(tree):
    """Of names and bytes."""
    digest = hashlib.sha256()
    for path, leaf in jax.tree.leaves_with_path(tree):
        digest.update(jax.tree_util.keystr(path).encode())
        digest.update(np.ascontiguousarray(leaf).tobytes())
    return digest.hexdigest()


def bits(engine):
    pixels, _ = engine.first_images(64)
    return {
        "parameters": sha256(engine.init_state().parameters),
        "order": sha256([np.asarray(engine.order(epoch).order) for epoch in (0, 2)]),
        "pixels": sha256(pixels),
        "learning_rates": [float(engine._learning_rate(jnp.int32(step))).hex() for step in range(20)],
    }


def steps(engine):
    """Sums and norms after five steps in double precision."""
    state, sums = engine.init_state(), engine.zero_sums()
    wide = lambda leaf: leaf.astype(jnp.float64) if leaf.dtype == jnp.float32 else leaf  # noqa: E731
    state, sums = engine.replicated(jax.tree.map(wide, (state, sums)))
    for stop in range(1, STEPS + 1):
        state, sums = engine.advance(state, sums, engine.order(0), stop)
    leaves = jax.tree.leaves_with_path((state.parameters, tuple(state.scored())[1]))
    assert {leaf.dtype for _, leaf in leaves} == {np.dtype("float64")}
    return {jax.tree_util.keystr(path): [float(jnp.sum(leaf)), float(jnp.linalg.norm(leaf))] for path, leaf in leaves}


if __name__ == "__main__":
    measure = steps if sys.argv[1:] == ["float64"] else bits
    jax.config.update("jax_enable_x64", measure is steps)
    found = {}
    for name, arguments in CASES.items():
        (job,) = compose_runs("train", list(arguments))
        settings = run_settings(job)
        jax.config.update("jax_default_matmul_precision", settings.precision.matmul)
        found[name] = measure(Engine(settings))
    print(json.dumps(found, indent=1))
