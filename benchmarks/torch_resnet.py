"""The CIFAR ResNet of `src/models/resnet_cifar.py` in PyTorch, for comparison: option A shortcuts, channels last."""

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
    """The same work as a step of ours: a batch from stored bytes, crop and flip, and an update with momentum."""

    def __init__(self, depth: int, images: Tensor, labels: Tensor, batch_size: int) -> None:
        self.net = ResNet(depth).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
        self.images, self.labels, self.batch_size = images, labels, batch_size
        self.mean = images.float().mean(0)

    def train(self) -> float:
        """One training step."""
        self.net.train()
        chosen = torch.randint(len(self.labels), (self.batch_size,))
        x = F.pad((self.images[chosen].float() - self.mean) / 255, (4, 4, 4, 4))
        top, left = torch.randint(0, 9, (2, self.batch_size)).tolist()
        flips = torch.rand(self.batch_size) < 0.5
        x = torch.stack([image[:, t : t + 32, s : s + 32] for image, t, s in zip(x, top, left, strict=True)])
        x = torch.where(flips[:, None, None, None], x.flip(3), x).contiguous(memory_format=torch.channels_last)
        loss = F.cross_entropy(self.net(x), self.labels[chosen])
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return float(loss.detach())

    @torch.inference_mode()
    def evaluate(self) -> int:
        """The number of correct answers on one evaluation batch."""
        self.net.eval()
        x = ((self.images[: self.batch_size].float() - self.mean) / 255).contiguous(memory_format=torch.channels_last)
        return int((self.net(x).argmax(1) == self.labels[: self.batch_size]).sum())
