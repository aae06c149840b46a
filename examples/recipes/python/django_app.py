"""A web application that signs users in, with mozilla-django-oidc: settings, backend and URLs of Django in one file."""

import os
import sys

import django
import requests
from django.conf import settings
from django.core.management import call_command, execute_from_command_line

ISSUER = os.environ["ISSUER"]

metadata = requests.get(f"{ISSUER}/.well-known/openid-configuration", timeout=10).json()

settings.configure(
    SECRET_KEY=os.urandom(32).hex(),  # a real application stores it, or sessions end with the process
    ALLOWED_HOSTS=["localhost"],
    ROOT_URLCONF=__name__,
    DATABASES={
        "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ.get("DATABASE", "recipe.db")}
    },
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "mozilla_django_oidc",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    AUTHENTICATION_BACKENDS=[f"{__name__}.Backend"],
    LOGIN_URL="oidc_authentication_init",
    LOGIN_REDIRECT_URL="/",
    LOGIN_REDIRECT_URL_FAILURE="/failed",
    OIDC_RP_CLIENT_ID=os.environ["CLIENT_ID"],
    OIDC_RP_CLIENT_SECRET=os.environ["CLIENT_SECRET"],
    OIDC_RP_SCOPES="openid profile email",
    OIDC_OP_AUTHORIZATION_ENDPOINT=metadata["authorization_endpoint"],
    OIDC_OP_TOKEN_ENDPOINT=metadata["token_endpoint"],
    OIDC_OP_USER_ENDPOINT=metadata["userinfo_endpoint"],
    OIDC_OP_JWKS_ENDPOINT=metadata["jwks_uri"],
    # Overrides insecure defaults: PKCE is off, the algorithm is HS256, the secret goes into the body.
    OIDC_USE_PKCE=True,
    OIDC_RP_SIGN_ALGO="RS256",
    OIDC_TOKEN_USE_BASIC_AUTH=True,
)
django.setup()

from django.contrib.auth.decorators import login_required
from django.core.exceptions import SuspiciousOperation
from django.http import HttpResponse, JsonResponse
from django.urls import include, path
from mozilla_django_oidc.auth import OIDCAuthenticationBackend


class Backend(OIDCAuthenticationBackend):
    """Adds the checks that the library omits, and identifies users by `sub` instead of the e-mail address."""

    def verify_token(self, token, **kwargs):
        claims = super().verify_token(token, **kwargs)
        if claims["iss"] != ISSUER or claims["aud"] != self.OIDC_RP_CLIENT_ID:
            raise SuspiciousOperation("the ID token was issued to another client")
        return claims

    def get_userinfo(self, access_token, id_token, payload):
        claims = super().get_userinfo(access_token, id_token, payload)
        if claims["sub"] != payload["sub"]:  # OIDC Core §5.3.2
            raise SuspiciousOperation("userinfo is about another user")
        return claims

    def get_username(self, claims):
        return claims["sub"]

    def filter_users_by_claims(self, claims):
        return self.UserModel.objects.filter(username=claims["sub"])


@login_required
def home(request):
    return JsonResponse({"sub": request.user.username, "email": request.user.email})


def failed(request):
    return HttpResponse("The sign-in failed.", status=400)


urlpatterns = [path("", home), path("failed", failed), path("oidc/", include("mozilla_django_oidc.urls"))]

if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    port = os.environ.get("PORT", "8090")
    execute_from_command_line([sys.argv[0], "runserver", "--noreload", f"localhost:{port}"])
