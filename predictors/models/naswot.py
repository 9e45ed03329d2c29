"""NASWOT (Mellor et al. 2021, "Neural Architecture Search without Training"): scores an untrained network.

For each image, every ReLU6 is on or off, which gives the image a binary code. A network can distinguish the images of a
batch if their codes differ; the log-determinant of the codes' agreement measures how much they do.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from search_spaces.networks.network import Network


@torch.no_grad()
def naswot(network: Network, images: Tensor) -> float:
    """log |det K_H|, higher is better, where K_H[i, j] counts the units that agree on images i and j (eq. 2).

    `images` [N, C, H, W] are normalised; batch norm uses their statistics. Equal images give -inf.
    """
    kernel = images.new_zeros(len(images), len(images), dtype=torch.float64)

    def count(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        code = (output > 0).flatten(1).float()
        kernel.add_(code @ code.T + (1 - code) @ (1 - code).T)

    hooks = [m.register_forward_hook(count) for m in network.modules() if isinstance(m, nn.ReLU6)]
    network.train()(images)
    for hook in hooks:
        hook.remove()
    return float(torch.linalg.slogdet(kernel).logabsdet)
