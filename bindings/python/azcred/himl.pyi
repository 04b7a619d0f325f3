from collections.abc import Iterable
from typing import Literal

from azcred import Credential

__all__ = ["get_credential"]

def get_credential(
    *,
    preset: Literal["azcred", "azure", "kedro", "hi-ml"] = "hi-ml",
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
) -> Credential: ...
