import numpy as np
from raw_files import prepared


def test_digits_are_the_embedded_set_with_the_last_500_for_test(digits):
    with np.load(digits / "train.npz") as train, np.load(digits / "test.npz") as test:
        assert train["inputs"].shape == (1297, 1, 32, 32)
        assert test["inputs"].shape == (500, 1, 32, 32)
        assert train["inputs"].dtype == test["inputs"].dtype == np.uint8
        assert train["labels"][:10].tolist() == list(range(10))
        assert (train["inputs"].min(), train["inputs"].max()) == (0, 255)
        # the first digit, a zero, is dark in its centre and bright around it
        assert train["inputs"][0, 0, 16, 16] < 50 < 120 < train["inputs"][0, 0, 16, 8:14].max()


def test_the_same_data_set_twice_has_the_same_images(tmp_path, digits):
    for (images, labels), name in zip(prepared("digits", tmp_path), ("train", "test"), strict=True):
        with np.load(digits / f"{name}.npz") as before:
            assert np.array_equal(images, before["inputs"])
            assert np.array_equal(labels, before["labels"])
