"""Region affinity (after EMKD, Qin et al. 2021): how features of different regions of the scene relate to each other.

The regions of a medical image are organs; here they are quarters of the brightness of the clean planes, flat or with
edges. Nothing is learned beside the student, and its channels need not be the teacher's.
"""

import torch
from torch import Tensor
from torch.nn import functional

from rawclean.training.batch import Batch
from rawclean.training.losses.paired import PairedLoss
from rawclean.training.prediction import Prediction

BRIGHTNESSES = 4
"""Each flat and with edges."""
LEAST_NORM = 1e-6


class RegionAffinity(PairedLoss):
    """Distance of importance maps, and of the similarities of regions."""

    def forward(self, student: Prediction, batch: Batch) -> Tensor:
        """Mean over layers of both distances; computed in float32."""
        wanted = self.teacher.prediction(batch).features
        terms = []
        with torch.autocast(student.denoised.device.type, enabled=False):
            for pair in self.pairs:
                given, target = student.features[pair.student].float(), wanted[pair.teacher].float()
                masks = region_masks(batch.clean.float(), (target.shape[2], target.shape[3]))
                terms.append((importance(given) - importance(target)).abs().mean())
                terms.append((affinity(given, masks) - affinity(target, masks)).abs().mean())
        return 2 * torch.stack(terms).mean()


def importance(features: Tensor) -> Tensor:
    """Sum of |F| over the channels of (B, C, H, W), over its mean."""
    total = features.abs().sum(dim=1)
    return total / total.mean(dim=(1, 2), keepdim=True).clamp(min=LEAST_NORM)


def affinity(features: Tensor, masks: Tensor) -> Tensor:
    """Cosines (B, R, R) between the mean features of regions; features (B, C, H, W), `masks` (B, R, H, W)."""
    sums = torch.einsum("brhw,bchw->brc", masks, features)
    means = sums / masks.sum(dim=(2, 3)).clamp(min=1)[..., None]
    directions = means / means.norm(dim=2, keepdim=True).clamp(min=LEAST_NORM)
    return directions @ directions.mT


@torch.no_grad()
def region_masks(clean: Tensor, size: tuple[int, int]) -> Tensor:
    """One-hot regions (B, R, H, W) of clean planes (B, P, height, width) at `size`; the shares are those of a crop."""
    grey = clean.mean(dim=1, keepdim=True)
    steps = [functional.pad(grey.diff(dim=axis).abs(), margin) for axis, margin in ((2, (0, 0, 0, 1)), (3, (0, 1)))]
    brightness, edges = (functional.adaptive_avg_pool2d(each, size)[:, 0] for each in (grey, steps[0] + steps[1]))
    shares = torch.linspace(0, 1, BRIGHTNESSES + 1)[1:-1].to(brightness)
    bounds = torch.quantile(brightness.flatten(1), shares, dim=1)
    is_edge = edges > edges.flatten(1).median(dim=1).values[:, None, None]
    region = 2 * (brightness > bounds[..., None, None]).sum(dim=0) + is_edge
    return functional.one_hot(region, 2 * BRIGHTNESSES).permute(0, 3, 1, 2).to(clean)
