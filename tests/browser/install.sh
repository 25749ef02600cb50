#!/bin/sh
# A Chromium for the browser tests: the one that is there, else Debian's. Prints where it is. The
# headless shell comes first: it has no window, which costs more than the pages in it.
# Ends well where none can be had: the tests are then skipped, and say how to get one.
set -u

find_one() {
  for name in chromium-headless-shell chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$name" && return
  done
  return 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

install_one() {
  command -v apt-get >/dev/null || return 1
  [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null || return 1
  export DEBIAN_FRONTEND=noninteractive
  as_root apt-get -q update &&
    { as_root apt-get -q -y install --no-install-recommends chromium-headless-shell fonts-dejavu-core ||
      as_root apt-get -q -y install --no-install-recommends chromium fonts-dejavu-core; }
}

find_one && exit 0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if install_one >"$log" 2>&1 && find_one; then exit 0; fi
tail -n 3 "$log" >&2
echo "No Chromium, so the browser tests are skipped. On Debian: sudo apt-get install chromium-headless-shell fonts-dejavu-core" >&2
[ -z "${SKOLSYNK_REQUIRE_BROWSER:-}" ]
