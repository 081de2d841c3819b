"""Objects of 1,000 images from the outputs of YOLO, beside torchvision; average precision, beside faster-coco-eval.

Outputs are those of 7x7 cells with two boxes and twenty classes, at the scores of a trained network: most boxes say
nothing. Average precision is that of 10,000 detections at an overlap of .5. Photographs with boxes, in files as VOC has
them, are beside the bare step of a small YOLO at 160 pixels.
"""

import contextlib
import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.engines import engine
from benchmarks.loop import bare_steps
from benchmarks.measure import NO_TORCH, ratio
from benchmarks.transfer import PHOTOGRAPHS, SIDES, photograph, read_and_step
from src.detection.matching import Truth, matched
from src.detection.precision import HUNDRED_AND_ONE, average_precision, curves
from src.detection.suppression import Detections, detections
from src.detection.yolo import decoded
from src.studies.timing import in_turn

IMAGES, GRID, BOXES, CLASSES = 1000, 7, 2, 20
OVERLAP, LEAST, MOST = 0.5, 0.01, 100
FOUND, OBJECTS = 20, 6
"""Detections and objects in each of 500 images, whose average precision is measured."""

BOXED = ("data=voc_xml", "data.image_size=160", "data.batch_size=32", "data.test_share=0.01", "task=detection",
         "task.grid=10", "model=yolo_small", "model.halvings=4", "parallel.devices=1",
         "train.duration=1epoch")  # fmt: skip
ANNOTATION = "<annotation><size><height>{}</height><width>{}</width></size>{things}</annotation>"
THING = "<object><name>{}</name><bndbox>{}</bndbox></object>"
EDGES = "<ymin>{}</ymin><xmin>{}</xmin><ymax>{}</ymax><xmax>{}</xmax>"


def measure(rounds: int) -> dict[str, Any]:
    """Images and detections per second, in float32."""
    try:
        import torchvision  # noqa: F401
    except (ImportError, RuntimeError):  # the second where it does not fit the PyTorch that is there
        return NO_TORCH
    try:
        import faster_coco_eval  # noqa: F401
    except ImportError:
        return {"skipped": "faster-coco-eval is not installed: pip install faster-coco-eval"}
    outputs = yolo_outputs()
    kept: dict[str, Callable[[], Any]] = {
        "JAX": partial(ours, jnp.asarray(outputs)),
        "torchvision": partial(torchvisions, outputs),
    }
    found, truth = scenes()
    scored: dict[str, Callable[[], Any]] = {
        "NumPy": partial(our_precision, found, truth),
        "faster-coco-eval": coco(found, truth),
    }
    with TemporaryDirectory() as folder:
        take_boxed_photographs(Path(folder))
        run = engine(*BOXED, f"data.root={folder}")
        epoch = {"files and steps": read_and_step(run), "bare steps": bare_steps(run)}
        return {
            "decoding and suppression": ratio(in_turn(kept, rounds=rounds), "JAX", "torchvision"),
            "average precision": ratio(in_turn(scored, rounds=rounds), "NumPy", "faster-coco-eval"),
            "an epoch from JPEG and XML files": ratio(in_turn(epoch, rounds=rounds), "files and steps", "bare steps"),
        }


def take_boxed_photographs(folder: Path) -> None:
    """Writes JPEG files and annotations of a few objects for each."""
    rng = np.random.default_rng(2)
    for number in range(PHOTOGRAPHS):
        photograph(rng).save(folder / f"{number}.jpg", quality=90)
        corners, sides = rng.integers(1, 80, (OBJECTS, 2)), rng.integers(20, 80, (OBJECTS, 2))
        boxes = np.concatenate([corners, corners + sides], -1)
        things = "".join(THING.format(rng.integers(CLASSES), EDGES.format(*box)) for box in boxes)
        (folder / f"{number}.xml").write_text(ANNOTATION.format(*SIDES, things=things))


def yolo_outputs() -> np.ndarray:
    """Outputs in which a tenth of the boxes are confident."""
    rng = np.random.default_rng(0)
    outputs = rng.uniform(0, 1, (IMAGES, GRID, GRID, 5 * BOXES + CLASSES)).astype(np.float32)
    outputs[..., 2 : 5 * BOXES : 5] *= 0.7
    outputs[..., 3 : 5 * BOXES : 5] *= 0.7
    outputs[..., 4 : 5 * BOXES : 5] *= rng.random((IMAGES, GRID, GRID, BOXES)) < 0.1
    outputs[..., 5 * BOXES :] **= 8  # a few classes are likely, the others hardly
    return outputs


