"""An API that verifies access tokens (RFC 9068) with PyJWT, in Flask."""

import os

import jwt
import requests
from flask import Flask, g, jsonify, request

ISSUER, AUDIENCE = os.environ["ISSUER"], os.environ["AUDIENCE"]

metadata = requests.get(f"{ISSUER}/.well-known/openid-configuration", timeout=10).json()
keys = jwt.PyJWKClient(metadata["jwks_uri"], lifespan=900)  # the max-age of the key set

app = Flask(__name__)


def verify(token):
    """Returns the claims of an access token for this API."""
    # An ID token has the same issuer and keys: only `typ` distinguishes the two.
    if jwt.get_unverified_header(token).get("typ") != "at+jwt":
        raise jwt.InvalidTokenError("not an access token")
    claims = jwt.decode(
        token,
        keys.get_signing_key_from_jwt(token),
        algorithms=["ES256"],
        issuer=ISSUER,
        audience=AUDIENCE,
        options={"require": ["iss", "aud", "exp", "sub", "client_id"]},
    )
    # Refuses bound tokens (RFC 8705, RFC 9449), because this API does not check the binding.
    if "cnf" in claims:
        raise jwt.InvalidTokenError("a sender-constrained token")
    return claims


def refused(status, challenge):
    return jsonify(error=challenge), status, {"WWW-Authenticate": challenge}


def check(scope):
    """Returns an error response if the request is refused."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer":
        return refused(401, "Bearer")
    try:
        g.claims = verify(token)
    except jwt.PyJWKClientConnectionError:
        return jsonify(error="temporarily_unavailable"), 503
    except jwt.PyJWTError:
        return refused(401, 'Bearer error="invalid_token"')
    if scope not in g.claims.get("scope", "").split():
        return refused(403, f'Bearer error="insufficient_scope", scope="{scope}"')
    return None


@app.get("/invoices")
def invoices():
    return check("invoices.read") or jsonify(sub=g.claims["sub"])


if __name__ == "__main__":
    app.run(host="localhost", port=int(os.environ.get("PORT", "8090")))
