"""Where this process talks to a person: standard error, or a notebook once its extension is loaded."""

import sys


class Console:
    """Standard error. Whether a person is there is decided by the terminal."""

    attended = False

    def show(self, kind, **values):
        line = sentence(kind, **values)
        # A program without a console has no standard error.
        if line and sys.stderr is not None:
            print(line, file=sys.stderr, flush=True)


current = Console()


def show(kind, **values):
    """Shows a notice to the person who signs in."""
    current.show(kind, **values)


def sentence(kind, *, url="", why="", code="", what="", until=None):
    """A notice as one line; nothing if there is nothing to say."""
    if kind == "browser":
        return f"Sign in in the browser that has opened. Its address: {url}"
    if kind == "no_browser":
        return f"No browser can be opened here: {why}."
    if kind == "device_code":
        return f"To sign in, open {url} in any browser and enter the code {code}"
    if kind == "strange":
        return f"Rejected while waiting for the browser: {what}."
    if kind == "another_process":
        return "Another process is signing in; waiting for it."
    return ""
