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
        fcntl.flock(lock, fcntl.LOCK_SH)
        # Of two that make it at once, one has made it.
        for part in (FOLDER.parent, FOLDER):
            with contextlib.suppress(OSError):
                part.mkdir()
                lock.write(f"{part}\n")
        lock.flush()
        try:
            yield os.access(FOLDER, os.W_OK)
        finally:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                lock.seek(0)
                # What still holds a key is somebody else's who did not ask here, and is left for the next.
                made = {FOLDER, FOLDER.parent} & {Path(part) for part in lock.read().splitlines()}
                for part in sorted(made, reverse=True):
                    with contextlib.suppress(OSError):
                        part.rmdir()
                lock.truncate(0)
                lock.write("".join(f"{part}\n" for part in sorted(made) if part.exists()))
