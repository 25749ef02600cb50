#!/usr/bin/env bash
# Compiles static/skolsynk.css and fetches static/vendor/, with npm, from pinned versions.
# `build.sh --check` fails instead if the committed files differ from the result.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(
  cd "$work"
  npm init -y >/dev/null
  npm install --silent --no-audit --no-fund bootstrap@5.3.9 sass@1.77.8 htmx.org@2.0.11
)
mkdir "$work/vendor"
"$work/node_modules/.bin/sass" --quiet --no-source-map --style=compressed \
  --load-path="$work/node_modules" "$here/skolsynk.scss" "$work/skolsynk.css"
cp "$work/node_modules/htmx.org/dist/htmx.min.js" "$work/vendor/htmx.min.js"
cp "$work/node_modules/htmx.org/LICENSE" "$work/vendor/htmx.LICENSE"
cp "$work/node_modules/bootstrap/LICENSE" "$work/vendor/bootstrap.LICENSE"
cat >"$work/vendor/VERSIONS" <<END
bootstrap 5.3.9  MIT   compiled into static/skolsynk.css by static/styles/build.sh
htmx.org 2.0.11  0BSD  $(sha256sum <"$work/vendor/htmx.min.js" | cut -d' ' -f1)  static/vendor/htmx.min.js
END
if [ "${1:-}" = --check ]; then
  diff -q "$work/skolsynk.css" "$here/../skolsynk.css"
  diff -r "$work/vendor" "$here/../vendor"
else
  cp "$work/skolsynk.css" "$here/.."
  mkdir -p "$here/../vendor"
  cp "$work/vendor/"* "$here/../vendor/"
fi
