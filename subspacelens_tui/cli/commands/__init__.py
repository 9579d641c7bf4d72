"""The commands: every module of this package declares one, and is found by being here."""

import importlib
import pkgutil

from subspacelens_tui.cli.command import Command

_MODULES = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
COMMANDS: tuple[Command, ...] = tuple(
    sorted((module.COMMAND for module in _MODULES), key=lambda command: command.order)
)
