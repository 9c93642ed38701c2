"""Intrinsic dimension and information imbalance of any arrays."""
