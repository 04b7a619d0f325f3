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


def exception(failure, made_by):
    """The exception for the library's error, with its parts as attributes.

    made_by: the function whose options the fix names.
    """
    parts = failure.parts(made_by)
    found = classes()
    is_unavailable = parts["kind"] == "unavailable"
    kind = found.CredentialUnavailableError if is_unavailable else found.ClientAuthenticationError
    error = kind(message=parts.pop("message"))
    for name, value in parts.items():
        setattr(error, name, value)
    return error
