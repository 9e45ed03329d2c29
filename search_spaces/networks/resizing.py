"""Images at the resolution of a network: a trunk may take smaller ones than the data has."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def resized(images: Tensor, pixels: int) -> Tensor:
    """[N, C, H, W] -> [N, C, pixels, pixels], bilinear and antialiased; the same tensor if it has that size."""
    if images.shape[-1] == pixels:
        return images
    return F.interpolate(images, (pixels, pixels), mode="bilinear", align_corners=False, antialias=True)


def resized_array(images: np.ndarray, pixels: int) -> np.ndarray:
    """`resized` for float32 arrays, or for pixels, uint8."""
    return resized(torch.from_numpy(images), pixels).numpy() if images.shape[-1] != pixels else images
