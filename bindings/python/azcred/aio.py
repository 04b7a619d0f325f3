"""The credential for asyncio: for clients of `azure.*.aio`.

One credential can serve several event loops. A task that is canceled ends its request, unless others wait for it.
"""

import asyncio

from azcred import _host, _native, _tokens
from azcred._credential import Credential as _Credential
from azcred._credential import token_of, token_options

__all__ = ["Credential"]


def _ring(loop, event):
    # Called from another thread. A loop that was closed waits for no token.
    if not loop.is_closed():
        try:
            loop.call_soon_threadsafe(event.set)
        except RuntimeError:
            pass


class Credential:
    """As `azcred.Credential`, with the same arguments, for asyncio."""

    _made_by = "azcred.aio.Credential"

    def __init__(self, **options):
        self._core = _Credential(**options)._core

    async def _token(self, scopes, claims, tenant_id, enable_cae):
        outcome = self._core.start(scopes, claims, tenant_id, enable_cae)
        if isinstance(outcome, _native.Call):
            loop = asyncio.get_running_loop()
            with outcome as call:
                while True:
                    event = asyncio.Event()
                    call.notify(lambda event=event: _ring(loop, event))
                    await event.wait()
                    outcome = call.poll(_host.show)
                    if outcome is not None:
                        break
        return token_of(outcome, self._made_by)

    async def get_token(self, *scopes, claims=None, tenant_id=None, enable_cae=False, **kwargs):
        """Returns a token for the scopes: a stored one if it is valid, else a new one."""
        return _tokens.access_token(await self._token(scopes, claims, tenant_id, enable_cae))

    async def get_token_info(self, *scopes, options=None):
        """As `get_token`. The result also says when the token should be refreshed."""
        return _tokens.access_token_info(await self._token(scopes, *token_options(options)))

    async def close(self):
        """Drops the tokens in memory, and ends requests that still run. The next request starts again."""
        self._core.close()

    async def __aenter__(self):
        return self

    async def __aexit__(self, exc_type=None, exc_value=None, traceback=None):
        await self.close()
