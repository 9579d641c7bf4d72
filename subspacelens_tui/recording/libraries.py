"""The libraries that recording needs: loaded here first, so that one that is broken is named in one line."""

import importlib
import sys
import warnings

from PIL import features

from subspacelens_tui.models.problems import first_line
from subspacelens_tui.out_of_memory import memory_ran_out
from subspacelens_tui.recording.errors import RecordingError


def load_libraries(*names: str) -> None:
    """Import packages.

    Raises:
        RecordingError: if one is not there, or cannot be loaded: built for another CUDA, another NumPy, …
    """
    if any(option.startswith("error") for option in sys.warnoptions):
        # PYTHONWARNINGS=error, left over in a shell: what these packages warn of is for their developers.
        warnings.simplefilter("default")
    for name in names:
        try:
            importlib.import_module(name)
        except Exception as error:  # packages raise what they like: ImportError, OSError, RuntimeError, …
            why = memory_ran_out(error) or first_line(error)
            raise RecordingError(
                f"{name} cannot be loaded: {why}; `python -c 'import {name}'` shows where, "
                "and reinstalling it usually helps"
            ) from error


def need_webp() -> None:
    """Refuse to record pictures that could not be written once they are generated.

    Raises:
        RecordingError: if Pillow was built without WebP.
    """
    if not features.check("webp"):
        raise RecordingError(
            "Pillow was built without WebP, in which pictures are kept: "
            "`pip install --force-reinstall pillow` brings it"
        )
