"""Makes what the origin's system makes, with the very packages that it uses: access tokens and password hashes."""

import json
import sys

from django.conf import settings

settings.configure(
    SECRET_KEY=sys.argv[1],
    USE_TZ=True,
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "rest_framework_simplejwt"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
)

import django

django.setup()

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

grace = User(id=int(sys.argv[2]), username="grace")
refresh = RefreshToken.for_user(grace)
numeric = AccessToken()
numeric["user_id"] = grace.id
textual = AccessToken()
textual["user_id"] = str(grace.id)

print(
    json.dumps(
        {
            "access": {
                "of the user": str(AccessToken.for_user(grace)),
                "of the refresh token": str(refresh.access_token),
                "user_id a number": str(numeric),
                "user_id a string": str(textual),
            },
            "refresh": str(refresh),
            "hash": make_password(sys.argv[3]),
            "other_hash": make_password(sys.argv[3], hasher="pbkdf2_sha1"),
        }
    )
)
