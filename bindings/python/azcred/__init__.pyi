from collections.abc import Iterable
from types import TracebackType
from typing import Any, Literal

from azure.core.credentials import AccessToken as AccessToken
from azure.core.credentials import AccessTokenInfo as AccessTokenInfo
from azure.core.credentials import TokenRequestOptions
from azure.core.exceptions import ClientAuthenticationError as ClientAuthenticationError
from azure.identity import CredentialUnavailableError as CredentialUnavailableError
from typing_extensions import Self

__all__ = [
    "AccessToken",
    "AccessTokenInfo",
    "ClientAuthenticationError",
    "Credential",
    "CredentialUnavailableError",
    "disable",
    "enable",
]

_Preset = Literal["azcred", "azure", "kedro", "hi-ml"]

class Credential:
    def __init__(
        self,
        *,
        preset: _Preset | None = None,
        only: str | Iterable[str] | None = None,
        exclude: str | Iterable[str] | None = None,
        profile: str | None = None,
        tenant: str | None = None,
        additionally_allowed_tenants: str | Iterable[str] | None = None,
        expect_tenant: str | None = None,
        expect_principal: str | None = None,
        expect_source: str | Iterable[str] | None = None,
        process_timeout: float | None = None,
        unattended: bool = False,
        cache: bool = True,
    ) -> None: ...
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

def enable(
    *,
    preset: _Preset | None = None,
    only: str | Iterable[str] | None = None,
    exclude: str | Iterable[str] | None = None,
    profile: str | None = None,
    tenant: str | None = None,
    additionally_allowed_tenants: str | Iterable[str] | None = None,
    expect_tenant: str | None = None,
    expect_principal: str | None = None,
    expect_source: str | Iterable[str] | None = None,
    process_timeout: float | None = None,
    unattended: bool = False,
    cache: bool = True,
) -> None: ...
def disable() -> None: ...
def load_ipython_extension(shell: Any) -> None: ...
def unload_ipython_extension(shell: Any) -> None: ...
