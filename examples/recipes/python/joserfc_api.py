"""An API that verifies access tokens (RFC 9068) with joserfc, in Flask."""

import os
import time

import requests
from flask import Flask, g, jsonify, request
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

ISSUER, AUDIENCE = os.environ["ISSUER"], os.environ["AUDIENCE"]

metadata = requests.get(f"{ISSUER}/.well-known/openid-configuration", timeout=10).json()
expected = jwt.JWTClaimsRegistry(
    iss={"essential": True, "value": ISSUER},
    aud={"essential": True, "value": AUDIENCE},
    exp={"essential": True},
    sub={"essential": True},
    client_id={"essential": True},
)

app = Flask(__name__)


class Keys:
    """The issuer's keys. New keys are published 15 minutes before they sign, so this interval is short enough."""

    def __init__(self):
        self._read_at, self._keys = None, None

    def current(self):
        if self._read_at is None or time.monotonic() - self._read_at > 900:
            answer = requests.get(metadata["jwks_uri"], timeout=10)
            answer.raise_for_status()
            self._read_at, self._keys = time.monotonic(), KeySet.import_key_set(answer.json())
        return self._keys


keys = Keys()


def verify(token):
    """Returns the claims of an access token for this API."""
    verified = jwt.decode(token, keys.current(), algorithms=["ES256"])
    # An ID token has the same issuer and keys: only `typ` distinguishes the two.
    if verified.header.get("typ") != "at+jwt":
        raise ValueError("not an access token")
    expected.validate(verified.claims)
    # Refuses bound tokens (RFC 8705, RFC 9449), because this API does not check the binding.
    if "cnf" in verified.claims:
        raise ValueError("a sender-constrained token")
    return verified.claims


def refused(status, challenge):
    return jsonify(error=challenge), status, {"WWW-Authenticate": challenge}


def check(scope):
    """Returns an error response if the request is refused."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer":
        return refused(401, "Bearer")
    try:
        g.claims = verify(token)
    except requests.RequestException:
        return jsonify(error="temporarily_unavailable"), 503
    except (JoseError, ValueError):
        return refused(401, 'Bearer error="invalid_token"')
    if scope not in g.claims.get("scope", "").split():
        return refused(403, f'Bearer error="insufficient_scope", scope="{scope}"')
    return None


@app.get("/invoices")
def invoices():
    return check("invoices.read") or jsonify(sub=g.claims["sub"])


if __name__ == "__main__":
    app.run(host="localhost", port=int(os.environ.get("PORT", "8090")))
