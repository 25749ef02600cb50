"""Secrets from a stand-in for Secret Manager that speaks its real gRPC API."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import grpc
import pytest
from google.auth.exceptions import DefaultCredentialsError
from google.cloud.secretmanager_v1.types import (
    AccessSecretVersionRequest,
    AccessSecretVersionResponse,
    SecretPayload,
)

from addon.vendors.profiles import Endpoint, NotConfigured
from addon.vendors.secret_manager import AGAIN, FRESH, STALE, SecretManager

NAME = "projects/skolsynk/secrets/binogi-live/versions/latest"
ACCESS = "/google.cloud.secretmanager.v1.SecretManagerService/AccessSecretVersion"


class StandIn(grpc.GenericRpcHandler):
    """Secret Manager with one secret: its value, or the status it answers with instead."""

    def __init__(self) -> None:
        self.value = b"s3cret"
        self.status: grpc.StatusCode | None = None
        self.asked: list[str] = []

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        if details.method != ACCESS:
            return None
        return grpc.unary_unary_rpc_method_handler(
            self.access,
            request_deserializer=AccessSecretVersionRequest.deserialize,
            response_serializer=AccessSecretVersionResponse.serialize,
        )

    def access(
        self, request: AccessSecretVersionRequest, context: grpc.ServicerContext
    ) -> AccessSecretVersionResponse:
        self.asked.append(request.name)
        if self.status is not None:
            context.abort(self.status, "a description that may hold anything: s3cret")
        return AccessSecretVersionResponse(
            name=request.name, payload=SecretPayload(data=self.value)
        )


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stand_in() -> StandIn:
    return StandIn()


@pytest.fixture
def secrets(stand_in: StandIn, clock: Clock) -> Iterator[SecretManager]:
    server = grpc.server(ThreadPoolExecutor(4), handlers=[stand_in])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield SecretManager(f"127.0.0.1:{port}", clock)
    server.stop(None).wait()


def test_a_secret_is_read_by_its_resource_name(secrets: SecretManager, stand_in: StandIn):
    assert secrets(NAME) == "s3cret"
    assert stand_in.asked == [NAME]


def test_an_endpoint_gets_its_secret_from_it(secrets: SecretManager):
    endpoint = Endpoint(url="https://scim.example", secret=f"secretmanager:{NAME}")

    assert endpoint.resolve({}, secrets).headers == {"X-API-Key": "s3cret"}


def test_a_value_is_used_for_minutes_and_then_read_again(
    secrets: SecretManager, stand_in: StandIn, clock: Clock
):
    secrets(NAME)
    stand_in.value = b"n3w\n"
    clock.now += FRESH - 1
    assert secrets(NAME) == "s3cret"
    clock.now += 1
    assert secrets(NAME) == "n3w"
    assert len(stand_in.asked) == 2


def test_a_value_that_a_vendor_refuses_is_forgotten(secrets: SecretManager, stand_in: StandIn):
    secrets(NAME)
    stand_in.value = b"n3w"
    secrets.forget(f"secretmanager:{NAME}")
    assert secrets(NAME) == "n3w"


def test_many_threads_ask_once(secrets: SecretManager, stand_in: StandIn):
    together = Barrier(8, timeout=30)

    def get(_: int) -> str:
        together.wait()
        return secrets(NAME)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(get, range(8))) == {"s3cret"}
    assert len(stand_in.asked) == 1


def test_while_secret_manager_is_away_the_last_value_serves_for_a_bounded_time(
    secrets: SecretManager, stand_in: StandIn, clock: Clock, caplog: pytest.LogCaptureFixture
):
    secrets(NAME)
    stand_in.status = grpc.StatusCode.DEADLINE_EXCEEDED
    clock.now += FRESH
    assert secrets(NAME) == secrets(NAME) == "s3cret"
    assert len(stand_in.asked) == 2, "not asked again at once"
    assert [r.levelno for r in caplog.records if r.name == "addon.vendors.secret_manager"] == [
        logging.WARNING
    ]
    assert NAME in caplog.text
    assert "s3cret" not in caplog.text

    clock.now += AGAIN
    assert secrets(NAME) == "s3cret"
    assert len(stand_in.asked) == 3

    clock.now += STALE
    with pytest.raises(NotConfigured, match="just now"):
        secrets(NAME)

    stand_in.status = None
    assert secrets(NAME) == "s3cret"


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (
            grpc.StatusCode.PERMISSION_DENIED,
            r"roles/secretmanager\.secretAccessor\) on projects/skolsynk/secrets/binogi-live$",
        ),
        (grpc.StatusCode.NOT_FOUND, "gcloud secrets create binogi-live"),
        (grpc.StatusCode.FAILED_PRECONDITION, "disabled or destroyed"),
        (grpc.StatusCode.INVALID_ARGUMENT, "fix the vendor profile"),
        (grpc.StatusCode.UNAUTHENTICATED, "gcloud auth application-default login"),
    ],
)
def test_an_answer_that_somebody_meant_holds_at_once(
    secrets: SecretManager,
    stand_in: StandIn,
    clock: Clock,
    status: grpc.StatusCode,
    remedy: str,
):
    secrets(NAME)
    stand_in.status = status
    clock.now += FRESH
    for _ in range(2):
        with pytest.raises(NotConfigured, match=remedy) as raised:
            secrets(NAME)
        assert "binogi-live" in str(raised.value)
        assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(("value", "fault"), [(b" \n", "is empty"), (b"\xff", "is not text")])
def test_what_is_no_secret_is_reported(
    secrets: SecretManager, stand_in: StandIn, value: bytes, fault: str
):
    stand_in.value = value
    with pytest.raises(NotConfigured, match=fault):
        secrets(NAME)


def test_without_google_credentials_it_says_so():
    def client() -> None:
        raise DefaultCredentialsError("none")

    with pytest.raises(NotConfigured, match="without Google credentials"):
        SecretManager(client=client)(NAME)


def test_no_value_is_shown_by_the_cache(secrets: SecretManager):
    secrets(NAME)
    assert "s3cret" not in repr(vars(secrets))
