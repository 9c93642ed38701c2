"""Intrinsic dimension and information imbalance of any arrays.

``measure`` takes a folder of activations to tables: ``activations`` opens it, ``neighbours`` finds what
``intrinsic_dimension`` and ``information_imbalance`` estimate from. Modules with a leading underscore belong to
``neighbours`` alone.
"""
