"""The CIFAR ResNet of `src/models/resnet_cifar.py` in PyTorch, for comparison: option A shortcuts, channels last."""

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


class Block(nn.Module):
    """Two 3x3 convolutions and a shortcut without parameters."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.stride, self.new = stride, outputs - inputs

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        shortcut = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.new)) if self.new else x
        return F.relu(y + shortcut)


class ResNet(nn.Module):
    """Depth 6n + 2."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        blocks, width = [], 16
        for stage, stage_width in enumerate((16, 32, 64)):
            for position in range((depth - 2) // 6):
                blocks.append(Block(width, stage_width, 2 if stage and not position else 1))
                width = stage_width
        self.blocks, self.head = nn.Sequential(*blocks), nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.blocks(F.relu(self.norm(self.conv(x)))).mean((2, 3)))


class TorchLoop:
    """The same work as ours: batches from stored bytes, crop and flip, updates with momentum; on a GPU if there is one.

    On a GPU it computes in bfloat16 where `autocast` does, on the CPU in float32.
    """

    def __init__(self, net: nn.Module, images: np.ndarray, labels: np.ndarray, *, compiled: bool = False) -> None:
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.net = channels_last(net.to(self.device))
        self.forward = torch.compile(self.net) if compiled else self.net
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
        self.images = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))).to(self.device)
        self.labels = torch.from_numpy(labels).long().to(self.device)
        self.mean = torch.from_numpy(images.mean(0).transpose(2, 0, 1)).float().to(self.device)

    def train(self, steps: int, batch_size: int) -> float:
        """So many training steps; the loss is waited for once."""
        self.net.train()
        for _ in range(steps):
            loss = self._loss(batch_size)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
        return float(loss.detach())

    def _loss(self, batch_size: int) -> Tensor:
        chosen = torch.randint(len(self.labels), (batch_size,), device=self.device)
        side = self.images.shape[-1]
        x = cropped(F.pad((self.images[chosen].float() - self.mean) / 255, (4, 4, 4, 4)), side)
        flips = torch.rand(batch_size, device=self.device) < 0.5
        x = torch.where(flips[:, None, None, None], x.flip(3), x).contiguous(memory_format=torch.channels_last)
        with self._autocast():
            return F.cross_entropy(self.forward(x), self.labels[chosen])

    @torch.inference_mode()
    def evaluate(self, batch_size: int) -> int:
        """The number of correct answers on one evaluation batch."""
        self.net.eval()
        x = ((self.images[:batch_size].float() - self.mean) / 255).contiguous(memory_format=torch.channels_last)
        with self._autocast():
            return int((self.forward(x).argmax(1) == self.labels[:batch_size]).sum())

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device, torch.bfloat16, enabled=self.device == "cuda")


def cropped(x: Tensor, side: int) -> Tensor:
    """A square part of each image, at random places."""
    top, left = torch.randint(0, x.shape[2] - side + 1, (2, len(x), 1, 1), device=x.device)
    along = torch.arange(side, device=x.device)
    rows, columns = top + along[:, None], left + along
    return x[torch.arange(len(x), device=x.device)[:, None, None], :, rows, columns].permute(0, 3, 1, 2)


def channels_last(net: nn.Module) -> nn.Module:
    """The memory format in which convolutions are fastest."""
    return net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
