"""Runs a program at a terminal to its end: its standard input and error are the terminal, and its output is read."""

import os
import subprocess
import threading


def run(command, environment, within):
    """Its exit code, its output, and what it wrote on the terminal. Only POSIX has such terminals."""
    import pty

    master, terminal = pty.openpty()
    written = []

    def read():
        # The program would wait if its output were not read. The end is an error, when the last process closes the
        # terminal.
        try:
            while piece := os.read(master, 1 << 16):
                written.append(piece)
        except OSError:
            pass

    reader = threading.Thread(target=read, daemon=True)
    try:
        with subprocess.Popen(
            command, env=environment, stdin=terminal, stdout=subprocess.PIPE, stderr=terminal
        ) as process:
            os.close(terminal)
            reader.start()
            try:
                output, _ = process.communicate(timeout=within)
            except BaseException:
                process.kill()
                raise
        reader.join(within)
    finally:
        os.close(master)
    return process.returncode, output.decode(), b"".join(written).decode(errors="replace")
