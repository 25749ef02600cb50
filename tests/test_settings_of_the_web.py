"""What the environment says of the web application, and what is said where it is wrong."""

import pytest

from addon.settings import Mail, Settings, SettingsError, SignIn, Smtp, WebSettings
from addon.settings.values import SKOLVERKET, AddonCaller
from addon.settings.variables import GOOGLE

SENDER = "skolsynk@storvik.example"
SECRET = "secretmanager:projects/p/secrets/s/versions/latest"


def web_settings(environ: dict[str, str]) -> WebSettings:
    """What the environment says of the web application."""
    return Settings.from_environ(environ).web


def test_an_empty_environment_is_a_right_one() -> None:
    assert web_settings({}) == WebSettings(
        sign_in=None, session_secret=None, url=None, register=SKOLVERKET, mail=None
    )


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        (
            {"SKOLSYNK_OIDC_CLIENT_ID": "id", "SKOLSYNK_OIDC_CLIENT_SECRET": "secret"},
            SignIn(GOOGLE, "id", "secret"),
        ),
        (
            {
                "SKOLSYNK_OIDC_DISCOVERY": "http://127.0.0.1:9000/.well-known/openid-configuration",
                "SKOLSYNK_OIDC_CLIENT_ID": " id ",
                "SKOLSYNK_OIDC_CLIENT_SECRET": SECRET,
            },
            SignIn("http://127.0.0.1:9000/.well-known/openid-configuration", "id", SECRET),
        ),
    ],
)
def test_signing_in_is_by_google_or_by_whom_is_named(
    environ: dict[str, str], expected: SignIn
) -> None:
    assert web_settings(environ).sign_in == expected


@pytest.mark.parametrize("secret", ["s" * 32, SECRET])
def test_the_session_secret_is_the_secret_or_where_it_is(secret: str) -> None:
    assert web_settings({"SKOLSYNK_SESSION_SECRET": secret}).session_secret == secret


def test_addresses_have_no_slash_at_their_end() -> None:
    environ = {
        "SKOLSYNK_URL": "https://skolsynk.example/",
        "SKOLSYNK_REGISTER": "https://register.example/v2/",
    }
    settings = web_settings(environ)
    assert settings.url == "https://skolsynk.example"
    assert settings.register == "https://register.example/v2"


def test_the_register_can_be_turned_off() -> None:
    assert web_settings({"SKOLSYNK_REGISTER": "off"}).register is None


@pytest.mark.parametrize(
    ("value", "password", "expected"),
    [
        ("smtp://mail.example", None, Smtp("mail.example", 587, False)),
        ("smtps://mail.example", None, Smtp("mail.example", 465, True)),
        ("smtp://127.0.0.1:2525", None, Smtp("127.0.0.1", 2525, False)),
        ("smtp://[::1]:2525", None, Smtp("::1", 2525, False)),
        (
            "smtp://skolsynk%40storvik.example@mail.example",
            "hemligt",
            Smtp("mail.example", 587, False, "skolsynk@storvik.example", "hemligt"),
        ),
        ("smtps://u@mail.example:4650", SECRET, Smtp("mail.example", 4650, True, "u", SECRET)),
    ],
)
def test_mail_goes_by_the_server_that_is_named(
    value: str, password: str | None, expected: Smtp
) -> None:
    environ = {"SKOLSYNK_MAIL": value, "SKOLSYNK_MAIL_FROM": SENDER}
    if password is not None:
        environ["SKOLSYNK_MAIL_PASSWORD"] = password
    assert web_settings(environ).mail == Mail(expected, SENDER)


@pytest.mark.parametrize("value", ["appengine", " appengine "])
@pytest.mark.parametrize("others", [{}, {"SKOLSYNK_MAIL_FROM": SENDER}])
def test_mail_by_app_engine_is_refused_with_what_to_set_in_its_place(
    value: str, others: dict[str, str]
) -> None:
    with pytest.raises(SettingsError) as raised:
        web_settings({"SKOLSYNK_MAIL": value} | others)
    assert str(raised.value) == (
        "SKOLSYNK_MAIL=appengine was Google's own mail service, which is no longer used: set "
        "smtp://USER@HOST and SKOLSYNK_MAIL_PASSWORD, see docs/deploy.md"
    )


def test_variables_of_app_engines_bundled_services_are_ignored() -> None:
    environ = {"API_HOST": "appengine.googleapis.internal", "API_PORT": "http"}
    assert web_settings(environ) == web_settings({})


