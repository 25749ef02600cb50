"""The addresses of all pages, by the rule of `app.url_map` that serves them.

What is in braces is filled in from the world: see `tests.browser.states`.
"""

from collections.abc import Mapping

from flask import Flask

FOR_PROGRAMS = ("cron", "tasks", "healthz", "readyz", "static")
NOT_PAGES = {
    "/.well-known/security.txt": "text for programs and researchers",
    "/avtal/<path:file>": "a file",
    "/datakvalitet.csv": "a file",
    "/installningar/atkomst.csv": "a file",
    "/installningar/dokument.json": "a file",
    "/korningar/<run_id>/lage": "a part of the run's page, and otherwise leads there",
    "/oversikt": "leads to the first page",
    "/personer.csv": "a file",
    "/personer/<user_id>/skickas": "a part of the page of a person, and otherwise leads there",
    "/skolenheter/<code>/urval/under": "a part of the tree on the selection's page",
    "/skyddade/under": "a part of the tree on the page of protected people",
}
PAGES: Mapping[str, tuple[str, ...]] = {
    "/": ("/",),
    "/avsked/<code>": ("/avsked/{farewell}",),
    "/datakvalitet": ("/datakvalitet",),
    "/datakvalitet/<code>": (
        "/datakvalitet/missing-family-name",
        "/datakvalitet/student-without-class",
        "/datakvalitet/group-missing",
    ),
    "/forhandsgranska": ("/forhandsgranska",),
    "/forhandsgranska/<vendor>": ("/forhandsgranska/gleerups",),
    "/forhandsgranska/<vendor>/<user_id>": (
        "/forhandsgranska/gleerups/{pupil}",
        "/forhandsgranska/gleerups/{beginner}",
        "/forhandsgranska/binogi/{renamed}",
    ),
    "/forslag": ("/forslag",),
    "/hjalp": ("/hjalp", "/hjalp?sprak=en"),
    "/installningar": ("/installningar",),
    "/installningar/atkomst": ("/installningar/atkomst",),
    "/installningar/avsluta": ("/installningar/avsluta",),
    "/installningar/behandling": ("/installningar/behandling",),
    "/installningar/dokument": ("/installningar/dokument",),
    "/installningar/logg": ("/installningar/logg",),
    "/installningar/logg/<entry_id>/aterstall": ("/installningar/logg/{entry}/aterstall",),
    "/integritet": ("/integritet",),
    "/korningar": ("/korningar", "/korningar?visa=andringar"),
    "/korningar/<run_id>": ("/korningar/{run}", "/korningar/{first_run}"),
    "/leverantorer": ("/leverantorer",),
    "/leverantorer/<vendor>": ("/leverantorer/gleerups", "/leverantorer/binogi"),
    "/leverantorer/<vendor>/avveckla": ("/leverantorer/gleerups/avveckla",),
    "/leverantorer/<vendor>/avtal": ("/leverantorer/gleerups/avtal",),
    "/leverantorer/<vendor>/brev": ("/leverantorer/gleerups/brev",),
    "/leverantorer/<vendor>/lage/<mode>": (
        "/leverantorer/gleerups/lage/off",
        "/leverantorer/gleerups/lage/test",
        "/leverantorer/gleerups/lage/live",
    ),
    "/leverantorer/<vendor>/tom-testmiljon": ("/leverantorer/gleerups/tom-testmiljon",),
    "/logga-in": ("/logga-in",),
    "/logga-in/klar": ("/logga-in/klar",),
    "/organisation": ("/organisation",),
    "/personer": ("/personer", "/personer?beslut=left&sort=-namn", "/personer?sida=2"),
    "/personer/<user_id>": (
        "/personer/{pupil}",
        "/personer/{teacher}",
        "/personer/{nameless}",
    ),
    "/personer/<user_id>/undantag": ("/personer/{pupil}/undantag",),
    "/personer/<user_id>/hos/<vendor>": ("/personer/{pupil}/hos/gleerups",),
    "/skarpt-lage": ("/skarpt-lage",),
    "/skolenheter": ("/skolenheter", "/skolenheter?ordna=1"),
    "/skolenheter/<code>": ("/skolenheter/{unit}", "/skolenheter/{other_unit}"),
    "/skolenheter/<code>/<any(klasser, grupper, arskurser):what>/fler": (
        "/skolenheter/{unit}/klasser/fler",
    ),
    "/skolenheter/<code>/<any(klasser, grupper, arskurser):what>": (
        "/skolenheter/{unit}/klasser",
        "/skolenheter/{unit}/grupper",
        "/skolenheter/{unit}/arskurser",
        "/skolenheter/{other_unit}/klasser",
    ),
    "/skolenheter/<code>/brev": ("/skolenheter/{unit}/brev",),
    "/skolenheter/<code>/grupp/<external_id>": ("/skolenheter/{unit}/grupp/{class}",),
    "/skolenheter/<code>/ta-bort": ("/skolenheter/{unit}/ta-bort",),
    "/skolenheter/<code>/urval": ("/skolenheter/{unit}/urval", "/skolenheter/{other_unit}/urval"),
    "/skolenheter/sok": ("/skolenheter/sok", "/skolenheter/sok?q=skolan"),
    "/skyddade": ("/skyddade",),
    "/sok": ("/sok", "/sok?sok={searched}"),
    "/sparrar": ("/sparrar",),
    "/testlage": ("/testlage",),
    "/terminsstart": ("/terminsstart",),
    "/tillganglighet": ("/tillganglighet",),
    "/villkor": ("/villkor",),
}
"""Every page of the application. A new one is added here, and is then seen to as the others are."""


def rules(app: Flask) -> set[str]:
    """The rules that people may ask with GET."""
    found = (rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ()))
    return {rule.rule for rule in found if rule.rule.split("/")[1] not in FOR_PROGRAMS}
