"""Numbers of bytes for people: one way of writing them for the command line, the app and the recorder."""


def readable(size: float) -> str:
    """Bytes for people: `1.1 GiB`, `26.0 MiB`."""
    if size >= 2**28:
        return f"{size / 2**30:.1f} GiB"
    return f"{size / 2**20:.1f} MiB" if size >= 2**20 else f"{size / 2**10:.0f} KiB"
