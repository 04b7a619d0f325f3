from typing_extensions import Unpack

from azcred import Credential, _Options

__all__ = ["get_credential"]

def get_credential(**options: Unpack[_Options]) -> Credential: ...
