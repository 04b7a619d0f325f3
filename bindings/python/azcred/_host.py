"""Where this process talks to a person: a notebook's cell if it is a notebook's kernel, else standard error."""

import sys


class Console:
    """Standard error."""

    # The terminal decides whether a person is there.
    attended = None

    def show(self, kind, **values):
        line = sentence(kind, **values)
        # A program without a console has no standard error.
        if line and sys.stderr is not None:
            print(line, file=sys.stderr, flush=True)


_console = Console()
_notebook = None


def host():
    """The place of this process."""
    global _notebook
    kernel = _kernel()
    if kernel is None:
        return _console
    if _notebook is None:
        from azcred import _notebook as module

        _notebook = module.Notebook(kernel)
    return _notebook


def _kernel():
    """IPython's kernel, if this process is one. IPython is not imported for it."""
    # While another thread imports it, it lacks its functions.
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return getattr(get_ipython(), "kernel", None) if get_ipython else None


def show(kind, **values):
    """Shows a notice to the person who signs in."""
    host().show(kind, **values)


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
