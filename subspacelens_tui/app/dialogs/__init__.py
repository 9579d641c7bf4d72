"""Dialogs over a screen: a question, the value of ε, a new name, help."""
