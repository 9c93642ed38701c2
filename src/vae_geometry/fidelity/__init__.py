"""How well a network reproduces images: ELBO and Frechet distance."""
