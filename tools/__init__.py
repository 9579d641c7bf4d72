"""Scripts for those who work on SubspaceLens; not in the wheel."""
