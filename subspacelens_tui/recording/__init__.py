"""Running a diffusion pipeline and writing a session: hooks, loop, process."""
