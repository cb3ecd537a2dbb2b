"""A browser of a hundred lines: cookies, redirects, links and forms; no script, as for our pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import requests


@dataclass
class Form:
    """One form of a page, with the values that a browser would send of itself."""

    attributes: dict[str, str]
    values: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)
    """(name, value, text)"""


class Page(HTMLParser):
    """A parsed answer: its text, its forms, the text of elements with an id."""

    def __init__(self, response: requests.Response) -> None:
        super().__init__()
        self.response = response
        self.url = response.url
        self.status = response.status_code
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []
        self._texts: list[str] = []
        self._ids: dict[str, list[str]] = {}
        self._open: list[tuple[str, str | None]] = []
        self._button: list[str] | None = None
        self.feed(response.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag not in {"input", "meta", "link", "br", "img"}:
            self._open.append((tag, given.get("id")))
            if given.get("id"):
                self._ids.setdefault(given["id"], [])
        if tag == "form":
            self.forms.append(Form(given))
        elif tag == "input" and self.forms:
            checkable = given.get("type") in {"checkbox", "radio"}
            if given.get("name") and (not checkable or "checked" in given):
                self.forms[-1].values.append((given["name"], given.get("value", "")))
        elif tag == "textarea" and self.forms:
            self.forms[-1].values.append((given["name"], ""))
        elif tag == "button" and self.forms:
            self._button = [given.get("name", ""), given.get("value", ""), ""]
        elif tag == "a":
            self.links.append((given.get("href", ""), ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "button" and self._button and self.forms:
            name, value, text = self._button
            self.forms[-1].buttons.append((name, value, " ".join(text.split())))
            self._button = None
        while self._open:
            opened, _ = self._open.pop()
            if opened == tag:
                break

    def handle_data(self, data: str) -> None:
        self._texts.append(data)
        if self._button:
            self._button[2] += f" {data}"
        for _, identifier in self._open:
            if identifier:
                self._ids[identifier].append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._texts).split())

    def by_id(self, identifier: str) -> str:
        """The text of the element with this id; empty if there is none."""
        return " ".join(" ".join(self._ids.get(identifier, [])).split())

    def form(self, identifier: str = "", action: str = "") -> Form:
        """The form with this id, or whose action contains this text."""
        for one in self.forms:
            if (identifier and one.attributes.get("id") == identifier) or (
                action and action in one.attributes.get("action", "")
            ):
                return one
        raise AssertionError(f"no form {identifier or action!r} on {self.url}: {self.text[:500]}")


class Browser:
    """One person's browser."""

    def __init__(self) -> None:
        self.session = requests.Session()
        self.session.headers["Accept-Language"] = "nl"
        self.page: Page | None = None

    def open(self, url: str) -> Page:
        self.page = Page(self.session.get(url, timeout=30))
        return self.page

    def submit(self, form: Form, press: str = "", on: Page | None = None, **typed: object) -> Page:
        """Send a form, having typed `typed` (a list types several) and pressed the button whose text contains `press`."""
        page = on or self.page
        assert page is not None
        values = [(name, value) for name, value in form.values if name not in typed]
        for name, value in typed.items():
            values.extend((name, one) for one in (value if isinstance(value, list) else [value]))
        if press:
            found = [button for button in form.buttons if press in button[2]]
            assert found, f"no button {press!r} among {form.buttons}"
            if found[0][0]:
                values.append((found[0][0], found[0][1]))
        url = urljoin(page.url, form.attributes.get("action") or page.url)
        method = form.attributes.get("method", "get").lower()
        sent = {"params": values} if method == "get" else {"data": values}
        self.page = Page(self.session.request(method, url, timeout=30, **sent))
        return self.page

    def sign_in(self, persona: str) -> Page:
        """On the simulated ACM's page: be this person."""
        assert self.page is not None
        return self.submit(self.page.form("aanmelden"), persona=persona)
