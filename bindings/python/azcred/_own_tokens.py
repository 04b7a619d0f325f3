"""Tokens for programs that have not loaded azure-core, in the shapes that it has."""

from collections import namedtuple

_Fields = namedtuple("_Fields", ("token", "expires_on"))


class AccessToken(_Fields):
    """A token, and when it expires, in seconds since 1970."""

    __slots__ = ()

    # A token is a secret: the text of the object does not show it.
    def __repr__(self):
        return f"AccessToken(token='****', expires_on={self.expires_on})"


class AccessTokenInfo:
    """A token, when it expires and when it should be refreshed, in seconds since 1970."""

    def __init__(self, token, expires_on, *, token_type="Bearer", refresh_on=None):
        self.token = token
        self.expires_on = expires_on
        self.token_type = token_type
        self.refresh_on = refresh_on

    def __repr__(self):
        return f"AccessTokenInfo(token='****', expires_on={self.expires_on}, refresh_on={self.refresh_on})"