@jax.jit
def found_by_ours(outputs: jax.Array) -> Detections:
    """As in `task=detection`."""
    return detections(*decoded(outputs, BOXES), OVERLAP, LEAST, MOST)


def ours(outputs: jax.Array) -> Detections:
    """All images at once."""
    return jax.block_until_ready(found_by_ours(outputs))


def torchvisions(outputs: np.ndarray) -> list[tuple[Any, Any, Any]]:
    """Decoding in PyTorch for all images at once, then torchvision's suppression of one image after the other."""
    import torch
    from torchvision.ops import batched_nms

    cells = torch.from_numpy(outputs)
    own = cells[..., : 5 * BOXES].reshape(IMAGES, GRID, GRID, BOXES, 5)
    rows, columns = torch.arange(GRID)[:, None, None], torch.arange(GRID)[None, :, None]
    x, y, half = (own[..., 0] + columns) / GRID, (own[..., 1] + rows) / GRID, own[..., 2:4] ** 2 / 2
    corners = torch.stack([x - half[..., 0], y - half[..., 1], x + half[..., 0], y + half[..., 1]], -1)
    boxes = corners.clamp(0, 1).reshape(IMAGES, -1, 4)
    scores = (own[..., 4:] * cells[..., None, 5 * BOXES :]).reshape(IMAGES, -1, CLASSES)
    result = []
    for box, score in zip(boxes, scores, strict=True):
        number, label = torch.nonzero(score > LEAST, as_tuple=True)
        sure = score[number, label]
        kept = batched_nms(box[number], sure, label, OVERLAP)[:MOST]
        result.append((box[number[kept]], label[kept], sure[kept]))
    return result


def scenes() -> tuple[Detections, Truth]:
    """Objects that do not overlap each other, and detections near them or anywhere."""
    rng = np.random.default_rng(1)
    images = 10_000 // FOUND
    corners = np.stack(np.meshgrid([0, 50], [0, 40, 80], indexing="ij"), -1).reshape(OBJECTS, 2).astype(float)
    first = np.broadcast_to(corners, (images, OBJECTS, 2))
    box = np.concatenate([first, first + rng.uniform(20, 30, first.shape)], -1)
    labels = rng.integers(0, CLASSES, (images, OBJECTS))
    truth = Truth(box, labels, np.ones(labels.shape, bool), np.zeros(labels.shape, bool))
    chosen = rng.integers(0, OBJECTS, (images, FOUND))
    near = np.take_along_axis(box, chosen[..., None], 1) + rng.normal(0, 3, (images, FOUND, 4))
    scores = np.sort(rng.random((images, FOUND)))[:, ::-1]
    return Detections(near, np.take_along_axis(labels, chosen, 1), scores), truth


def our_precision(found: Detections, truth: Truth) -> list[float]:
    """Average precision of each class."""
    own = curves(found, matched(found, truth, OVERLAP), truth, CLASSES)
    return [average_precision(curve, HUNDRED_AND_ONE) for curve in own if curve is not None]


def coco(found: Detections, truth: Truth) -> Callable[[], Any]:
    """The same by faster-coco-eval; reading its inputs is not timed."""
    import faster_coco_eval as library

    def across(box: Any) -> list[float]:
        return [float(value) for value in (box[1], box[0], box[3] - box[1], box[2] - box[0])]

    objects = [
        {"id": 1 + image * OBJECTS + n, "image_id": image, "category_id": int(truth.label[image, n]),
         "bbox": across(truth.box[image, n]), "area": float(np.prod(across(truth.box[image, n])[2:])), "iscrowd": 0}
        for image, n in np.ndindex(*truth.label.shape)
    ]  # fmt: skip
    listed = [
        {"image_id": image, "category_id": int(found.label[image, n]), "bbox": across(found.box[image, n]),
         "score": float(found.score[image, n])}
        for image, n in np.ndindex(*found.label.shape)
    ]  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        own = library.COCO(
            {
                "images": [{"id": number, "width": 100, "height": 120} for number in range(len(truth.box))],
                "categories": [{"id": number, "name": str(number)} for number in range(CLASSES)],
                "annotations": objects,
            }
        )
        given = own.loadRes(listed)

    def work() -> Any:
        with contextlib.redirect_stdout(io.StringIO()):
            scored = library.COCOeval_faster(own, given, "bbox")
            scored.params.iouThrs = np.array([OVERLAP])
            scored.params.areaRng, scored.params.areaRngLbl = [[0, 1e10]], ["all"]
            scored.params.maxDets = [MOST]
            scored.evaluate()
            scored.accumulate()
        return scored.eval["precision"]

    return work
