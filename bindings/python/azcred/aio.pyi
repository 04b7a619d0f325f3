from collections.abc import Iterable
from types import TracebackType
from typing import Any, Literal

from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions
from typing_extensions import Self

__all__ = ["Credential"]

class Credential:
    def __init__(
        self,
        *,
        preset: Literal["azcred", "azure", "kedro", "hi-ml"] | None = None,
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
    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: Any,
    ) -> AccessToken: ...
    async def get_token_info(
        self, *scopes: str, options: TokenRequestOptions | None = None
    ) -> AccessTokenInfo: ...
    async def close(self) -> None: ...
    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None: ...
