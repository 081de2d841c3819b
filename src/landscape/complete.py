"""Per-example losses at the points of a surface that were measured on all examples."""

import io
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from ..config.errors import UserError
from ..runs.files import write_whole

NEAREST = 8
"""Number of such points that are used as regressors for another one."""


class Complete:
    """Losses of all examples at such points, in files, so that a grid evaluation can resume."""

    def __init__(self, folder: Path, places: Float32[np.ndarray, "p d"]) -> None:
        """Reads the existing files.

        Args:
            folder: of the files.
            places: all points, in the order of their measurement.

        Raises:
            UserError: a file is damaged.
        """
        self._folder, self._places = folder, places
        self._losses: dict[int, Float32[np.ndarray, "n"]] = {}
        for path in folder.glob("*.npy"):
            try:
                self._losses[int(path.stem)] = np.load(path, allow_pickle=False)
            except (ValueError, EOFError):
                raise UserError(f"{path} is damaged; remove {folder} to measure anew") from None

    def keep(self, rank: int, losses: Float32[np.ndarray, "n"]) -> None:
        """Stores the losses at the point with this rank."""
        content = io.BytesIO()
        np.save(content, losses, allow_pickle=False)
        self._folder.mkdir(parents=True, exist_ok=True)
        write_whole(self._folder / f"{rank}.npy", content.getvalue())
        self._losses[rank] = losses

    def nearest(self, rank: int) -> list[Float32[np.ndarray, "n"]]:
        """Losses at the nearest earlier points where all are finite."""
        earlier = [other for other, losses in self._losses.items() if other < rank and np.isfinite(losses).all()]
        distance = ((self._places - self._places[rank]) ** 2).sum(axis=1)
        return [self._losses[other] for other in sorted(earlier, key=lambda k: (distance[k], k))[:NEAREST]]
