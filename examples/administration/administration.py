#!/usr/bin/env python3
"""A request to the administration API with a DPoP-bound token (RFC 9449).

    pip install 'pyjwt[crypto]'
    python3 administration.py ISSUER CLIENT_ID CLIENT_SECRET METHOD PATH [JSON]
    python3 administration.py https://id.example.org 0198… s3cr3t GET '/users?limit=10'
"""

import base64
import hashlib
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

KEY = ec.generate_private_key(ec.SECP256R1())


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def proof(method, url, token=None):
    """RFC 9449 §4.2: the method and the address of this one request, and the token that it comes with."""
    jwk = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(KEY.public_key()))
    claims = {
        "jti": str(uuid.uuid4()),
        "htm": method,
        "htu": url.split("?")[0],
        "iat": int(time.time()),
    }
    if token:
        claims["ath"] = base64url(hashlib.sha256(token.encode()).digest())
    return jwt.encode(claims, KEY, "ES256", headers={"typ": "dpop+jwt", "jwk": jwk})


def send(method, url, headers, body=None):
    request = urllib.request.Request(url, body, headers, method=method)
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def access_token(issuer, client_id, secret):
    url = f"{issuer}/token"
    quoted = ":".join(urllib.parse.quote(part, safe="") for part in (client_id, secret))
    form = {"grant_type": "client_credentials", "resource": f"{issuer}/api/v1"}
    headers = {
        "Authorization": "Basic " + base64.b64encode(quoted.encode()).decode(),
        "Content-Type": "application/x-www-form-urlencoded",
        "DPoP": proof("POST", url),
    }
    status, _, body = send("POST", url, headers, urllib.parse.urlencode(form).encode())
    if status != 200:
        sys.exit(body.decode())
    return json.loads(body)["access_token"]


def main(issuer, client_id, secret, method, path, document=None):
    token = access_token(issuer, client_id, secret)
    url = f"{issuer}/api/v1{path}"

    def headers(method):
        return {"Authorization": f"DPoP {token}", "DPoP": proof(method, url, token)}

    own = headers(method)
    if document is not None:
        kind = "merge-patch+json" if method == "PATCH" else "json"
        own["Content-Type"] = f"application/{kind}"
    if method in ("PUT", "PATCH"):
        # The version that is changed: of two administrators, the second does not undo what the first did.
        own["If-Match"] = send("GET", url, headers("GET"))[1].get("ETag", "")
    status, _, body = send(method, url, own, document and document.encode())
    print(body.decode(), file=sys.stdout if status < 400 else sys.stderr)
    sys.exit(status >= 400)


if __name__ == "__main__":
    if len(sys.argv) not in (6, 7):
        sys.exit(__doc__)
    main(*sys.argv[1:])
