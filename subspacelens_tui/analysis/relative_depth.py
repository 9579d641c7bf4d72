"""Where layers are in models of different depths."""


def relative_depth(layer: int, layers: int) -> float:
    """0 for the first layer, 1 for the last; 0 for the only one."""
    return layer / (layers - 1) if layers > 1 else 0.0


def at_same_depth(layer: int, layers: int, of: int) -> int:
    """The layer of a model with `of` layers whose relative depth is nearest; the earlier of two as near.

    Args:
        layer: of a model with `layers` layers.
        layers: how many that model has.
        of: how many the other one has.
    """
    if layers == 1:
        return 0
    # In integers: halves must be halves.
    return (2 * layer * (of - 1) + layers - 2) // (2 * (layers - 1))


def paired_layers(a: int, b: int) -> tuple[tuple[int, int], ...]:
    """Layers of two models with `a` and `b` layers: each of the shallower, with the nearest of the deeper."""
    if a <= b:
        return tuple((layer, at_same_depth(layer, a, b)) for layer in range(a))
    return tuple((at_same_depth(layer, b, a), layer) for layer in range(b))
