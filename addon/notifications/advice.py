"""Explain on a page why a message could not be sent, and who can solve it."""

from flask_babel import gettext as _

from addon.notifications.mailer import Kind, MailError


def remedy(error: MailError) -> str:
    """Return the explanation for an administrator, in the language of the page."""
    return str(_words(error.kind))


def _words(kind: Kind) -> object:
    match kind:
        case "unreachable":
            return _(
                "E-postservern svarar inte. Försök igen om en stund; hjälper inte det behöver "
                "den som driver Skolsynk se över adressen till servern."
            )
        case "encryption":
            return _(
                "E-postservern erbjuder ingen kryptering, så inget har skickats. Den som driver "
                "Skolsynk behöver välja en annan server eller ett annat sätt att ansluta."
            )
        case "certificate":
            return _(
                "E-postserverns certifikat är inte giltigt, så inget har skickats. Den som driver "
                "Skolsynk behöver se över adressen till servern."
            )
        case "password":
            return _(
                "E-postservern godtar inte användarnamnet och lösenordet. Den som driver Skolsynk "
                "behöver rätta dem."
            )
        case "sender":
            return _(
                "E-postservern låter inte Skolsynk skicka från den adress som är inställd. Den som "
                "driver Skolsynk behöver rätta avsändaren."
            )
        case "recipients":
            return _("E-postservern tog inte emot adressen. Kontrollera att den är rätt skriven.")
        case "refused":
            return _(
                "E-postservern tog inte emot meddelandet. I serverns logg står det varför. Den som "
                "driver Skolsynk kan se efter där."
            )
