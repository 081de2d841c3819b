"""A loss surface in PyTorch, for comparison: measured point by point, as tomgoldstein/loss-landscape does."""

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812

from benchmarks.torch_resnet import ResNet, channels_last


class TorchSurface:
    """A loss surface as Li et al.'s program measures it: weights are set and all images scored, point by point.

    In float32, without TensorFloat-32. The images are on the device from the beginning, unlike in that program.
    """

    def __init__(self, depth: int, images: np.ndarray, labels: np.ndarray, batch_size: int) -> None:
        torch.backends.cudnn.allow_tf32 = False
        device = "cuda" if torch.cuda.is_available() else "cpu"
        self.net = channels_last(ResNet(depth).to(device)).eval()
        self.middle = [weights.detach().clone() for weights in self.net.parameters()]
        self.directions = [[torch.randn_like(weights) for weights in self.middle] for _ in range(2)]
        x = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))).float().to(device) / 255
        self.images, self.labels = (
            x.contiguous(memory_format=torch.channels_last),
            torch.from_numpy(labels).long().to(device),
        )
        self.batch_size = batch_size

    @torch.inference_mode()
    def losses(self, places: np.ndarray) -> list[float]:
        """The mean loss at each place, given by its two coordinates."""
        return [self._loss(alpha, beta) for alpha, beta in places.tolist()]

    def _loss(self, alpha: float, beta: float) -> float:
        for weights, middle, delta, eta in zip(self.net.parameters(), self.middle, *self.directions, strict=True):
            weights.copy_(middle + alpha * delta + beta * eta)
        parts = zip(self.images.split(self.batch_size), self.labels.split(self.batch_size), strict=True)
        return sum(float(F.cross_entropy(self.net(x), labels, reduction="sum")) for x, labels in parts) / len(
            self.labels
        )
