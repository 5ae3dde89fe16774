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

# The tests start what they need by themselves, and nginx and Caddy would take port 80. Debian asks this file whether a package
# may start its service; one that is there already has been put there for a reason.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap '$as_root rm -f "$policy"' EXIT
  trap 'exit 1' HUP INT TERM
  printf '#!/bin/sh\nexit 101\n' | $as_root sh -c 'cat >"$0" && chmod 755 "$0"' "$policy"
fi
$as_root DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
  $as_root DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null ||
  echo "frontdesk: installing $* did not work; $otherwise" >&2
# Nor when the machine starts the next time.
for each in nginx caddy; do
  case " $* " in
  *" $each "*) [ ! -d /run/systemd/system ] || $as_root systemctl disable --quiet "$each" || true ;;
  esac
done
