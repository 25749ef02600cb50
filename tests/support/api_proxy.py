"""App Engine's API proxy on loopback: reads what it is sent with Google's own message types.

The types are made from the descriptors in appengine-python-standard 3.1.0: that of
google/appengine/api/mail_service.proto whole, of google/appengine/ext/remote_api/
remote_api_bytes.proto what calls need.
"""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import TracebackType
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

MAIL_SERVICE = """
name: "google/appengine/api/mail_service.proto" package: "google.appengine"
message_type { name: "MailAttachment"
  field { name: "FileName" number: 1 label: LABEL_REQUIRED type: TYPE_STRING }
  field { name: "Data" number: 2 label: LABEL_REQUIRED type: TYPE_BYTES }
  field { name: "ContentID" number: 3 label: LABEL_OPTIONAL type: TYPE_STRING } }
message_type { name: "MailHeader"
  field { name: "name" number: 1 label: LABEL_REQUIRED type: TYPE_STRING }
  field { name: "value" number: 2 label: LABEL_REQUIRED type: TYPE_STRING } }
message_type { name: "MailMessage"
  field { name: "Sender" number: 1 label: LABEL_REQUIRED type: TYPE_STRING }
  field { name: "ReplyTo" number: 2 label: LABEL_OPTIONAL type: TYPE_STRING }
  field { name: "To" number: 3 label: LABEL_REPEATED type: TYPE_STRING }
  field { name: "Cc" number: 4 label: LABEL_REPEATED type: TYPE_STRING }
  field { name: "Bcc" number: 5 label: LABEL_REPEATED type: TYPE_STRING }
  field { name: "Subject" number: 6 label: LABEL_REQUIRED type: TYPE_STRING }
  field { name: "TextBody" number: 7 label: LABEL_OPTIONAL type: TYPE_STRING }
  field { name: "HtmlBody" number: 8 label: LABEL_OPTIONAL type: TYPE_STRING }
  field { name: "AmpHtmlBody" number: 11 label: LABEL_OPTIONAL type: TYPE_STRING }
  field { name: "Attachment" number: 9 label: LABEL_REPEATED type: TYPE_MESSAGE
          type_name: ".google.appengine.MailAttachment" }
  field { name: "Header" number: 10 label: LABEL_REPEATED type: TYPE_MESSAGE
          type_name: ".google.appengine.MailHeader" } }
"""
REMOTE_API = """
name: "google/appengine/ext/remote_api/remote_api_bytes.proto"
package: "google.appengine.ext.remote_api_bytes"
message_type { name: "Request"
  field { name: "service_name" number: 2 label: LABEL_REQUIRED type: TYPE_STRING }
  field { name: "method" number: 3 label: LABEL_REQUIRED type: TYPE_STRING }
  field { name: "request" number: 4 label: LABEL_REQUIRED type: TYPE_BYTES }
  field { name: "request_id" number: 5 label: LABEL_OPTIONAL type: TYPE_STRING } }
message_type { name: "ApplicationError"
  field { name: "code" number: 1 label: LABEL_REQUIRED type: TYPE_INT32 }
  field { name: "detail" number: 2 label: LABEL_REQUIRED type: TYPE_STRING } }
message_type { name: "RpcError"
  field { name: "code" number: 1 label: LABEL_REQUIRED type: TYPE_INT32 }
  field { name: "detail" number: 2 label: LABEL_OPTIONAL type: TYPE_STRING } }
message_type { name: "Response"
  field { name: "response" number: 1 label: LABEL_OPTIONAL type: TYPE_BYTES }
  field { name: "exception" number: 2 label: LABEL_OPTIONAL type: TYPE_BYTES }
  field { name: "application_error" number: 3 label: LABEL_OPTIONAL type: TYPE_MESSAGE
          type_name: ".google.appengine.ext.remote_api_bytes.ApplicationError" }
  field { name: "java_exception" number: 4 label: LABEL_OPTIONAL type: TYPE_BYTES }
  field { name: "rpc_error" number: 5 label: LABEL_OPTIONAL type: TYPE_MESSAGE
          type_name: ".google.appengine.ext.remote_api_bytes.RpcError" } }
"""


def _types() -> dict[str, Any]:
    pool = descriptor_pool.DescriptorPool()
    found = {}
    for text in (MAIL_SERVICE, REMOTE_API):
        file = text_format.Parse(text, descriptor_pb2.FileDescriptorProto())
        pool.Add(file)
        for message in file.message_type:
            descriptor = pool.FindMessageTypeByName(f"{file.package}.{message.name}")
            found[message.name] = message_factory.GetMessageClass(descriptor)
    return found


TYPES = _types()


class ApiProxy:
    """`with ApiProxy() as proxy:` then `proxy.port`; `mails`, `calls` and `headers` as they came.

    `answer` is the body in place of success, `status` its HTTP status.
    """

    def __init__(self, answer: bytes | None = None, status: int = 200) -> None:
        self.mails: list[Any] = []
        self.calls: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        proxy, success = self, TYPES["Response"](response=b"").SerializeToString()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                call = TYPES["Request"].FromString(
                    self.rfile.read(int(self.headers["Content-Length"]))
                )
                proxy.calls.append(call)
                proxy.mails.append(TYPES["MailMessage"].FromString(call.request))
                proxy.headers.append(dict(self.headers))
                proxy.paths.append(self.path)
                body = success if answer is None else answer
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: a test has nobody to tell."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> "ApiProxy":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def application_error(code: int, detail: str = "") -> bytes:
    """The answer when the mail service refuses."""
    error = TYPES["ApplicationError"](code=code, detail=detail)
    answer: bytes = TYPES["Response"](application_error=error).SerializeToString()
    return answer


def rpc_error(code: int, detail: str = "") -> bytes:
    """The answer when the proxy cannot do the call."""
    error = TYPES["RpcError"](code=code, detail=detail)
    answer: bytes = TYPES["Response"](rpc_error=error).SerializeToString()
    return answer
