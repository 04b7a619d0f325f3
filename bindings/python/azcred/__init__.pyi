from collections.abc import Iterable
from types import TracebackType
from typing import Any, Literal, TypedDict

from azure.core.credentials import AccessToken as AccessToken
from azure.core.credentials import AccessTokenInfo as AccessTokenInfo
from azure.core.credentials import TokenRequestOptions
from azure.core.exceptions import ClientAuthenticationError as ClientAuthenticationError
from azure.identity import CredentialUnavailableError as CredentialUnavailableError
from typing_extensions import Self, Unpack

__all__ = [
    "AccessToken",
    "AccessTokenInfo",
    "ClientAuthenticationError",
    "Credential",
    "CredentialUnavailableError",
    "disable",
    "enable",
]

class _Options(TypedDict, total=False):
    preset: Literal["azcred", "azure", "kedro", "hi-ml"] | None
    only: str | Iterable[str] | None
    exclude: str | Iterable[str] | None
    profile: str | None
    tenant: str | None
    additionally_allowed_tenants: str | Iterable[str] | None
    expect_tenant: str | None
    expect_principal: str | None
    expect_source: str | Iterable[str] | None
    process_timeout: float | None
    unattended: bool
    cache: bool

class Credential:
    def __init__(self, **options: Unpack[_Options]) -> None: ...
    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: Any,
    ) -> AccessToken: ...
    def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None: ...

def enable(**options: Unpack[_Options]) -> None: ...
def disable() -> None: ...
def load_ipython_extension(shell: Any) -> None: ...
def unload_ipython_extension(shell: Any) -> None: ...
