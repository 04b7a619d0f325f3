"""The folder of Azure Arc's agent: clients take a key from nowhere else, so whoever plays the agent needs it.

It is made where it is missing and can be, and removed by the last of the processes that use it.
"""

import contextlib
import os
import tempfile
from pathlib import Path

FOLDER = Path("/var/opt/azcmagent/tokens")


@contextlib.contextmanager
def agents_folder():
    """Whether it is there, for as long as it is used."""
    if os.name != "posix":
        yield False
        return
    import fcntl

    with open(Path(tempfile.gettempdir()) / "azcred-interop-arc.lock", "a+", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        missing = [part for part in (FOLDER, FOLDER.parent) if not part.exists()]
        with contextlib.suppress(OSError):
            FOLDER.mkdir(parents=True, exist_ok=True)
        if missing:
            lock.write("".join(f"{part}\n" for part in missing))
            lock.flush()
        fcntl.flock(lock, fcntl.LOCK_SH)
        try:
            yield os.access(FOLDER, os.W_OK)
        finally:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                lock.seek(0)
                for part in lock.read().splitlines():
                    with contextlib.suppress(OSError):
                        Path(part).rmdir()
                lock.truncate(0)
