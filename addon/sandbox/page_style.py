"""The style of the sandbox's pages: a light and a dark theme, and nothing to load."""

STYLE = """
:root { color-scheme: light dark; --ink: #1c2b33; --soft: #52636d; --line: #dfe4e7;
  --ground: #fff; --link: #0b57a4 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6ebee; --soft: #a5b2ba; --line: #36424a;
  --ground: #14191d; --link: #8ab8f0 } }
body { font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground);
  max-width: 62rem; margin: 0 auto; padding: 2rem 1.5rem 4rem }
h1 { font-size: 1.7rem; margin: 0 0 .5rem } h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem }
h3 { font-size: 1rem; margin: 1.25rem 0 .25rem }
p { max-width: 40rem; margin: .25rem 0 } a { color: var(--link); text-decoration: none }
a:hover, a:focus-visible { text-decoration: underline }
small, .soft { color: var(--soft); font-size: .9rem }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem }
th, td { text-align: left; padding: .35rem 1rem .35rem 0; border-bottom: 1px solid var(--line) }
th { font-weight: 600 } td { font-variant-numeric: tabular-nums }
details { border-bottom: 1px solid var(--line) } summary { cursor: pointer; padding: .35rem 0 }
ul { list-style: none; padding-left: 1.25rem; margin: 0 }
"""


NO_ICON = '<link rel="icon" href="data:,">'
"""With it a browser does not ask for /favicon.ico."""


def html_page(title: str, style: str, body: str) -> str:
    """Return a whole page in Swedish; `title` and `body` are HTML."""
    return (
        f'<!doctype html><html lang="sv"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"{NO_ICON}"
        f"<style>{STYLE}{style}</style></head><body><main><h1>{title}</h1>{body}</main></body></html>"
    )
