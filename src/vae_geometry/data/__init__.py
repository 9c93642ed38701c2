"""Image data sets: where they come from, and how they are prepared and split."""
