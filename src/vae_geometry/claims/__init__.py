"""The paper's claims, the evidence they are checked on, and the advice on K."""

from vae_geometry.claims import of_dimension, of_imbalance, of_latents, of_numbers, of_training  # noqa: F401  each adds its claims
