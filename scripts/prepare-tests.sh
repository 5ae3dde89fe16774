#!/bin/sh
# Installs what the tests need beside Rust and Node. Without it the tests that need it fail and say so.
set -eu
cd "$(dirname "$0")/.."
sh scripts/need.sh rust node

missing=
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || missing="$missing chromium"
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
command -v redis-server >/dev/null 2>&1 || missing="$missing redis-server"
command -v openssl >/dev/null 2>&1 || missing="$missing openssl"
[ -x /usr/sbin/nginx ] || [ -x /usr/bin/nginx ] || missing="$missing nginx"
[ -x /usr/bin/caddy ] || missing="$missing caddy"
python3 -c 'import venv, ensurepip' 2>/dev/null || missing="$missing python3-venv"
# shellcheck disable=SC2086 # a list of words
sh scripts/install.sh 'the tests that need it will fail' $missing
