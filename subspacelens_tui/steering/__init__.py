"""What may be done to a block's output, with controls of equal energy and the measures of what came of it.

Arrays in, arrays out: docs/steering.md says what moves an image and what only moves a number.
"""

from subspacelens_tui.steering.controls import CONTROLS, Control, Fitted
from subspacelens_tui.steering.dictionary import Dictionary
from subspacelens_tui.steering.edit import Change, Edit
from subspacelens_tui.steering.errors import SteeringError
from subspacelens_tui.steering.examples import Examples, SummedTokens, TokenStatistics, square_grid
from subspacelens_tui.steering.intervention import Fingerprint, Intervention, Origin
from subspacelens_tui.steering.methods import DEFAULT, METHODS
from subspacelens_tui.steering.moments import Moments

__all__ = [
    "CONTROLS",
    "DEFAULT",
    "METHODS",
    "Change",
    "Control",
    "Dictionary",
    "Edit",
    "Examples",
    "Fingerprint",
    "Fitted",
    "Intervention",
    "Moments",
    "Origin",
    "SteeringError",
    "SummedTokens",
    "TokenStatistics",
    "square_grid",
]
