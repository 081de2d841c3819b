"""The definitions, written as plain loops over numbers."""

import math


def area(box):
    return max(box[2] - box[0], 0) * max(box[3] - box[1], 0)


def iou(a, b):
    shared = area((max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])))
    union = area(a) + area(b) - shared
    return shared / union if union > 0 else 0.0


def box_of(x, y, root_width, root_height, row, column, grid):
    """Top, left, bottom, right in shares of the image."""
    x, y, width, height = (x + column) / grid, (y + row) / grid, root_width**2, root_height**2
    return y - height / 2, x - width / 2, y + height / 2, x + width / 2


def cell_of(box, grid):
    y, x = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return min(int(y * grid), grid - 1), min(int(x * grid), grid - 1)


def yolo_loss(outputs, objects, boxes, coordinate=5.0, no_object=0.5):
    """Equation 3 of the paper for one image: `outputs[row][column]` are values, `objects` boxes with labels."""
    grid, total = len(outputs), 0.0
    owners = {}
    for box, label in objects:
        owners.setdefault(cell_of(box, grid), (box, label))
    for row in range(grid):
        for column in range(grid):
            values = [float(value) for value in outputs[row][column]]
            said = [values[5 * number : 5 * number + 5] for number in range(boxes)]
            found = [box_of(*own[:4], row, column, grid) for own in said]
            if (row, column) not in owners:
                total += sum(no_object * own[4] ** 2 for own in said)
                continue
            true, label = owners[row, column]
            overlaps = [iou(box, true) for box in found]
            distances = [sum((a - b) ** 2 for a, b in zip(box, true, strict=True)) for box in found]
            best = overlaps.index(max(overlaps)) if max(overlaps) > 0 else distances.index(min(distances))
            y, x = (true[0] + true[2]) / 2 * grid - row, (true[1] + true[3]) / 2 * grid - column
            wanted = x, y, math.sqrt(true[3] - true[1]), math.sqrt(true[2] - true[0])
            for number, own in enumerate(said):
                if number == best:
                    total += coordinate * sum((a - b) ** 2 for a, b in zip(own, wanted, strict=False))
                    total += (own[4] - overlaps[number]) ** 2
                else:
                    total += no_object * own[4] ** 2
            for number, value in enumerate(values[5 * boxes :]):
                total += (value - (number == label)) ** 2
    return total


def suppressed(boxes, scores, overlap, least):
    """The numbers of the boxes of one class that are kept, the best first."""
    waiting = sorted((number for number, score in enumerate(scores) if score > least), key=lambda k: -scores[k])
    kept = []
    while waiting:
        best = waiting.pop(0)
        kept.append(best)
        waiting = [number for number in waiting if iou(boxes[best], boxes[number]) <= overlap]
    return kept


def voc_points(found, there, overlap):
    """Whether each detection of a class is right, the surest first, and how many objects there are.

    `found` are (image, score, box), `there` are (image, box, difficult). Those that do not count are left out.
    """
    taken, points = set(), []
    for image, _, box in sorted(found, key=lambda each: -each[1]):
        own = [number for number, each in enumerate(there) if each[0] == image]
        best = max(own, key=lambda number: iou(box, there[number][1]), default=None)
        if best is None or iou(box, there[best][1]) <= overlap:
            points.append(False)
        elif not there[best][2]:
            points.append(best not in taken)
            taken.add(best)
    return points, sum(not each[2] for each in there)


def average_precision(points, there, recalls=None):
    """The area below the curve with its best precision at the same or a higher recall, or the mean at some recalls."""
    curve = [(sum(points[:n]) / there, sum(points[:n]) / n) for n in range(1, len(points) + 1)]
    if recalls is not None:
        return sum(max((p for r, p in curve if r >= recall), default=0.0) for recall in recalls) / len(recalls)
    total, before = 0.0, 0.0
    for recall, _ in curve:
        total += (recall - before) * max(p for r, p in curve if r >= recall)
        before = recall
    return total
