"""What JAX only knows for a whole process."""

import os

import jax

from ..data.cache import cache_home
from .settings import RunSettings

DETERMINISTIC = "--xla_gpu_deterministic_ops=true"


def cache_programs() -> None:
    """Keeps compiled programs on disk for the next process; a start compiles some fifty small ones."""
    jax.config.update("jax_compilation_cache_dir", str(cache_home() / "compiled"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


def configure_jax(settings: RunSettings) -> None:
    """Sets precision and determinism as a run states them; compiled programs are kept for the next start."""
    cache_programs()
    flags = os.environ.get("XLA_FLAGS", "")
    if settings.deterministic and DETERMINISTIC not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {DETERMINISTIC}"
    jax.config.update("jax_default_matmul_precision", settings.precision.matmul)
    jax.config.update("jax_debug_nans", settings.debug.nans)
