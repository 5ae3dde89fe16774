#!/bin/sh
# Installs what the tests need beside Rust and Node, where Debian's packages and the right to install them are at hand.
# Without them the tests that need them fail and say so.
set -eu
cd "$(dirname "$0")/.."
sh scripts/need.sh rust node

missing=
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || missing="$missing chromium"
python3 -c 'import venv, ensurepip' 2>/dev/null || missing="$missing python3-venv"
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
  echo "frontdesk: the tests need$missing; install them with your system's packages" >&2
  exit 0
fi
if [ "$(id -u)" -eq 0 ]; then
  as_root=env
elif sudo -n true 2>/dev/null || { [ -t 0 ] && command -v sudo >/dev/null 2>&1; }; then
  as_root="sudo env"
else
  echo "frontdesk: the tests need$missing: apt-get install$missing" >&2
  exit 0
fi
echo "Installing$missing"
# shellcheck disable=SC2086 # lists of words
$as_root DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
  $as_root DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null ||
  echo "frontdesk: installing$missing did not work; the tests that need it will fail" >&2
