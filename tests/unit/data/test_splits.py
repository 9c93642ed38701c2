import pytest
import torch

from vae_geometry import VaeGeometryError
from vae_geometry.data.splits import split_images

NUMBERED = torch.arange(100, dtype=torch.uint8)[:, None, None, None]


def test_a_fifth_of_the_images_is_held_back():
    train_images, validation = split_images(NUMBERED, None, 0.2)
    assert len(validation) == 20
    assert sorted(torch.cat([train_images, validation]).flatten().tolist()) == list(range(100))
    assert validation.flatten().tolist() != list(range(20))


def test_the_same_images_train_every_time():
    for part, again in zip(split_images(NUMBERED, 50, 0.2), split_images(NUMBERED, 50, 0.2), strict=True):
        assert torch.equal(part, again)


def test_more_images_than_the_data_set_has_is_an_error():
    with pytest.raises(VaeGeometryError, match=r"training.images: 101 inputs are requested, the data set has 100"):
        split_images(NUMBERED, 101, 0.2)


@pytest.mark.parametrize(("count", "fraction"), [(2, 0.5), (10, 0.0), (10, 1.0), (1, 0.2)])
def test_too_few_images_are_an_error(count, fraction):
    with pytest.raises(VaeGeometryError, match="too few"):
        split_images(NUMBERED, count, fraction)
