#!/bin/sh
# Installs what the benchmarks need beside Rust and Node: the peers' databases, strace and a browser from Debian's packages, where they
# and the right to install them are at hand, and the peers' Python packages into target/bench/venv.
set -eu
cd "$(dirname "$0")/.."
sh scripts/need.sh rust node

missing=
command -v redis-server >/dev/null 2>&1 || missing="$missing redis-server"
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
command -v strace >/dev/null 2>&1 || missing="$missing strace"
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || missing="$missing chromium"
python3 -c 'import venv, ensurepip' 2>/dev/null || missing="$missing python3-venv"
if [ -n "$missing" ]; then
  if [ "$(id -u)" -eq 0 ]; then
    as_root=env
  elif sudo -n true 2>/dev/null || { [ -t 0 ] && command -v sudo >/dev/null 2>&1; }; then
    as_root="sudo env"
  else
    as_root=
  fi
  if [ -n "$as_root" ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing$missing"
    # shellcheck disable=SC2086 # lists of words
    $as_root DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
      $as_root DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null ||
      echo "frontdesk: installing$missing did not work; what needs it is left out" >&2
  else
    echo "frontdesk: the benchmarks need$missing; what needs it is left out" >&2
  fi
fi

venv=target/bench/venv
wanted=bench/peers/django/requirements.txt
if ! cmp -s "$wanted" "$venv/installed.txt"; then
  echo "Installing the peers' Python packages into $venv"
  mkdir -p target/bench
  python3 -m venv "$venv" && "$venv/bin/pip" install -q --disable-pip-version-check -r "$wanted" && cp "$wanted" "$venv/installed.txt" ||
    echo "frontdesk: the Python packages could not be installed; the Django peers are left out" >&2
fi
