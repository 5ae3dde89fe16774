#!/bin/sh
# Installs Debian's packages, where they and the right to install them are at hand, and says otherwise what follows:
# install.sh 'the tests that need it will fail' PACKAGE...
set -eu
otherwise=$1
shift
[ $# -gt 0 ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
  as_root=env
elif sudo -n true 2>/dev/null || { [ -t 0 ] && command -v sudo >/dev/null 2>&1; }; then
  as_root="sudo env"
else
  as_root=
fi
if [ -z "$as_root" ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "frontdesk: $* is missing (Debian: apt-get install $*); $otherwise" >&2
  exit 0
fi
echo "Installing $*"
$as_root DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
  $as_root DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null ||
  echo "frontdesk: installing $* did not work; $otherwise" >&2
