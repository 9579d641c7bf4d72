"""Errors that mean that there is no more memory, however they are called."""

# Of the dynamic loader, where the address space is limited (`ulimit -v`, h_vmem of Grid Engine).
_OF_THE_LOADER = ("failed to map segment", "cannot allocate memory")


class ShortageError(Exception):
    """There is too little of something for a command to start; the message is one line that says of what."""


def memory_ran_out(error: BaseException | None) -> str | None:
    """One line if an error means that memory ran out; None if it means anything else."""
    if isinstance(error, MemoryError):
        # NumPy says how much it wanted; others say nothing.
        return f"memory ran out: {error}" if str(error) else "memory ran out"
    if isinstance(error, ImportError | OSError) and any(
        words in str(error).lower() for words in _OF_THE_LOADER
    ):
        return f"memory ran out: {error}"
    return None
