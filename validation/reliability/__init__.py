"""Faults done to real recorders and apps, and what was found afterwards: docs/reliability.md."""
