"""Settings for one measured process: which database, which channel layer, how durable."""

import os
from datetime import timedelta
from urllib.parse import urlsplit

SECRET_KEY = os.environ["PEER_SECRET"]
DEBUG = False
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "channels", "chat"]
AUTH_USER_MODEL = "chat.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ASGI_APPLICATION = "desk.asgi.application"
USE_TZ = True
SIMPLE_JWT = {"ALGORITHM": "HS256", "SIGNING_KEY": SECRET_KEY, "ACCESS_TOKEN_LIFETIME": timedelta(hours=12)}
LOGGING = {
    "version": 1,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}

# A path is SQLite, a URL PostgreSQL.
database = os.environ["PEER_DATABASE"]
if database.startswith("postgresql://"):
    url = urlsplit(database)
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": url.hostname,
            "PORT": url.port,
            "USER": url.username,
            "NAME": url.path.lstrip("/"),
            "CONN_MAX_AGE": None,
        }
    }
else:
    synchronous = os.environ.get("PEER_SYNCHRONOUS", "NORMAL")
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": database,
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "init_command": f"PRAGMA journal_mode=WAL; PRAGMA synchronous={synchronous};",
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
            },
        }
    }

# The library's default of 100 loses messages silently in a burst.
CAPACITY = int(os.environ.get("PEER_CAPACITY", "10000"))
redis = os.environ.get("PEER_REDIS")
if redis:
    layer = {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [redis], "capacity": CAPACITY}}
else:
    layer = {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": CAPACITY}}
CHANNEL_LAYERS = {"default": layer}
