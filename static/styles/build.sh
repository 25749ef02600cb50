#!/usr/bin/env bash
# Compiles static/skolsynk.css and fetches static/vendor/ and static/fonts/, with npm, from pinned versions.
# `build.sh --check` fails instead if the committed files differ from the result.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(
  cd "$work"
  npm init -y >/dev/null
  npm install --silent --no-audit --no-fund bootstrap@5.3.9 sass@1.77.8 htmx.org@2.0.11 \
    @fontsource-variable/inter@5.3.0 subset-font@2.9.0
)
mkdir "$work/vendor"
"$work/node_modules/.bin/sass" --quiet --no-source-map --style=compressed \
  --load-path="$work/node_modules" "$here/skolsynk.scss" "$work/skolsynk.css"
cp "$work/node_modules/htmx.org/dist/htmx.min.js" "$work/vendor/htmx.min.js"
cp "$work/node_modules/htmx.org/LICENSE" "$work/vendor/htmx.LICENSE"
cp "$work/node_modules/bootstrap/LICENSE" "$work/vendor/bootstrap.LICENSE"
# Of the extended Latin characters, those of European names: Latin Extended-A and the Romanian ones.
mkdir "$work/fonts"
inter="$work/node_modules/@fontsource-variable/inter"
cp "$inter/files/inter-latin-wght-normal.woff2" "$work/fonts/inter-latin.woff2"
cp "$inter/LICENSE" "$work/fonts/inter.LICENSE"
(
  cd "$work"
  node -e '
    const { readFileSync, writeFileSync } = require("node:fs");
    const characters = [];
    for (let code = 0x100; code < 0x180; code++) characters.push(String.fromCodePoint(code));
    characters.push("ȘșȚț");
    require("subset-font")(readFileSync(process.argv[1]), characters.join(""), { targetFormat: "woff2" })
      .then((font) => writeFileSync("fonts/inter-latin-a.woff2", font));
  ' "$inter/files/inter-latin-ext-wght-normal.woff2"
)
cat >"$work/vendor/VERSIONS" <<END
bootstrap 5.3.9  MIT   compiled into static/skolsynk.css by static/styles/build.sh
htmx.org 2.0.11  0BSD  $(sha256sum <"$work/vendor/htmx.min.js" | cut -d' ' -f1)  static/vendor/htmx.min.js
inter     5.3.0  OFL   static/fonts/, from @fontsource-variable/inter
END
if [ "${1:-}" = --check ]; then
  diff -q "$work/skolsynk.css" "$here/../skolsynk.css"
  diff -r "$work/vendor" "$here/../vendor"
  diff -r "$work/fonts" "$here/../fonts"
else
  cp "$work/skolsynk.css" "$here/.."
  mkdir -p "$here/../vendor"
  cp "$work/vendor/"* "$here/../vendor/"
  mkdir -p "$here/../fonts"
  cp "$work/fonts/"* "$here/../fonts/"
fi
