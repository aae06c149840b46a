"""Authlib against Gatewright, as most Python web applications use it: in Flask.

The Flask application runs inside this process; the browser is `browser.py`. Services and APIs use
Authlib's own sessions, over requests and over httpx2.

It takes INTEROP_ISSUER, _USERNAME, _PASSWORD, _EMAIL, _CLIENT_ID, _CLIENT_SECRET,
_REDIRECT_URI, _POST_LOGOUT_REDIRECT_URI, _SERVICE_ID and _SERVICE_SECRET, which ../README.md explains.
The web client authenticates by `client_secret_basic`, the service by `client_secret_post`.
"""

import os
from contextlib import contextmanager
from urllib.parse import urlsplit

# The library refuses plain HTTP by default; over loopback it cannot be intercepted.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

import requests
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.flask_client import OAuth
from authlib.integrations.httpx_client import OAuth2Client
from authlib.integrations.requests_client import OAuth2Session
from flask import Flask, jsonify, request

from browser import Browser


def need(name):
    value = os.environ.get("INTEROP_" + name)
    if not value:
        raise SystemExit(f"INTEROP_{name} is not set; see tests/interop/README.md")
    return value


ISSUER = need("ISSUER")
REDIRECT_URI = need("REDIRECT_URI")
SIGNED_OUT_URI = need("POST_LOGOUT_REDIRECT_URI")
CLIENT = {"client_id": need("CLIENT_ID"), "client_secret": need("CLIENT_SECRET")}
SERVICE = {"client_id": need("SERVICE_ID"), "client_secret": need("SERVICE_SECRET")}

browser = Browser(need("USERNAME"), need("PASSWORD"))

# -- the application ------------------------------------------------------------------------------

app = Flask(__name__)
app.secret_key = os.urandom(32)
gatewright = OAuth(app).register(
    "gatewright",
    server_metadata_url=ISSUER.rstrip("/") + "/.well-known/openid-configuration",
    client_kwargs={"scope": "openid profile email", "code_challenge_method": "S256"},
    **CLIENT,
)


@app.get("/login")
def login():
    return gatewright.authorize_redirect(REDIRECT_URI, **request.args)


@app.get(urlsplit(REDIRECT_URI).path)
def callback():
    """Checks `state`, redeems the code with PKCE, verifies the ID token and its `nonce`."""
    try:
        return jsonify(gatewright.authorize_access_token())
    except OAuthError as refusal:
        return jsonify(error=refusal.error), 400


@app.get("/logout")
def logout():
    return gatewright.logout_redirect(post_logout_redirect_uri=SIGNED_OUT_URI, **request.args)


@app.get(urlsplit(SIGNED_OUT_URI).path)
def signed_out():
    """Checks `state`."""
    return jsonify(gatewright.validate_logout_response())


web = app.test_client()


def sign_in(**parameters):
    """Runs the authorization code flow, up to the tokens or the error."""
    url = web.get("/login", query_string=parameters).location
    return returned(browser.visit(url, REDIRECT_URI))


def returned(url):
    """The response of the application to the redirect back."""
    parts = urlsplit(url)
    return web.get(f"{parts.path}?{parts.query}").json


# -- the use of the tokens ------------------------------------------------------------------------

metadata = gatewright.load_server_metadata()
session = OAuth2Session(**CLIENT, scope="openid profile email")


def userinfo(access_token):
    authorization = {"Authorization": f"Bearer {access_token}"}
    return requests.get(metadata["userinfo_endpoint"], headers=authorization, timeout=30)


def refresh(token):
    return session.refresh_token(metadata["token_endpoint"], refresh_token=token)


def refused_refresh(token):
    try:
        refresh(token)
    except OAuthError as refusal:
        return refusal.error
    return None


def introspect(token, by=session):
    return by.introspect_token(metadata["introspection_endpoint"], token=token).json()


def revoke(token, hint):
    endpoint = metadata["revocation_endpoint"]
    assert session.revoke_token(endpoint, token=token, token_type_hint=hint).status_code == 200


@contextmanager
def step(what):
    """Reports one step; an exception ends the program."""
    try:
        yield
    except BaseException:
        print("WRONG", what, flush=True)
        raise
    print("ok   ", what, flush=True)


# -- the steps ------------------------------------------------------------------------------------

with step("discovery"):
    assert metadata["issuer"] == ISSUER.rstrip("/")
    assert "S256" in metadata["code_challenge_methods_supported"]

with step("sign-in, consent, code, tokens"):
    first = sign_in()
    assert browser.filled[0] == "sign-in"
    assert first["token_type"] == "Bearer"
    assert first["refresh_token"]
    subject = first["userinfo"]["sub"]  # the verified claims of the ID token

with step("prompt=none returns a code without a page"):
    pages = len(browser.filled)
    second = sign_in(prompt="none")
    assert len(browser.filled) == pages
    assert second["userinfo"]["sub"] == subject

with step("userinfo"):
    claims = gatewright.userinfo(token=first)
    assert claims["sub"] == subject
    assert claims["email"] == need("EMAIL")

with step("refresh returns a new refresh token each time"):
    following = refresh(first["refresh_token"])
    live = refresh(following["refresh_token"])
    assert len({tokens["refresh_token"] for tokens in (first, following, live)}) == 3
    assert userinfo(live["access_token"]).json()["sub"] == subject

with step("a refresh token from before its successor was used ends its grant"):
    following = refresh(second["refresh_token"])
    last = refresh(following["refresh_token"])
    assert refused_refresh(second["refresh_token"]) == "invalid_grant"
    assert refused_refresh(last["refresh_token"]) == "invalid_grant"
    assert introspect(last["access_token"])["active"] is False

with step("introspection"):
    introspected = introspect(live["access_token"])
    assert introspected["active"] is True
    assert introspected["sub"] == subject
    assert introspected["client_id"] == CLIENT["client_id"]
    assert "email" in introspected["scope"].split()

with step("revocation of the access token"):
    revoke(live["access_token"], "access_token")
    assert introspect(live["access_token"]) == {"active": False}
    response = userinfo(live["access_token"])
    assert response.status_code == 401
    assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]

with step("revocation of the refresh token"):
    revoke(live["refresh_token"], "refresh_token")
    assert refused_refresh(live["refresh_token"]) == "invalid_grant"

with step("client credentials, by requests and by httpx2"):
    for library in (OAuth2Session, OAuth2Client):
        service = library(**SERVICE, token_endpoint_auth_method="client_secret_post")
        tokens = service.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
        assert "refresh_token" not in tokens
        introspected = introspect(tokens["access_token"], by=service)
        assert introspected["active"] is True
        assert introspected["client_id"] == SERVICE["client_id"]

with step("logout"):
    url = web.get("/logout", query_string={"id_token_hint": first["id_token"]}).location
    assert returned(browser.visit(url, SIGNED_OUT_URI))
    assert sign_in(prompt="none") == {"error": "login_required"}
