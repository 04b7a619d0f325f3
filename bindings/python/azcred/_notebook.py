"""A person signs in from the cell of a notebook that waits for a token: its output has the link."""

import html

from azcred import _host


class Notebook:
    """The output of the cell that waits for a token."""

    def __init__(self, kernel):
        self.kernel = kernel
        self.shown = None

    @property
    def attended(self):
        # A notebook that a program runs (nbconvert, papermill) can't ask: its front end says so with every cell.
        return bool(getattr(self.kernel, "_allow_stdin", False))

    def show(self, kind, **values):
        from IPython.display import HTML, display

        if kind == "over":
            if self.shown is not None:
                self.shown.update(HTML("Signed in, or no longer waiting."))
                self.shown = None
            return
        text = link(kind, **values)
        if self.shown is None:
            self.shown = display(HTML(text), display_id=True)
        else:
            self.shown.update(HTML(text))


def link(kind, *, url="", code="", **values):
    """A notice as HTML. All values are others' text."""
    safe = html.escape(url, quote=True)
    # Only the web: an address of another kind could run something.
    web = url.startswith(("https://", "http://"))
    anchor = f'<a href="{safe}" target="_blank" rel="noopener noreferrer">{{}}</a>' if web else safe
    if kind == "browser":
        return (
            f"Sign in in the browser that has opened, or {anchor.format('open the page')} on this computer."
        )
    if kind == "device_code":
        return f"To sign in, open {anchor.format(safe)} and enter the code <b>{html.escape(code)}</b>."
    return html.escape(_host.sentence(kind, url=url, code=code, **values))
