"""Running a diffusion pipeline and writing a session: prompts, plan, hooks, loop, process."""
