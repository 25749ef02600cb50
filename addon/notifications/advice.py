"""Explain on a page why a message could not be sent, and who can solve it."""

from flask_babel import gettext as _

from addon.notifications.mailer import Kind, MailError


def remedy(error: MailError, support: str) -> str:
    """Return the explanation for an administrator, in the language of the page.

    `support` is whom the school writes to about Skolsynk, as a sentence names them.
    """
    return str(_words(error.kind, support))


def _words(kind: Kind, support: str) -> object:
    match kind:
        case "unreachable":
            return _(
                "E-postservern svarar inte. Försök igen om en stund. Hjälper inte det behöver "
                "%(support)s se över adressen till servern.",
                support=support,
            )
        case "encryption":
            return _(
                "E-postservern erbjuder ingen kryptering, så inget har skickats. %(support)s "
                "behöver välja en annan server eller ett annat sätt att ansluta.",
                support=support,
            )
        case "certificate":
            return _(
                "E-postserverns certifikat är inte giltigt, så inget har skickats. %(support)s "
                "behöver se över adressen till servern.",
                support=support,
            )
        case "password":
            return _(
                "E-postservern godtar inte användarnamnet och lösenordet. %(support)s behöver "
                "rätta dem.",
                support=support,
            )
        case "sender":
            return _(
                "E-postservern låter inte Skolsynk skicka från den adress som är inställd. "
                "%(support)s behöver rätta avsändaren.",
                support=support,
            )
        case "recipients":
            return _("E-postservern tog inte emot adressen. Kontrollera att den är rätt skriven.")
        case "refused":
            return _(
                "E-postservern tog inte emot meddelandet. I serverns logg står det varför. "
                "%(support)s kan titta där.",
                support=support,
            )
