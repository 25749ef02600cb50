#!/usr/bin/env bash
# Compiles static/skolsynk.css and fetches static/vendor/, with npm, from pinned versions.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund bootstrap@5.3.9 sass@1.77.8 htmx.org@2.0.11
npx sass --quiet --no-source-map --style=compressed --load-path=node_modules \
  "$here/skolsynk.scss" "$here/../skolsynk.css"
cp node_modules/htmx.org/dist/htmx.min.js "$here/../vendor/"
