"""A browser of the smallest kind: it keeps cookies, follows redirects and fills forms in."""

from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import requests

HOPS = 20


class Browser:
    """Plays the part of a person who signs in, agrees to everything, and confirms what is asked."""

    def __init__(self, username, password):
        self._person = {"username": username, "password": password}
        self._cookies = {}
        self.filled = []

    def visit(self, url, destination):
        """Opens `url` and does what the pages ask, until it is sent to `destination`; returns that URL."""
        method, body = "GET", None
        for _ in range(HOPS):
            response = self._send(method, url, body)
            location = response.headers.get("Location")
            if location:
                method, url, body = "GET", urljoin(url, location), None
                if url.split("?")[0].split("#")[0] == destination:
                    return url
            else:
                if response.status_code != 200:
                    raise AssertionError(f"{url} answered {response.status_code}: {response.text[:500]}")
                method, url, body = self._fill(Forms(response.text, url).found)
        raise AssertionError(f"still not at {destination} after {HOPS} requests")

    def _send(self, method, url, body):
        # A jar of our own: the library's sends no `Secure` cookie to http://localhost, a browser does.
        jar = self._cookies.setdefault(urlsplit(url).hostname, {})
        headers = {"Accept": "text/html", "Cookie": "; ".join(f"{k}={v}" for k, v in jar.items())}
        if method == "POST":
            headers["Origin"] = "{0.scheme}://{0.netloc}".format(urlsplit(url))
        response = requests.request(
            method, url, data=body, headers=headers, allow_redirects=False, timeout=30
        )
        for line in response.raw.headers.getlist("Set-Cookie"):
            pair, *attributes = line.split(";")
            name, value = pair.strip().split("=", 1)
            if any(a.strip().lower() == "max-age=0" for a in attributes):
                jar.pop(name, None)
            else:
                jar[name] = value
        return response

    def _fill(self, forms):
        for name, kind, answers in (
            ("password", "sign-in", self._person),
            ("decision", "consent", {"decision": "allow"}),
        ):
            for form in forms:
                if any(field.get("name") == name for field in form["fields"]):
                    self.filled.append(kind)
                    return submit(form, answers)
        for form in forms:
            if form["method"] == "POST":
                self.filled.append("confirmation")
                return submit(form, {})
        raise AssertionError("a page without a form, and no way on")


def submit(form, answers):
    """What a click on a form's button sends: the answers, the hidden inputs, what is ticked, the button."""
    body, pressed = [], False
    for field in form["fields"]:
        name, kind = field.get("name"), field["type"]
        value = field.get("value") or ""
        if kind == "submit":
            wanted = not pressed and answers.get(name, value) == value
            pressed = pressed or wanted
            if wanted and name:
                body.append((name, value))
        elif not name or "disabled" in field or kind in ("button", "reset"):
            continue
        elif name in answers:
            body.append((name, answers[name]))
        elif kind not in ("checkbox", "radio") or "checked" in field:
            body.append((name, value))
    return form["method"], form["action"], body


class Forms(HTMLParser):
    """Collects the forms of a page."""

    def __init__(self, html, url):
        super().__init__()
        self._url = url
        self._open = None
        self.found = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "form":
            self._open = {
                "method": attributes.get("method", "get").upper(),
                "action": urljoin(self._url, attributes.get("action", "")),
                "fields": [],
            }
            self.found.append(self._open)
        elif tag in ("input", "button") and self._open:
            attributes.setdefault("type", "submit" if tag == "button" else "text")
            self._open["fields"].append(attributes)

    def handle_endtag(self, tag):
        if tag == "form":
            self._open = None
