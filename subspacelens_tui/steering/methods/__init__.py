"""The methods: every module of this package declares one, and is found by being here."""

import importlib
import pkgutil

from subspacelens_tui.steering.method_declaration import Method

_MODULES = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
METHODS: dict[str, Method] = {module.METHOD.key: module.METHOD for module in _MODULES}
DEFAULT = "transport"
