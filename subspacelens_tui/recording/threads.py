"""How many threads torch gets, beside an app that watches."""

import os

import torch

from subspacelens_tui.planning.machine import cores


def leave_a_core_free() -> None:
    """One fewer than there are cores, unless the user says how many."""
    # For the app that watches: where torch's threads outnumber the free cores, they wait for each other and
    # generation was seen to become 20 times slower.
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, min(torch.get_num_threads(), cores()) - 1))