FROM = {"SKOLSYNK_MAIL_FROM": SENDER}


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"SKOLSYNK_URL": " "}, "SKOLSYNK_URL is empty"),
        ({"SKOLSYNK_URL": "skolsynk.example"}, "SKOLSYNK_URL "),
        ({"SKOLSYNK_REGISTER": "no"}, "SKOLSYNK_REGISTER "),
        ({"SKOLSYNK_OIDC_DISCOVERY": "https://op.example"}, "SKOLSYNK_OIDC_CLIENT_ID is needed"),
        ({"SKOLSYNK_OIDC_CLIENT_ID": "id"}, "SKOLSYNK_OIDC_CLIENT_SECRET is needed"),
        ({"SKOLSYNK_OIDC_CLIENT_SECRET": "s"}, "SKOLSYNK_OIDC_CLIENT_ID is needed"),
        (
            {
                "SKOLSYNK_OIDC_CLIENT_ID": "id",
                "SKOLSYNK_OIDC_CLIENT_SECRET": "secretmanager:mine",
            },
            "SKOLSYNK_OIDC_CLIENT_SECRET must be the secret, or secretmanager:",
        ),
        ({"SKOLSYNK_SESSION_SECRET": "short"}, "SKOLSYNK_SESSION_SECRET must be 32 characters"),
        ({"SKOLSYNK_SESSION_SECRET": "secretmanager:" + "x" * 40}, "SKOLSYNK_SESSION_SECRET must"),
        ({"SKOLSYNK_MAIL_FROM": SENDER}, "SKOLSYNK_MAIL is needed with SKOLSYNK_MAIL_FROM"),
        ({"SKOLSYNK_MAIL_PASSWORD": "x"}, "SKOLSYNK_MAIL is needed with SKOLSYNK_MAIL_PASSWORD"),
        ({"SKOLSYNK_MAIL": "smtp://mail.example"}, "SKOLSYNK_MAIL_FROM must be the address"),
        (
            {"SKOLSYNK_MAIL": "smtp://mail.example", "SKOLSYNK_MAIL_FROM": "nobody"},
            "SKOLSYNK_MAIL_FROM must",
        ),
        (
            {"SKOLSYNK_MAIL": "smtp://mail.example", "SKOLSYNK_MAIL_FROM": f"Skolsynk <{SENDER}>"},
            "SKOLSYNK_MAIL_FROM must",
        ),
        (
            {
                "SKOLSYNK_MAIL": "smtp://mail.example",
                "SKOLSYNK_MAIL_FROM": f"{SENDER},b@storvik.example",
            },
            "SKOLSYNK_MAIL_FROM must",
        ),
        (FROM | {"SKOLSYNK_MAIL": "mail.example"}, "SKOLSYNK_MAIL must be smtp://"),
        (FROM | {"SKOLSYNK_MAIL": "http://mail.example"}, "SKOLSYNK_MAIL must be smtp://"),
        (FROM | {"SKOLSYNK_MAIL": "smtp://mail.example/x"}, "SKOLSYNK_MAIL must be smtp://"),
        (FROM | {"SKOLSYNK_MAIL": "smtp://mail.example?x"}, "SKOLSYNK_MAIL must be smtp://"),
        (FROM | {"SKOLSYNK_MAIL": "smtp://mail.example:port"}, "SKOLSYNK_MAIL must be smtp://"),
        (FROM | {"SKOLSYNK_MAIL": "smtp://:25"}, "SKOLSYNK_MAIL must be smtp://"),
        (
            FROM | {"SKOLSYNK_MAIL": "smtp://u:p@mail.example"},
            "put it in SKOLSYNK_MAIL_PASSWORD",
        ),
        (FROM | {"SKOLSYNK_MAIL": "smtp://u@mail.example"}, "SKOLSYNK_MAIL_PASSWORD goes with"),
        (
            FROM | {"SKOLSYNK_MAIL": "smtp://mail.example", "SKOLSYNK_MAIL_PASSWORD": "x"},
            "SKOLSYNK_MAIL_PASSWORD goes with",
        ),
        (
            FROM
            | {"SKOLSYNK_MAIL": "smtp://u@m.example", "SKOLSYNK_MAIL_PASSWORD": "secretmanager:x"},
            "SKOLSYNK_MAIL_PASSWORD must be the secret, or secretmanager:",
        ),
    ],
)
def test_what_is_wrong_is_reported_with_its_variable(environ: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError) as raised:
        web_settings(environ)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_no_secret_is_shown() -> None:
    environ = {
        "SKOLSYNK_OIDC_CLIENT_ID": "id",
        "SKOLSYNK_OIDC_CLIENT_SECRET": "topsecret-oidc",
        "SKOLSYNK_SESSION_SECRET": "topsecret-session-" + "x" * 32,
        "SKOLSYNK_MAIL": "smtp://u@mail.example",
        "SKOLSYNK_MAIL_FROM": SENDER,
        "SKOLSYNK_MAIL_PASSWORD": "topsecret-mail",
    }
    assert "topsecret" not in repr(web_settings(environ))


