"""Training: the loop, noise and batches, resuming, random streams and devices."""
