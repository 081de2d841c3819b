"""Losses of all examples at the places of a surface that were measured on all of them."""

import io
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from ..config.errors import UserError
from ..runs.files import write_whole

NEAREST = 8
"""Of the places that were measured on all examples, so many help another one."""


class Complete:
    """Losses of all examples at the places that were measured on all of them, in files, so that a survey can go on."""

    def __init__(self, folder: Path, places: Float32[np.ndarray, "p d"]) -> None:
        """Reads what is there.

        Args:
            folder: of the files.
            places: all that will be measured, in their order.

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
        """Keeps the losses at the place of a rank."""
        content = io.BytesIO()
        np.save(content, losses, allow_pickle=False)
        self._folder.mkdir(parents=True, exist_ok=True)
        write_whole(self._folder / f"{rank}.npy", content.getvalue())
        self._losses[rank] = losses

    def nearest(self, rank: int) -> list[Float32[np.ndarray, "n"]]:
        """Finite losses at the nearest places among those that come earlier than one."""
        earlier = [other for other, losses in self._losses.items() if other < rank and np.isfinite(losses).all()]
        distance = ((self._places - self._places[rank]) ** 2).sum(axis=1)
        return [self._losses[other] for other in sorted(earlier, key=lambda k: (distance[k], k))[:NEAREST]]
