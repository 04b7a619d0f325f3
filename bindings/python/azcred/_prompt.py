"""What a person who signs in has to know."""

import sys


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


def show(kind, **values):
    """Shows a notice on standard error."""
    line = sentence(kind, **values)
    # A program without a console has no standard error.
    if line and sys.stderr is not None:
        print(line, file=sys.stderr, flush=True)
