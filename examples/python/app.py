"""A web application that signs users in, with Authlib in Flask."""

import json
import os

from authlib.integrations.flask_client import OAuth, OAuthError
from flask import Flask, redirect, render_template_string, session, url_for

ISSUER = os.environ["ISSUER"]
if ISSUER.startswith("http://localhost"):
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # plain HTTP is only for loopback

app = Flask(__name__)
app.config.update(
    SECRET_KEY=os.urandom(32),  # a real application stores it, or sessions end with the process
    SESSION_COOKIE_NAME="example",
    SESSION_COOKIE_SAMESITE="Lax",
)

# Everything else comes from the issuer's discovery document.
gatewright = OAuth(app).register(
    "gatewright",
    client_id=os.environ["CLIENT_ID"],
    client_secret=os.environ["CLIENT_SECRET"],
    server_metadata_url=f"{ISSUER}/.well-known/openid-configuration",
    client_kwargs={"scope": "openid profile email", "code_challenge_method": "S256"},
)

PAGE = """
{% if claims %}
<p>Hello, {{ claims.name or claims.sub }}.</p>
<pre>{{ text }}</pre>
<a href="{{ url_for('logout') }}">Sign out</a>
{% else %}
<a href="{{ url_for('login') }}">Sign in</a>
{% endif %}
"""


@app.get("/")
def home():
    claims = session.get("claims")
    return render_template_string(PAGE, claims=claims, text=json.dumps(claims, indent=2))


@app.get("/login")
def login():
    """Generates `state`, `nonce` and the PKCE verifier, and stores them in the session."""
    return gatewright.authorize_redirect(url_for("callback", _external=True))


@app.get("/callback")
def callback():
    """Checks `state`, redeems the code, verifies the ID token."""
    tokens = gatewright.authorize_access_token()
    claims = gatewright.userinfo(token=tokens)
    # OIDC Core §5.3.2: otherwise the response may be about another user.
    if claims["sub"] != tokens["userinfo"]["sub"]:
        return "The sign-in failed.", 400
    session.clear()
    session.update(claims=claims, id_token=tokens["id_token"])
    return redirect(url_for("home"))


@app.get("/logout")
def logout():
    id_token = session.get("id_token")
    session.clear()
    return gatewright.logout_redirect(url_for("home", _external=True), id_token_hint=id_token)


@app.errorhandler(OAuthError)
def refused(error):
    """`error.error` is the OAuth error code, such as `access_denied`."""
    return render_template_string("The sign-in failed: {{ error }}.", error=error.error), 400


if __name__ == "__main__":
    app.run(host="localhost", port=8090)
