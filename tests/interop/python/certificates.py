"""Authlib over requests with a certificate (RFC 8705) against Gatewright, as in a typical Python service.

It takes INTEROP_ISSUER, _USERNAME, _PASSWORD, _EMAIL, _CLIENT_ID, _REDIRECT_URI, _CA, _CERTIFICATE,
_KEY, _OTHER_CERTIFICATE and _OTHER_KEY, which ../README.md explains.
"""

import base64
import json
import os
from contextlib import contextmanager

# The library refuses plain HTTP by default; over loopback it cannot be intercepted.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

import requests
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session

from browser import Browser


def need(name):
    value = os.environ.get("INTEROP_" + name)
    if not value:
        raise SystemExit(f"INTEROP_{name} is not set; see tests/interop/README.md")
    return value


ISSUER = need("ISSUER").rstrip("/")
REDIRECT_URI = need("REDIRECT_URI")
OWN = (need("CERTIFICATE"), need("KEY"))
OTHER = (need("OTHER_CERTIFICATE"), need("OTHER_KEY"))


@contextmanager
def step(what):
    try:
        yield
    except BaseException:
        print(f"WRONG {what}", flush=True)
        raise
    print(f"ok    {what}", flush=True)


def session(certificate):
    """A session that sends only `client_id` in the body and the certificate in the handshake."""
    made = OAuth2Session(
        need("CLIENT_ID"),
        token_endpoint_auth_method="none",
        revocation_endpoint_auth_method="none",
        redirect_uri=REDIRECT_URI,
        scope="openid email",
        code_challenge_method="S256",
    )
    made.trust_env = False
    made.verify, made.cert = need("CA"), certificate
    return made


def cnf(token):
    payload = token["access_token"].split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=="))["cnf"]


def refused(error, ask):
    try:
        ask()
    except OAuthError as refusal:
        assert refusal.error == error, refusal
    else:
        raise AssertionError(f"this should have been refused with {error}")


own, other = session(OWN), session(OTHER)

with step("discovery names the endpoints that accept a certificate"):
    metadata = requests.Session()
    metadata.trust_env = False
    metadata = metadata.get(ISSUER + "/.well-known/openid-configuration").json()
    assert "tls_client_auth" in metadata["token_endpoint_auth_methods_supported"]
    at = metadata["mtls_endpoint_aliases"]
    assert at["token_endpoint"].startswith("https:")

with step("client credentials, bound to the certificate"):
    service = own.fetch_token(at["token_endpoint"], grant_type="client_credentials", scope="")
    assert cnf(service)["x5t#S256"]

with step("introspection includes the binding"):
    introspected = own.introspect_token(at["introspection_endpoint"], token=service["access_token"]).json()
    assert introspected["active"] is True and introspected["cnf"] == cnf(service), introspected

with step("another certificate authenticates no client"):
    grant = {"grant_type": "client_credentials"}
    refused("invalid_client", lambda: other.fetch_token(at["token_endpoint"], **grant))

with step("sign-in, code, tokens"):
    verifier = base64.urlsafe_b64encode(os.urandom(32)).rstrip(b"=").decode()
    url, state = own.create_authorization_url(
        metadata["authorization_endpoint"], code_verifier=verifier
    )
    response = Browser(need("USERNAME"), need("PASSWORD")).visit(url, REDIRECT_URI)
    tokens = own.fetch_token(
        at["token_endpoint"], authorization_response=response, state=state, code_verifier=verifier
    )

with step("userinfo with the certificate, and not with another"):
    assert own.get(at["userinfo_endpoint"]).json()["email"] == need("EMAIL")
    other.token = tokens
    assert other.get(at["userinfo_endpoint"]).status_code == 401

with step("refresh with the certificate, and not with another"):
    refresh = tokens["refresh_token"]
    refused("invalid_client", lambda: other.refresh_token(at["token_endpoint"], refresh))
    next = own.refresh_token(at["token_endpoint"], refresh)
    assert next["refresh_token"] != refresh and cnf(next) == cnf(tokens)
