"""`azcred.enable()`: azure-identity's classes get their tokens from azcred.

The methods of the classes are replaced, not the classes: so it does not matter when and how a program imports them, and
objects that exist already are covered too. A package that is not imported yet is changed when it is.
"""

import importlib
import importlib.abc
import sys
import threading

from azcred._credential import Credential

# Every method with which a client of any release requests a token.
METHODS = ("get_token", "get_token_info")
CLASSES = ("DefaultAzureCredential", "AzureCliCredential")
PACKAGES = ("azure.identity", "azure.identity.aio")

_lock = threading.RLock()
_enabled = None
_undo: list = []


class Enabled:
    """The credentials behind azure-identity's classes, made when they are first needed."""

    def __init__(self, options):
        Credential(**options)  # an option that is not valid is an error now
        self.options = options
        self.made = {}

    def credential(self, package, tenant):
        """One for each tenant that a program names, and for each of the two kinds of programs."""
        with _lock:
            found = self.made.get((package, tenant))
            if found is None:
                kind = (
                    importlib.import_module("azcred.aio").Credential
                    if package.endswith(".aio")
                    else Credential
                )
                options = self.options | {"tenant": tenant} if tenant else self.options
                found = self.made[package, tenant] = kind(**options)
                found._made_by = "azcred.enable"
            return found


def enable(**options):
    """Makes `DefaultAzureCredential` and `AzureCliCredential` of this process use azcred's account.

    The options are those of `azcred.Credential`. A second call replaces those of the first. `disable()` undoes it.
    """
    global _enabled
    with _lock:
        if _enabled is None:
            sys.meta_path.insert(0, _FINDER)
        _enabled = Enabled(options)
        loaded = [name for name in PACKAGES if name in sys.modules]
    for name in loaded:
        # Waits if another thread is importing it.
        _change(importlib.import_module(name))


def disable():
    """Undoes `enable()`. Without it, does nothing."""
    global _enabled
    with _lock:
        if _enabled is None:
            return
        _enabled = None
        sys.meta_path.remove(_FINDER)
        while _undo:
            kind, name, own = _undo.pop()
            if own is None:
                delattr(kind, name)
            else:
                setattr(kind, name, own)


def _change(module):
    with _lock:
        if _enabled is None:
            return
        for kind in (getattr(module, name, None) for name in CLASSES):
            changed = kind is None or any(kind is done for done, _, _ in _undo)
            for name in () if changed else METHODS:
                original = getattr(kind, name, None)
                if original is not None:
                    _undo.append((kind, name, kind.__dict__.get(name)))
                    setattr(kind, name, _method(module.__name__, name, original))


def _method(package, name, original):
    def method(self, *scopes, **options):
        enabled = _enabled
        if enabled is None:  # disabled since this method was looked up
            return original(self, *scopes, **options)
        # `AzureCliCredential(tenant_id=…)`.
        tenant = getattr(self, "tenant_id", None) or None
        return getattr(enabled.credential(package, tenant), name)(*scopes, **options)

    method.__name__ = name
    method.__qualname__ = original.__qualname__
    method.__doc__ = original.__doc__
    return method


class _Finder(importlib.abc.MetaPathFinder):
    """Changes azure-identity right after it was imported."""

    def find_spec(self, name, path=None, target=None):
        if name not in PACKAGES:
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Loader(spec.loader)
                return spec
        return None


class _Loader(importlib.abc.Loader):
    """A package's own loader, and then the change."""

    def __init__(self, loader):
        self.loader = loader

    def __getattr__(self, name):
        return getattr(self.loader, name)

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        # As if this loader had not been here: tools read a package's files by it.
        module.__spec__.loader = module.__loader__ = self.loader
        self.loader.exec_module(module)
        _change(module)


_FINDER = _Finder()
