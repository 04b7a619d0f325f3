"""The folder of Azure Arc's agent. Clients read a key from nowhere else, so a simulated agent needs it.

It is created if it is missing and can be created. The last process that uses it removes it.
"""

import contextlib
import os
import tempfile
from pathlib import Path

FOLDER = Path("/var/opt/azcmagent/tokens")


@contextlib.contextmanager
def agents_folder():
    """Yields whether the folder exists, for as long as it is used."""
    if os.name != "posix":
        yield False
        return
    import fcntl

    with open(Path(tempfile.gettempdir()) / "azcred-interop-arc.lock", "a+", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        # Another process may have created it meanwhile.
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
                # If a folder still has a key, another program uses it: the folder is left for the next process.
                made = {FOLDER, FOLDER.parent} & {Path(part) for part in lock.read().splitlines()}
                for part in sorted(made, reverse=True):
                    with contextlib.suppress(OSError):
                        part.rmdir()
                lock.truncate(0)
                lock.write("".join(f"{part}\n" for part in sorted(made) if part.exists()))
