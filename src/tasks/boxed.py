"""Tasks on images with boxes around what is in them."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from jaxtyping import Shaped

from ..config.errors import UserError
from ..data.augment import Moves
from ..data.batches import Targets
from ..data.boxes import BOX, BOX_LABEL, BOX_PRESENT, moved_boxes
from ..data.examples import DataSpec
from ..data.settings import AugmentSettings
from .base import TaskSettings, check_classes


class BoxedSettings(TaskSettings):
    """A task whose targets are boxes with a class each, so many for every image, of which not all have to be there."""

    needs: ClassVar[tuple[str, ...]] = (BOX_LABEL, BOX, BOX_PRESENT)

    def moved(self, targets: Targets, moves: Moves) -> Targets:
        """Boxes move with their images, and are cut at the border; those outside are there no longer."""
        boxes, present = moved_boxes(targets[BOX], targets[BOX_PRESENT], moves)
        return {**targets, BOX: boxes, BOX_PRESENT: present}

    def captions(self, targets: Targets, spec: DataSpec) -> list[str]:
        """The classes of what is in each image."""
        labels, present = np.asarray(targets[BOX_LABEL]), np.asarray(targets[BOX_PRESENT])
        pairs = zip(labels, present, strict=True)
        return [", ".join(spec.class_names[label] for label in own[there]) for own, there in pairs]

    def check(self, spec: DataSpec, augment: AugmentSettings | None) -> None:
        """Refuses what is no image, too."""
        super().check(spec, augment)
        if not spec.pictured:
            raise UserError(f"the task finds objects in images; data.name={spec.name} has inputs of {spec.shape}")

    def check_targets(self, targets: Mapping[str, Shaped[np.ndarray, "n ..."]], spec: DataSpec) -> None:
        """Refuses what is no class, and what are no four numbers, for each object."""
        check_classes(BOX_LABEL, targets[BOX_LABEL], ("n", "k"), spec.classes)
        for name, shape, kinds in ((BOX, (4,), "iuf"), (BOX_PRESENT, (), "b")):
            array, needed = targets[name], (*targets[BOX_LABEL].shape, *shape)
            if array.shape != needed or array.dtype.kind not in kinds or not np.isfinite(array).all():
                words = "numbers" if shape else "true and false"
                raise UserError(f"the target {name} is {array.dtype} {array.shape}; {words} {needed} are needed")
