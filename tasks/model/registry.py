"""What is found by its file: every module of a folder is one of a kind, and is loaded when it is asked for."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable


def module_names(path: Iterable[str]) -> tuple[str, ...]:
    """The modules of a package, of which this is the `__path__`, in the order of their names."""
    return tuple(sorted(each.name for each in pkgutil.iter_modules(path)))


def constant(package: str, module: str, name: str) -> object:
    """What a module of the package offers under this name."""
    return getattr(importlib.import_module(f"{package}.{module}"), name)
