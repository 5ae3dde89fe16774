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
# shellcheck disable=SC2086 # a list of words
sh scripts/install.sh 'what needs it is left out' $missing

venv=target/bench/venv
wanted=bench/peers/django/requirements.txt
if ! cmp -s "$wanted" "$venv/installed.txt"; then
  echo "Installing the peers' Python packages into $venv"
  mkdir -p target/bench
  python3 -m venv "$venv" && "$venv/bin/pip" install -q --disable-pip-version-check -r "$wanted" && cp "$wanted" "$venv/installed.txt" ||
    echo "frontdesk: the Python packages could not be installed; the Django peers are left out" >&2
fi
