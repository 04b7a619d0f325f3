"""The errors: azure-core's and azure-identity's classes if they are installed, else the same by name."""

from types import SimpleNamespace

_classes = None


def classes():
    """`ClientAuthenticationError`, and `CredentialUnavailableError`, which is one too."""
    global _classes
    if _classes is None:
        _classes = _find()
    return _classes


def _find():
    try:
        from azure.core.exceptions import ClientAuthenticationError
    except ImportError:
        from azcred._own_errors import ClientAuthenticationError
    try:
        from azure.identity import CredentialUnavailableError
    except ImportError:
        CredentialUnavailableError = type(
            "CredentialUnavailableError",
            (ClientAuthenticationError,),
            {"__doc__": "There is nothing to sign in with here.", "__module__": "azcred"},
        )
    return SimpleNamespace(
        ClientAuthenticationError=ClientAuthenticationError,
        CredentialUnavailableError=CredentialUnavailableError,
    )


def exception(failure):
    """The exception for the library's error, with its parts as attributes."""
    found = classes()
    kind = (
        found.CredentialUnavailableError if failure.kind == "unavailable" else found.ClientAuthenticationError
    )
    error = kind(message=failure.message)
    for name in ("kind", "what", "why", "fix", "code", "correlation_id"):
        setattr(error, name, getattr(failure, name))
    return error
