"""A program that waits for a person: it is started, its output is read while it runs, and it is read to its end.

$BROWSER is a script that passes the URL on. The test decides which browser opens it, if any.
"""

import os
import queue
import re
import shlex
import signal
import stat
import subprocess
import threading
from pathlib import Path

# Python programs that use Azure's libraries take seconds to start on a busy machine.
WITHIN = 90


class Interactive:
    """A started program. Use it with `with`: at the end, the program and its children are ended.

    On a terminal, standard input and error are a pty, and with `screen` also the output.
    """

    def __init__(self, command, environment, folder, input=None, terminal=False, screen=False):
        self.command, self.input = [str(word) for word in command], input
        self.terminal, self.screen = terminal, screen
        folder = Path(folder)
        self.addresses = folder / "addresses"
        os.mkfifo(self.addresses, 0o600)
        browser = folder / "browser"
        # It ends at once, like programs that open a tab in a running browser.
        browser.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$1\" >{shlex.quote(str(self.addresses))}\n")
        browser.chmod(stat.S_IRWXU)
        self.environment = environment | {"BROWSER": str(browser)}
        self.happened = queue.Queue()
        self.changed = threading.Condition()
        self.stdout, self.stderr = "", ""

    def __enter__(self):
        # Opened for reading and writing, so that neither side waits for the other, and the reader sees no end.
        self.fifo = os.open(self.addresses, os.O_RDWR)
        self.master = None
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        if self.terminal:
            import fcntl
            import pty
            import struct
            import termios

            self.master, slave = pty.openpty()
            fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
            streams |= {"stdin": slave, "stderr": slave} | ({"stdout": slave} if self.screen else {})
        self.process = subprocess.Popen(self.command, env=self.environment, start_new_session=True, **streams)
        readers = {"_addresses": self.fifo}
        if self.terminal:
            os.close(slave)
            readers["stderr"] = self.master
        else:
            readers["stderr"] = self.process.stderr.fileno()
            self.process.stdin.write((self.input or "").encode())
            self.process.stdin.close()
        if self.process.stdout:
            readers["stdout"] = self.process.stdout.fileno()
        self.open = set(readers) - {"_addresses"}
        self.threads = [
            threading.Thread(target=self._read, args=reader, daemon=True) for reader in readers.items()
        ]
        for thread in self.threads:
            thread.start()
        return self

    def _read(self, name, descriptor):
        # A piece of output may end inside a character, which the next piece completes.
        rest = b""
        while True:
            try:
                piece = os.read(descriptor, 1 << 16)
            except OSError:
                # The other end of the terminal has been closed.
                piece = b""
            if name == "_addresses":
                *lines, rest = (rest + piece).split(b"\n")
                if b"" in lines:
                    return
                for line in lines:
                    self.happened.put(line.decode())
                continue
            rest += piece
            with self.changed:
                setattr(self, name, rest.decode(errors="replace"))
                if not piece:
                    self.open.discard(name)
                    if not self.open:
                        self.happened.put(None)
                self.changed.notify_all()
            if not piece:
                return

    def address(self):
        """The URL for which it opens a browser."""
        got = self.happened.get(timeout=WITHIN)
        assert got is not None, f"it ended without opening a browser:\n{self.both()}"
        return got

    def says(self, pattern, stream="stderr"):
        """Waits until its output matches a pattern. Returns the match."""
        with self.changed:
            found = self.changed.wait_for(
                lambda: re.search(pattern, getattr(self, stream)) or not self.open, timeout=WITHIN
            )
            match = re.search(pattern, getattr(self, stream))
        assert match, f"it {'ended without' if found else 'never'} saying {pattern!r}:\n{self.both()}"
        return match

    def types(self, text):
        """Types text at its terminal."""
        os.write(self.master, text.encode())

    def interrupt(self):
        """Ctrl-C."""
        os.killpg(self.process.pid, signal.SIGINT)

    def both(self):
        return f"--- standard output:\n{self.stdout}\n--- standard error:\n{self.stderr}"

    def ends(self):
        """Waits for its end. Returns its exit code."""
        code = self.process.wait(timeout=WITHIN)
        for thread in self.threads[1:]:
            thread.join(timeout=WITHIN)
        return code

    def __exit__(self, *_):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait(timeout=WITHIN)
        os.write(self.fifo, b"\n\n")
        for thread in self.threads:
            thread.join(timeout=WITHIN)
        for stream in (self.process.stdout, self.process.stderr):
            if stream:
                stream.close()
        os.close(self.fifo)
        if self.master is not None:
            os.close(self.master)
