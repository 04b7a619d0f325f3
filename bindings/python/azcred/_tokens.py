"""The shapes of a token: azure-core's if it is loaded, else the same."""

import sys


def classes():
    """The module that has `AccessToken` and `AccessTokenInfo`."""
    core = sys.modules.get("azure.core.credentials")
    # While another thread imports it, it lacks its classes. Releases before 1.31 have no `AccessTokenInfo`.
    if core is not None and hasattr(core, "AccessTokenInfo"):
        return core
    from azcred import _own_tokens

    return _own_tokens


def access_token(values):
    token, expires_on, _ = values
    return classes().AccessToken(token, expires_on)


def access_token_info(values):
    token, expires_on, refresh_on = values
    return classes().AccessTokenInfo(token, expires_on, refresh_on=refresh_on)
