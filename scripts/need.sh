#!/bin/sh
# Says what is missing before a build fails for it: need.sh [rust] [node] [chromium].
set -eu

rust_min=1.92
node_min=20.19

fail() {
  echo "frontdesk: $1" >&2
  exit 1
}

# at_least HAVE WANT: compares major.minor as numbers.
at_least() {
  have_major=${1%%.*} have_rest=${1#*.} want_major=${2%%.*} want_rest=${2#*.}
  have_minor=${have_rest%%.*} want_minor=${want_rest%%.*}
  [ "$have_major" -gt "$want_major" ] || { [ "$have_major" -eq "$want_major" ] && [ "$have_minor" -ge "$want_minor" ]; }
}

rust() {
  advice="install Rust $rust_min or newer from https://rustup.rs (Debian's own is older)"
  command -v cargo >/dev/null 2>&1 || fail "cargo was not found: $advice"
  version=$(rustc --version | cut -d ' ' -f 2)
  at_least "$version" "$rust_min" || fail "Rust $version is too old: $advice"
  command -v cc >/dev/null 2>&1 || fail "no C compiler was found, which Rust needs to link: install gcc (Debian: apt-get install gcc libc6-dev)"
}

node() {
  advice="install Node $node_min or newer from https://nodejs.org"
  command -v node >/dev/null 2>&1 || fail "node was not found: $advice"
  version=$(command node --version | tr -d v)
  at_least "$version" "$node_min" || fail "Node $version is too old: $advice"
  command -v npm >/dev/null 2>&1 || fail "npm was not found: $advice"
}

chromium() {
  path=${CHROMIUM:-/usr/bin/chromium}
  [ -x "$path" ] || fail "no browser at $path: apt-get install chromium, or set CHROMIUM to one"
}

for tool in "$@"; do
  "$tool"
done
