"""A browser without scripts or styles: forms, labels and cookies over plain HTTP. It starts at once.

It has the same methods as the real browser (`go`, `sees`, `fill`, `click`, `address`, `text`), so that the same steps
work in both. Pages must work here too, as they need no scripts.
"""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import requests

WITHIN = 30
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
# What no person sees. Without scripts, `noscript` is shown.
UNSEEN = {"head", "script", "style", "template", "title"}
# Between all other elements there is at least a space.
INLINE = {
    "a",
    "abbr",
    "b",
    "bdi",
    "code",
    "em",
    "i",
    "kbd",
    "mark",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "wbr",
}


class BrowserError(Exception):
    """A page that doesn't show the expected text or control, or an unreachable server."""


@dataclass
class Control:
    """A field or a button, with all words that name it."""

    kind: str
    attributes: dict
    form: "Form"
    words: list = field(default_factory=list)

    @property
    def value(self):
        return self.attributes.get("value") or ("on" if self.kind in ("checkbox", "radio") else "")


@dataclass
class Form:
    """A form, and its controls in order."""

    attributes: dict
    controls: list = field(default_factory=list)


class Page(HTMLParser):
    """What a page shows a person: words, forms and links."""

    def __init__(self, html):
        super().__init__()
        self.said, self.forms, self.links, self.labels = [], [], [], []
        self._open, self._by_id = [], {}
        self._outside = Form({})
        self.feed(html)
        self.close()
        forms = {form.attributes["id"]: form for form in self.forms if form.attributes.get("id")}
        for control in self.controls():
            # A control outside its form names the form.
            if form := forms.get(control.attributes.get("form", "")):
                control.form.controls.remove(control)
                form.controls.append(control)
                control.form = form
        for words, names in self.labels:
            for control in names if isinstance(names, list) else [self._by_id.get(names)]:
                if control:
                    control.words.append("".join(words))

    @property
    def text(self):
        return one_line(self.said)

    def controls(self, *kinds):
        """The controls of these kinds, or all, in a new list."""
        forms = [*self.forms, self._outside]
        return [control for form in forms for control in form.controls if control.kind in kinds or not kinds]

    def handle_starttag(self, tag, attributes):
        attributes = {name: value or "" for name, value in attributes}
        if tag not in INLINE:
            self.said.append(" ")
        collected = None
        if tag == "form":
            self.forms.append(Form(attributes))
            collected = self.forms[-1]
        elif tag in ("input", "button", "textarea", "select"):
            collected = self._control(tag, attributes)
        elif tag == "a" and "href" in attributes:
            collected = ([], attributes["href"])
            self.links.append(collected)
        elif tag == "label":
            # A label names its control or contains it.
            collected = ([], attributes.get("for") or [])
            self.labels.append(collected)
        if tag not in VOID:
            self._open.append((tag, collected))

    def _control(self, tag, attributes):
        default = {"button": "submit", "input": "text"}.get(tag, tag)
        form = next((made for _, made in reversed(self._open) if isinstance(made, Form)), self._outside)
        control = Control(attributes.get("type", default).lower(), attributes, form)
        named = ("aria-label", "placeholder", "title", *(["value"] if tag == "input" else []))
        control.words += [attributes[name] for name in named if name in attributes]
        if tag == "button":
            control.words.append("")
        form.controls.append(control)
        if "id" in attributes:
            self._by_id[attributes["id"]] = control
        for _, made in self._open:
            if isinstance(made, tuple) and isinstance(made[1], list):
                made[1].append(control)
        return control

    def handle_endtag(self, tag):
        if tag not in INLINE:
            self.said.append(" ")
        while any(name == tag for name, _ in self._open):
            name, _ = self._open.pop()
            if name == tag:
                break

    def handle_data(self, data):
        if any(tag in UNSEEN for tag, _ in self._open):
            return
        self.said.append(data)
        for tag, made in self._open:
            if isinstance(made, tuple):
                made[0].append(data)
            elif tag == "button":
                made.words[-1] += data


def one_line(words):
    return " ".join("".join(words).split())


class FormTab:
    """A tab that knows forms. Use it with `with`."""

    has_scripts = False

    def __init__(self, trusted=None, proxy=None):
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = str(trusted) if trusted else True
        # Browsers never use a proxy for this machine.
        self.session.proxies = {"https": proxy, "https://localhost": ""} if proxy else {}
        self.filled = {}
        self.history = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.session.close()

    def go(self, address):
        self._show("GET", address)

    def _show(self, method, address, **content):
        try:
            self.answer = self.session.request(method, address, timeout=WITHIN, **content)
        except requests.RequestException as error:
            raise BrowserError(f"{address}: {error}") from error
        self.page, self.filled = Page(self.answer.text), {}
        self.history.append((method, self.answer.url))

    def back(self):
        """Loads the page before again: all pages here say no-store."""
        self.history.pop()
        _, address = self.history.pop()
        self._show("GET", address)

    def close(self):
        self.session.cookies.clear()

    @property
    def address(self):
        return self.answer.url

    @property
    def text(self):
        return self.page.text

    def sees(self, words, within=None):
        if words not in self.text:
            raise self._missing(f"text {words!r}")

    def _missing(self, what):
        return BrowserError(f"no {what} at {self.address}, which shows:\n{self.text}")

    def fill(self, name, content):
        fields = [c for c in self.page.controls() if c.kind not in ("hidden", "submit")]
        self.filled[id(self._named(name, "field", [(c.words, c) for c in fields]))] = content

    def click(self, name):
        buttons = [(control.words, control) for control in self.page.controls("submit")]
        links = [(["".join(words)], address) for words, address in self.page.links]
        found = self._named(name, "button", buttons + links)
        if isinstance(found, Control):
            self._submit(found.form, found)
        else:
            self.go(urljoin(self.address, found))

    def _named(self, name, kind, candidates):
        """The control with this name, else one whose name contains it."""
        for is_it in (name.__eq__, lambda words: name in words):
            for words, found in candidates:
                if any(is_it(one_line([one])) for one in words):
                    return found
        raise self._missing(f"{kind} {name!r}")

    def enter(self):
        """Submits the form with the last typed field, by its first button."""
        (form,) = {id(c.form): c.form for c in self.page.controls() if id(c) in self.filled}.values()
        self._submit(form, next((c for c in form.controls if c.kind == "submit"), None))

    def _submit(self, form, button):
        fields = []
        for control in form.controls:
            name = control.attributes.get("name")
            chosen = control is button or control.kind not in ("submit", "button", "checkbox", "radio")
            if name and (chosen or "checked" in control.attributes):
                fields.append((name, self.filled.get(id(control), control.value)))
        action = form.attributes.get("action", "")
        if button and button.attributes.get("formaction"):
            action = button.attributes["formaction"]
        address = urljoin(self.address, action) if action else self.address
        if form.attributes.get("method", "get").lower() == "post":
            self._show("POST", address, data=fields)
        else:
            self._show("GET", address, params=fields)
