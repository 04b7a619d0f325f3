"""A drop-in for `health_azure.auth.get_credential` of hi-ml-azure, with azcred's account and errors."""

from azcred._credential import Credential

__all__ = ["get_credential"]

_SCOPE = "https://management.azure.com/.default"


def get_credential(**options):
    """Returns a credential that has a token.

    It is the service principal's in `HIML_*`, else that of Azure CLI's sign-in, else of azcred's, else a person's.

    As hi-ml's function, it raises a `ValueError` if there is no token. The options are those of `azcred.Credential`.
    """
    from azcred import _errors

    credential = Credential(**({"preset": "hi-ml"} | options))
    credential._made_by = "azcred.himl.get_credential"
    try:
        credential.get_token(_SCOPE)
    except _errors.classes().ClientAuthenticationError as error:
        raise ValueError(str(error)) from error
    return credential
