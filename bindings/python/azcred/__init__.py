"""Azure credentials for Python: the account that `azcred token` finds in the same folder.

    from azure.ai.ml import MLClient
    import azcred

    client = MLClient(azcred.Credential(), ...)

Importing this package reads no file of the user's, and starts no thread.
"""

from azcred._credential import Credential

__all__ = [
    "AccessToken",
    "AccessTokenInfo",
    "ClientAuthenticationError",
    "Credential",
    "CredentialUnavailableError",
    "disable",
    "enable",
]


def enable(**options):
    """Makes `DefaultAzureCredential` and `AzureCliCredential` of this process use azcred's account.

    The options are those of `Credential`. A second call replaces those of the first. `disable()` undoes it.
    """
    from azcred import _enable

    _enable.enable(**options)


def disable():
    """Undoes `enable()`. Without it, does nothing."""
    from azcred import _enable

    _enable.disable()


def load_ipython_extension(shell):
    """`%load_ext azcred`: as `enable()`."""
    enable()


def unload_ipython_extension(shell):
    """`%unload_ext azcred`."""
    disable()


def __getattr__(name):
    # azure-core's classes if it is installed. They are imported when they are needed: that takes long.
    if name in ("ClientAuthenticationError", "CredentialUnavailableError"):
        from azcred import _errors

        return getattr(_errors.classes(), name)
    if name in ("AccessToken", "AccessTokenInfo"):
        from azcred import _tokens

        return getattr(_tokens.classes(), name)
    raise AttributeError(f"module 'azcred' has no attribute '{name}'")
