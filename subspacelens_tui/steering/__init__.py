"""What may be done to a block's output, with controls of equal energy and the measures of what came of it.

Arrays in, arrays out: docs/steering.md says what moves an image and what only moves a number.
"""

from subspacelens_tui.steering.controls import CONTROLS, Control, Fitted
from subspacelens_tui.steering.edit import Change, Edit
from subspacelens_tui.steering.errors import SteeringError
from subspacelens_tui.steering.examples import Examples, square_grid
from subspacelens_tui.steering.intervention import Fingerprint, Intervention, Origin
from subspacelens_tui.steering.methods import DEFAULT, METHODS

__all__ = [
    "CONTROLS",
    "DEFAULT",
    "METHODS",
    "Change",
    "Control",
    "Edit",
    "Examples",
    "Fingerprint",
    "Fitted",
    "Intervention",
    "Origin",
    "SteeringError",
    "square_grid",
]
