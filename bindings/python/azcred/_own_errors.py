"""The error for programs without azure-core, with its name and its attribute `message`."""


class ClientAuthenticationError(Exception):
    """There is no token. `why` says why, `fix` what fixes it."""

    def __init__(self, message=None, **_):
        super().__init__(message)
        self.message = message


ClientAuthenticationError.__module__ = "azcred"
