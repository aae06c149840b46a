"""A web application that signs users in and keeps them signed in, with requests-oauthlib in Flask.

requests-oauthlib supports OAuth 2.0 and ignores ID tokens: userinfo identifies the user.
"""

import base64
import hashlib
import os
import secrets

ISSUER = os.environ["ISSUER"]
if ISSUER.startswith("http://localhost"):
    os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"  # plain HTTP is only for loopback

import requests
from flask import Flask, jsonify, redirect, request, session
from oauthlib.oauth2 import OAuth2Error
from requests_oauthlib import OAuth2Session

PORT = int(os.environ.get("PORT", "8090"))
CLIENT_ID = os.environ["CLIENT_ID"]
CLIENT = (CLIENT_ID, os.environ["CLIENT_SECRET"])  # client_secret_basic

metadata = requests.get(f"{ISSUER}/.well-known/openid-configuration", timeout=10).json()
tokens = {}  # by `sub`; a real application has a database

app = Flask(__name__)
app.config.update(
    SECRET_KEY=os.urandom(32),  # a real application stores it, or sessions end with the process
    SESSION_COOKIE_NAME="recipe",
    SESSION_COOKIE_SAMESITE="Lax",
)


def client(**more):
    return OAuth2Session(
        CLIENT_ID,
        redirect_uri=f"http://localhost:{PORT}/callback",
        scope=["openid", "profile", "email"],
        **more,
    )


def refresh(old):
    """Redeems the refresh token for the next one.

    The secret goes into the header, by `auth`. Keyword arguments, and `auto_refresh_kwargs`, go into the body: a client that
    sends its secret in both is refused.
    """
    return client(token=old).refresh_token(metadata["token_endpoint"], auth=CLIENT)


@app.get("/")
def home():
    sub = session.get("sub")
    if sub not in tokens:
        return redirect("/login")
    try:
        tokens[sub] = refresh(tokens[sub])  # each time, for demonstration; otherwise shortly before `expires_at`
    except OAuth2Error:
        tokens.pop(sub)
        return redirect("/login")
    return jsonify(client(token=tokens[sub]).get(metadata["userinfo_endpoint"]).json())


@app.get("/login")
def login():
    verifier = secrets.token_urlsafe(32)
    digest = hashlib.sha256(verifier.encode()).digest()
    url, state = client().authorization_url(
        metadata["authorization_endpoint"],
        code_challenge=base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        code_challenge_method="S256",
    )
    session.update(state=state, verifier=verifier)
    return redirect(url)


@app.get("/callback")
def callback():
    state, verifier = session.pop("state", None), session.pop("verifier", None)
    if state is None or request.args.get("iss") != ISSUER:  # RFC 9207
        return "The sign-in failed.", 400
    oauth = client(state=state)
    try:
        new = oauth.fetch_token(
            metadata["token_endpoint"],
            authorization_response=request.url,  # compares `state`
            code_verifier=verifier,
            auth=CLIENT,
        )
    except OAuth2Error as error:
        return f"The sign-in failed: {error.error}", 400
    sub = oauth.get(metadata["userinfo_endpoint"]).json()["sub"]
    tokens[sub] = new
    session.clear()
    session["sub"] = sub
    return redirect("/")


if __name__ == "__main__":
    app.run(host="localhost", port=PORT)
