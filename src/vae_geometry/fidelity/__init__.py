"""How well a network reproduces images: ELBO and Frechet distance."""

EXTRACTORS = {"inception": 2048, "efficientnet_lite0": 1280}  # networks of features, and how many features each has
NO_IMAGES = "the inputs are not images, which a Frechet distance compares"
