"""The errors this room raises."""


class GeometryError(ValueError):
    """An input the asked metric cannot be computed from; the message is one line that says what to do."""


class Cancelled(Exception):
    """A long computation ended because its `cancelled` callback said so."""


class RoundingWarning(UserWarning):
    """Rounding may have changed a metric by more than a millionth of it; the message says by how much."""
