"""App Engine's mail service, called in the same way as Google's SDK calls it.

The SDK itself, appengine-python-standard 3.1.0, cannot be installed with our other packages: it
requires urllib3 before 2, which has known vulnerabilities, and depends on Pillow, grpcio-tools and
mock. To send a message it only makes one POST to the API proxy of the instance, as is done here.

The proxy exists if app.yaml has `app_engine_apis: true`. It accepts calls that carry the ticket of
a current request, so messages can be sent from requests and tasks, but not from threads.
Messages: google/appengine/ext/remote_api/remote_api_bytes.proto and google/appengine/api/
mail_service.proto of the SDK; the call: google/appengine/runtime/default_api_stub.py.
https://cloud.google.com/appengine/docs/standard/services/mail
"""

from collections.abc import Callable, Iterator
from email.utils import formataddr
from http.client import HTTPConnection, HTTPException

from flask import has_request_context, request

from addon.notifications.mailer import HEADERS, NAME, Kind, MailError, Message
from addon.settings import AppEngineMail
from addon.settings.names import MAIL, MAIL_FROM

PATH = "/rpc_http"
TIMEOUT = 30.0
"""The service's time limit in seconds; the connection has one more, for the timeout response."""
TICKET = "X-Appengine-Api-Ticket"

INTERNAL_ERROR, BAD_REQUEST, UNAUTHORIZED_SENDER = 1, 2, 3
"""MailServiceError.ErrorCode"""
OVER_QUOTA, CAPABILITY_DISABLED, FEATURE_DISABLED = 4, 6, 7
"""RpcError.ErrorCode"""


def ticket_of_request() -> str | None:
    """Return the ticket of the current request; App Engine does not let clients set the header."""
    return request.headers.get(TICKET) if has_request_context() else None


class AppEngineMailer:
    """Sends messages from `sender` through the mail service of the App Engine application."""

    def __init__(
        self,
        service: AppEngineMail,
        sender: str,
        ticket: Callable[[], str | None] = ticket_of_request,
        timeout: float = TIMEOUT,
    ) -> None:
        self._service = service
        self._sender = sender
        self._ticket = ticket
        self._timeout = timeout

    def send(self, message: Message) -> None:
        """Submit the message to the service, which queues it. Raises MailError."""
        ticket = self._ticket()
        if not ticket:
            raise MailError(
                "set-up",
                f"{MAIL}=appengine sends from App Engine's requests and tasks only, and where "
                "app.yaml has `app_engine_apis: true`: add it and deploy, or name an SMTP server",
            )
        _see(self._call(_call(ticket, _mail(self._sender, message))))

    def _call(self, body: bytes) -> bytes:
        host, port = self._service.host, self._service.port
        connection = HTTPConnection(host, port, timeout=self._timeout + 1)
        try:
            connection.request("POST", PATH, body, _headers(self._timeout))
            answer = connection.getresponse()
            data = answer.read()
        except (OSError, HTTPException) as error:
            raise MailError(
                "unreachable",
                f"App Engine's mail service cannot be reached ({type(error).__name__}): see that "
                "app.yaml has `app_engine_apis: true`",
            ) from None
        finally:
            connection.close()
        if answer.status != 200:
            raise MailError(
                "unreachable",
                f"App Engine's mail service is not there ({answer.status}): see that app.yaml has "
                "`app_engine_apis: true`",
            )
        return data


def _headers(timeout: float) -> dict[str, str]:
    return {
        "X-Google-RPC-Service-Deadline": f"{timeout:g}",
        "X-Google-RPC-Service-Endpoint": "app-engine-apis",
        "X-Google-RPC-Service-Method": "/VMRemoteAPI.CallRemoteAPI",
        "Content-Type": "application/octet-stream",
    }


def _mail(sender: str, message: Message) -> bytes:
    """Return an encoded MailMessage."""
    parts = [field(1, formataddr((NAME, sender)))]
    parts += [field(3, address) for address in message.to]
    parts += [field(6, message.subject), field(7, message.text)]
    if message.html is not None:
        parts.append(field(8, message.html))
    parts += [field(10, field(1, name) + field(2, value)) for name, value in HEADERS.items()]
    return b"".join(parts)


def _call(ticket: str, mail: bytes) -> bytes:
    """Return an encoded Request of the remote API."""
    return field(2, "mail") + field(3, "Send") + field(4, mail) + field(5, ticket)


def _see(data: bytes) -> None:
    """Raise MailError if an encoded Response says that the message was not accepted."""
    try:
        found = dict(fields(data))
        application, remote = _code(found.get(3)), _code(found.get(5))
    except ValueError:
        raise MailError(
            "unreachable", "App Engine's mail service gave an answer that is none; try again"
        ) from None
    if application is not None:
        raise _refusal(application)
    if remote is not None:
        raise _trouble(remote)
    if 2 in found or 4 in found:
        raise _trouble(0)


def _code(error: int | bytes | None) -> int | None:
    """Return the code of an ApplicationError or RpcError, or None if there is no error."""
    if error is None:
        return None
    code = dict(fields(error)).get(1, 0) if isinstance(error, bytes) else 0
    return code if isinstance(code, int) else 0


def _refusal(code: int) -> MailError:
    """Return the error for a code of the mail service."""
    kind: Kind = "refused"
    if code == UNAUTHORIZED_SENDER:
        return MailError(
            "sender",
            f"App Engine does not let us send from the address in {MAIL_FROM}: enter it among the "
            "Email API Authorized Senders in the Cloud console (App Engine, Settings), or use "
            "notices@PROJECT.appspotmail.com",
        )
    if code == BAD_REQUEST:
        kind = "recipients"
    return MailError(
        kind,
        f"App Engine's mail service refused the message (code {code}): see that the addresses "
        "under Inställningar are right",
    )


def _trouble(code: int) -> MailError:
    """Return the error for a code of the API proxy."""
    if code == OVER_QUOTA:
        return MailError(
            "refused",
            "App Engine's mail service has sent as many messages as its quota lets it today: "
            f"raise the quota, or name an SMTP server in {MAIL}",
        )
    if code in (CAPABILITY_DISABLED, FEATURE_DISABLED):
        return MailError(
            "set-up",
            "App Engine's mail service is not turned on for this application: see that app.yaml "
            f"has `app_engine_apis: true`, or name an SMTP server in {MAIL}",
        )
    return MailError(
        "unreachable", f"App Engine's mail service could not be called (code {code}); try again"
    )


VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def field(number: int, value: str | bytes) -> bytes:
    """Return an encoded protobuf field of text, bytes or another message."""
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | BYTES) + _varint(len(data)) + data


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the fields of an encoded message as (number, value). Raises ValueError if invalid."""
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, at = _read_varint(data, at)
            yield number, value
            continue
        if kind == BYTES:
            length, at = _read_varint(data, at)
        elif kind in (FIXED32, FIXED64):
            length = 4 if kind == FIXED32 else 8
        else:
            raise ValueError(f"wire type {kind}")
        if at + length > len(data):
            raise ValueError("a field is cut off")
        yield number, data[at : at + length]
        at += length


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number is cut off")
