"""A minimal browser: it stores cookies, follows redirects and fills in forms."""

from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import requests

HOPS = 20

# The buttons that the user presses, by value, with the kind of page that each belongs to.
AGREEMENTS = {"sign-in": "sign-in", "allow": "consent", "yes": "confirmation"}


class Browser:
    """Acts as a user who signs in, consents to everything and confirms every question."""

    def __init__(self, username, password):
        self._user = {"identifier": username, "password": password}
        self._cookies = {}
        self.filled = []

    def visit(self, url, destination):
        """Opens `url` and submits the forms until it is redirected to `destination`; returns that URL."""
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
        # The cookie jar of requests sends no `Secure` cookie to http://localhost; a browser does.
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
        for agreement, kind in AGREEMENTS.items():
            for form in forms:
                for button in form["fields"]:
                    if button["type"] == "submit" and button.get("value") == agreement:
                        self.filled.append(kind)
                        return submit(form, button, self._user)
        raise AssertionError("no known button on the page")


def submit(form, button, values):
    """The request of a click on a button: the user's input, the hidden inputs and the checked boxes."""
    body = []
    for field in form["fields"]:
        name, kind = field.get("name"), field["type"]
        if not name or "disabled" in field or kind in ("button", "reset"):
            continue
        if kind == "submit":
            sent = field is button
        else:
            sent = kind not in ("checkbox", "radio") or "checked" in field
        if sent:
            body.append((name, values.get(name, field.get("value") or "")))
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
        elif tag in ("input", "button") and self._open and "form" not in attributes:
            attributes.setdefault("type", "submit" if tag == "button" else "text")
            self._open["fields"].append(attributes)

    def handle_endtag(self, tag):
        if tag == "form":
            self._open = None
