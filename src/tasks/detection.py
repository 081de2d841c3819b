"""Objects in images: a class and a box for each, as many as there are."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from pydantic import Field

from ..data.annotations import BOX_DIFFICULT
from ..data.batches import Batch, image_size
from ..data.boxes import BOX, BOX_LABEL, BOX_PRESENT
from ..data.examples import DataSpec
from ..detection.boxes import in_shares
from ..detection.matching import Truth, matched
from ..detection.precision import ELEVEN, Curve, average_precision, confusion, curves, mean_average_precision
from ..detection.suppression import FEW, Detections, detections
from ..detection.yolo import VALUES, Weights, assigned, decoded, losses
from .boxed import BoxedSettings
from .metrics import SHARE, Metric, Sums, Values, counts, mean

Share = Annotated[float, Field(ge=0, le=1)]


class Detection(BoxedSettings):
    """A grid of cells, each of which says what has its centre there (Redmon et al. 2015, arXiv:1506.02640).

    Attributes:
        grid: cells in each direction.
        boxes: predicted by each cell.
        place_weight: of the squared errors of boxes in the loss; the paper's λ_coord.
        no_object_weight: of the confidence where nothing is; the paper's λ_noobj.
        suppression: overlap with a surer box of the class, above which a box is no other object.
        least_score: detections at or below it are left out.
        most: detections in an image at most.
        match: overlap with a true box, above which it is found.
        sure: score above which a detection counts in the confusion matrix, and is drawn.
    """

    grid: Annotated[int, Field(gt=0, le=1000)]
    boxes: Annotated[int, Field(gt=0, le=100)]
    place_weight: Annotated[float, Field(ge=0)]
    no_object_weight: Annotated[float, Field(ge=0)]
    suppression: Share
    least_score: Share
    most: Annotated[int, Field(gt=0, le=FEW)]
    match: Share
    sure: Share
    uses: ClassVar[tuple[str, ...]] = (BOX_DIFFICULT,)
    headline: ClassVar[str] = "mean_ap"

    def outputs(self, spec: DataSpec) -> int:
        """The boxes of a cell and its classes."""
        return VALUES * self.boxes + spec.classes

    def output_shape(self, spec: DataSpec) -> tuple[int, int, int]:
        """So much for each cell."""
        return self.grid, self.grid, self.outputs(spec)

    def predictions(self, outputs: Float[Array, "b s s v"]) -> Detections:
        """The objects of each image, their boxes in shares of its height and width."""
        boxes, scores = decoded(outputs, self.boxes)
        return detections(boxes, scores, self.suppression, self.least_score, self.most)

    def losses(self, outputs: Float[Array, "b s s v"], batch: Batch) -> Float[Array, "b"]:
        """The paper's sum of squared errors; objects that are marked as difficult are not learnt."""
        own = batch.targets
        present = own[BOX_PRESENT] & ~own[BOX_DIFFICULT] if BOX_DIFFICULT in own else own[BOX_PRESENT]
        targets = assigned(in_shares(own[BOX], image_size(batch.inputs)), own[BOX_LABEL], present, self.grid)
        return losses(outputs, targets, self.boxes, Weights(self.place_weight, self.no_object_weight))

    def scores(self, outputs: Float[Array, "b s s v"], batch: Batch) -> dict[str, Float[Array, "b"]]:
        """The loss; what else is reported is of all images together."""
        return {"loss": self.losses(outputs, batch)}

    def metrics(self, *, detailed: bool) -> Sequence[Metric]:
        """The loss; in detail also average precision and how many of each class are taken for which."""
        loss = Metric("loss", self._summed_loss, mean("squared_error"), "minimize")
        if not detailed:
            return (loss,)
        of_boxes = partial(Metric, update=self.found, gathered=True)
        share = partial(of_boxes, direction="maximize", unit=SHARE)
        return (
            loss,
            share("mean_ap", compute=lambda values: mean_average_precision(self.curves(values))),
            share("mean_ap_11_points", compute=lambda values: mean_average_precision(self.curves(values), ELEVEN)),
            of_boxes("class_ap", compute=lambda values: class_ap(self.curves(values))),
            of_boxes("confusion", compute=self.confusion),
        )

    def found(self, outputs: Float[Array, "b s s v"], batch: Batch) -> Sums:
        """What was detected in each image and what is there, with boxes in shares."""
        own, found = batch.targets, self.predictions(outputs)
        number = jax.nn.one_hot(own[BOX_LABEL], outputs.shape[-1] - VALUES * self.boxes, dtype=jnp.int32)
        return {
            **{f"found_{name}": array for name, array in found._asdict().items()},
            BOX: in_shares(own[BOX], image_size(batch.inputs)),
            BOX_LABEL: own[BOX_LABEL],
            BOX_PRESENT: own[BOX_PRESENT],
            BOX_DIFFICULT: own.get(BOX_DIFFICULT, jnp.zeros_like(own[BOX_PRESENT])),
            "objects": jnp.sum(number * own[BOX_PRESENT][..., None], axis=1),
        }

    def curves(self, values: Values) -> list[Curve | None]:
        """Precision and recall of each class, from what was gathered."""
        found, truth = gathered(values)
        return curves(found, matched(found, truth, self.match), truth, values["objects"].shape[-1])

    def confusion(self, values: Values) -> list[list[int]]:
        """Objects of each class by the class that they were given; see `src.detection.precision.confusion`."""
        found, truth = gathered(values)
        sure = found._replace(score=np.where(found.score > self.sure, found.score, 0))
        matches = matched(sure, truth, self.match, of_class=False)
        return confusion(sure, matches, truth, values["objects"].shape[-1], self.sure).tolist()

    def _summed_loss(self, outputs: Float[Array, "b s s v"], batch: Batch) -> Sums:
        summed = jnp.where(batch.weights > 0, self.losses(outputs, batch), 0).sum()
        return {"examples": counts(batch).sum(), "squared_error": summed}


def gathered(values: Values) -> tuple[Detections, Truth]:
    """What was detected in all images, and what is there."""
    found = Detections(*(values[f"found_{name}"] for name in Detections._fields))
    return found, Truth(*(values[name] for name in (BOX, BOX_LABEL, BOX_PRESENT, BOX_DIFFICULT)))


def class_ap(of_classes: Sequence[Curve | None]) -> list[Any]:
    """Average precision of each class; None for one of which there is nothing to be found."""
    return [None if curve is None else average_precision(curve) for curve in of_classes]