def test_a_password_in_the_address_is_not_repeated_in_the_message() -> None:
    with pytest.raises(SettingsError) as raised:
        web_settings(FROM | {"SKOLSYNK_MAIL": "smtp://u:topsecret@mail.example"})
    assert "topsecret" not in str(raised.value)


ADDON = {
    "SKOLSYNK_URL": "https://skolsynk.example",
    "SKOLSYNK_ADDON_SERVICE_ACCOUNT": "addon@gcp-sa-gsuiteaddons.iam.gserviceaccount.com",
    "SKOLSYNK_ADDON_CLIENT_ID": "1234.apps.googleusercontent.com",
}


def test_the_addon_has_a_caller_and_an_audience() -> None:
    assert web_settings(ADDON).addon == AddonCaller(
        "addon@gcp-sa-gsuiteaddons.iam.gserviceaccount.com", "1234.apps.googleusercontent.com"
    )
    assert web_settings({}).addon is None


@pytest.mark.parametrize("missing", sorted(ADDON))
def test_an_addon_that_could_not_check_its_callers_stops_the_program(missing: str) -> None:
    environ = {name: value for name, value in ADDON.items() if name != missing}
    with pytest.raises(SettingsError, match=f"^{missing} is needed"):
        web_settings(environ)


def test_the_operator_and_the_certificates_are_what_is_named() -> None:
    found = web_settings(
        {
            "SKOLSYNK_GOOGLE_CERTS": "http://127.0.0.1:9000/certs",
            "SKOLSYNK_OPERATOR": "Storviks kommun",
            "SKOLSYNK_CONTACT": "skolsynk@storvik.example",
        }
    )
    assert found.google_certs == "http://127.0.0.1:9000/certs"
    assert (found.operator, found.contact) == ("Storviks kommun", "skolsynk@storvik.example")


def test_what_is_not_set_of_the_operator_is_said_plainly_and_stops_nothing() -> None:
    named = {"SKOLSYNK_OPERATOR": "Storviks kommun", "SKOLSYNK_CONTACT": "it@storvik.example"}
    app = {"SKOLSYNK_MARKETPLACE_APP": "123456789012"}
    mail = {"SKOLSYNK_MAIL": "smtp://mail.storvik.example", "SKOLSYNK_MAIL_FROM": "a@b.example"}
    said = {
        "nothing": gaps({}),
        "named": gaps(named),
        "listed": gaps(app),
        "listed and named": gaps(app | named),
        "all": gaps(app | named | mail),
    }
    assert said == {
        "nothing": ["SKOLSYNK_OPERATOR", "SKOLSYNK_CONTACT"],
        "named": [],
        "listed": ["SKOLSYNK_OPERATOR", "SKOLSYNK_CONTACT", "SKOLSYNK_CONTACT", "SKOLSYNK_MAIL"],
        "listed and named": ["SKOLSYNK_MAIL"],
        "all": [],
    }


def gaps(environ: dict[str, str]) -> list[str]:
    """The variables that are said not to be set, of settings with these."""
    found = Settings.from_environ(environ).gaps
    assert all(" is not set: " in line for line in found)
    return [line.partition(" ")[0] for line in found]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SKOLSYNK_GOOGLE_CERTS", "http://certs.example/"),
        ("SKOLSYNK_CONTACT", "Skolsynk <skolsynk@storvik.example>"),
        ("SKOLSYNK_OPERATOR", "Storvik\nkommun"),
        ("SKOLSYNK_MARKETPLACE_APP", "skolsynk"),
        ("SKOLSYNK_FAREWELL_DAYS", "0"),
    ],
)
def test_a_malformed_setting_of_the_marketplace_app_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} must "):
        web_settings({name: value})
