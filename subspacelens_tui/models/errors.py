"""The errors of loading a model and of finding out how it is recorded."""

# The folder that most pipelines have the model in whose blocks are recorded.
TRANSFORMER = "transformer"


class ModelError(Exception):
    """A model cannot be loaded or recorded; the message is one line for the user.

    `mendable` where a session of this model can go on once what the message says has been done.
    """

    def __init__(self, message: str, mendable: bool = False) -> None:
        super().__init__(message)
        self.mendable = mendable
