"""Figures of all images of a session where there are too many for a Gram matrix: from d × d scatters."""
