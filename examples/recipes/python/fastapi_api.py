"""An API that verifies access tokens (RFC 9068) with PyJWT, in FastAPI."""

import os
from typing import Annotated

import jwt
import requests
import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes

ISSUER, AUDIENCE = os.environ["ISSUER"], os.environ["AUDIENCE"]

metadata = requests.get(f"{ISSUER}/.well-known/openid-configuration", timeout=10).json()
keys = jwt.PyJWKClient(metadata["jwks_uri"], lifespan=900)  # the max-age of the key set

app = FastAPI()


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
    return HTTPException(status, headers={"WWW-Authenticate": challenge})


# `def` without `async`: FastAPI runs it in a thread, where fetching the keys does not block other requests.
def caller(
    scopes: SecurityScopes,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))],
):
    """Returns the claims of the caller's token, which must have these scopes."""
    if bearer is None:
        raise refused(401, "Bearer")
    try:
        claims = verify(bearer.credentials)
    except jwt.PyJWKClientConnectionError:
        raise HTTPException(503) from None
    except jwt.PyJWTError:
        raise refused(401, 'Bearer error="invalid_token"') from None
    if not set(scopes.scopes) <= set(claims.get("scope", "").split()):
        raise refused(403, f'Bearer error="insufficient_scope", scope="{scopes.scope_str}"')
    return claims


@app.get("/invoices")
def invoices(claims: Annotated[dict, Security(caller, scopes=["invoices.read"])]):
    return {"sub": claims["sub"]}


if __name__ == "__main__":
    uvicorn.run(app, host="localhost", port=int(os.environ.get("PORT", "8090")))
