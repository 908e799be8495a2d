"""The PyTorch side of training.ts: trains one net on random data, prints the milliseconds of each step as JSON.

usage: torch_training.py {lenet,resnet20,vgg11} BATCH STEPS THREADS
"""
import json
import sys
import time

import torch
from torch import nn


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 20, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(20, 50, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(800, 500), nn.ReLU(), nn.Linear(500, 10),
    )


def convolution(channels, out, kernel, stride):
    conv = nn.Conv2d(channels, out, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out))


class Block(nn.Module):
    def __init__(self, channels, width):
        super().__init__()
        stride = 1 if width == channels else 2
        self.a = convolution(channels, width, 3, stride)
        self.b = convolution(width, width, 3, 1)
        self.shortcut = nn.Identity() if stride == 1 else convolution(channels, width, 1, stride)

    def forward(self, x):
        inner = torch.relu(self.a(x))
        return torch.relu(self.b(inner) + self.shortcut(x))


def resnet20():
    widths = [16] * 4 + [32] * 3 + [64] * 3
    blocks = [Block(channels, width) for channels, width in zip(widths, widths[1:])]
    stem = [convolution(3, 16, 3, 1), nn.ReLU()]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def vgg11():
    layers, channels = [], 3
    for stage in [[64], [128], [256, 256], [512, 512], [512, 512]]:
        for width in stage:
            layers += [convolution(channels, width, 3, 1), nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(512, 10))


def main():
    name, batch, steps, threads = sys.argv[1], *map(int, sys.argv[2:5])
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    net = {"lenet": lenet, "resnet20": resnet20, "vgg11": vgg11}[name]().train()
    images = torch.randn(batch, *((1, 28, 28) if name == "lenet" else (3, 32, 32)))
    labels = torch.randint(0, 10, (batch,))
    optimiser = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, nesterov=True)
    loss_of = nn.CrossEntropyLoss()
    milliseconds = []
    for _ in range(steps):
        start = time.perf_counter()
        optimiser.zero_grad(set_to_none=True)
        loss = loss_of(net(images), labels)
        loss.backward()
        optimiser.step()
        loss.item()
        milliseconds.append((time.perf_counter() - start) * 1000)
    parameters = sum(one.numel() for one in net.parameters())
    print(json.dumps({"torch": torch.__version__, "parameters": parameters, "milliseconds": milliseconds}))


main()
