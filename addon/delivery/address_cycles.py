"""Let people exchange their addresses at a vendor where each address may be there once.

Of two who have exchanged addresses each is refused (409), because the other still has the wanted
one; so it is of any number in a ring. One of them gets an address that is nobody's for a moment,
then each of the others the one that has become free, and then the first.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec
from msgspec import Struct, structs

from addon.delivery.intents import intent_of
from addon.delivery.ledger_writer import LedgerWriter
from addon.delivery.operation_outcome import OperationOutcome, Succeeded
from addon.delivery.outcome_tally import OutcomeTally
from addon.delivery.throttle import DeliveryStopped, Throttle
from addon.delivery.transport import RetriesExhausted
from addon.planning.plan import Operation

MOST_PEOPLE = 50
"""The number of people in conflict beyond which nobody's address is asked for."""
MOST_UNANSWERED = 2
"""How many questions for an address may fail before no more are asked."""
SECONDS_A_STEP = 1.0
"""The time that an exchange must have left for each of its requests."""

ReadAddress = Callable[[str, str], Awaitable[str | None]]
"""Returns a person's userName at the vendor by externalId and vendor's id, None if unknown."""
Attempt = Callable[[Operation], Awaitable[OperationOutcome | None]]
"""Carries out an operation; None if it had no outcome, which is in the tally then."""
WriteIntents = Callable[[Sequence[Operation]], Awaitable[None]]
"""Saves that operations are about to be sent; stops the delivery if that fails."""


def find_cycles(wanted: Mapping[str, str], current: Mapping[str, str]) -> list[list[str]]:
    """Return the rings of people, each of whom wants the address that the next one has.

    Both are addresses by externalId; case is ignored. An address that two want, or two have, is
    in no ring.
    """
    holders = _by_address(current)
    wanting = set(_by_address(wanted).values())
    follows = {
        person: holder
        for person, address in wanted.items()
        if person in wanting and (holder := holders.get(address.casefold())) not in (None, person)
    }
    cycles: list[list[str]] = []
    seen: set[str] = set()
    for start in sorted(follows):
        path: list[str] = []
        person: str | None = start
        while person is not None and person not in seen:
            seen.add(person)
            path.append(person)
            person = follows.get(person)
        if person is not None and person in path:
            cycles.append(path[path.index(person) :])
    return cycles


def _by_address(addresses: Mapping[str, str]) -> dict[str, str]:
    """Return who has each address, without the addresses that several have."""
    counts = Counter(address.casefold() for address in addresses.values())
    return {
        address.casefold(): person
        for person, address in addresses.items()
        if counts[address.casefold()] == 1
    }


def user_name_of(body: bytes) -> str:
    """Return the userName of a User that is to be sent; empty if it has none."""
    found = msgspec.json.decode(body).get("userName")
    return found if isinstance(found, str) else ""


def with_user_name(body: bytes, user_name: str) -> bytes:
    """Return a User with another userName, and with that in place of the old one in `emails`."""
    user = msgspec.json.decode(body)
    old = user["userName"].casefold()
    user["userName"] = user_name
    for email in user.get("emails", ()):
        if email.get("value", "").casefold() == old:
            email["value"] = user_name
    return msgspec.json.encode(user)


def free_address(external_id: str, wanted: str) -> str:
    """Return an address that is nobody's, in the domain of the wanted one."""
    return f"{external_id}@{wanted.rpartition('@')[2]}"


class _Person(Struct, eq=False):
    """One person of a ring.

    `current` is the address that the vendor has. `sending` is the operation as it is sent during
    the exchange, for which the ledger has an intent; `outcome` is that of the latest success, and
    `touched` is whether anything was sent.
    """

    op: Operation
    current: str
    sending: Operation
    outcome: Succeeded | None = None
    touched: bool = False

    def with_address(self, address: str) -> Operation:
        """Return the operation with another address."""
        return structs.replace(self.sending, body=with_user_name(self.op.body, address))


class AddressExchange:
    """The exchanges of addresses that are left in conflict at the end of a delivery.

    The ledger says of everybody in a ring, from before the first request until the last has been
    answered, that it is not known what the vendor has of them; the next run sends them again.
    """

    def __init__(
        self,
        read_address: ReadAddress,
        attempt: Attempt,
        write_intents: WriteIntents,
        ledger_writer: LedgerWriter,
        tally: OutcomeTally,
        throttle: Throttle,
    ) -> None:
        self._read_address = read_address
        self._attempt = attempt
        self._write_intents = write_intents
        self._ledger_writer = ledger_writer
        self._tally = tally
        self._throttle = throttle

    async def run(self) -> None:
        """Exchange the addresses of the people in conflict who are in a ring.

        An exchange of which a step fails is undone as far as the vendor lets it be.
        """
        operations = {
            op.external_id: op
            for op in self._tally.conflicts.values()
            if op.resource_type == "User" and op.kind == "update"
        }
        if not 2 <= len(operations) <= MOST_PEOPLE:
            return
        wanted = {person: user_name_of(op.body) for person, op in operations.items()}
        current = await self._read(list(operations.values()))
        for cycle in find_cycles(wanted, current):
            if self._throttle.stopped is not None:
                return
            await self._exchange([_person(operations[each], current[each]) for each in cycle])

    async def _read(self, operations: Sequence[Operation]) -> dict[str, str]:
        """Return the addresses that the vendor has, of those of whom it says one."""
        found: dict[str, str] = {}
        unanswered = 0
        for op in operations:
            if unanswered >= MOST_UNANSWERED:
                break
            try:
                address = await self._read_address(op.external_id, op.vendor_id or op.external_id)
            except RetriesExhausted:
                unanswered += 1
                continue
            except DeliveryStopped as stopped:
                self._throttle.stop(stopped)
                break
            if address:
                found[op.external_id] = address
        return found

    async def _exchange(self, people: Sequence[_Person]) -> None:
        """Give each of a ring the address of the next."""
        if not self._throttle.has_time(SECONDS_A_STEP * (len(people) + 1)):
            for person in people:
                self._tally.leave(person.op, untried=True)
            return
        await self._write_intents([person.op for person in people])
        first = people[0]
        parked = free_address(first.op.external_id, user_name_of(first.op.body))
        changed = [first] if await self._send(first, first.with_address(parked)) else []
        if changed:
            for person in (*reversed(people[1:]), first):
                if not await self._send(person, person.sending):
                    break
                changed.append(person)
        if len(changed) > len(people):
            for person in people:
                assert person.outcome is not None
                self._tally.note(person.sending, person.outcome)
        else:
            await self._undo(people, changed)

    async def _send(self, person: _Person, op: Operation) -> bool:
        """Send an operation; return whether it succeeded. A refusal of what is wanted is noted."""
        person.touched = True
        outcome = await self._attempt(op)
        if isinstance(outcome, Succeeded):
            vendor_id = outcome.vendor_id or person.sending.vendor_id
            person.outcome = outcome
            person.sending = structs.replace(person.sending, vendor_id=vendor_id)
            return True
        if outcome is not None and op is person.sending:
            self._tally.note(op, outcome)
        return False

    async def _undo(self, people: Sequence[_Person], changed: Sequence[_Person]) -> None:
        """Give those who were changed the addresses that they had, the latest first.

        What the ledger has of them stays uncertain, so that the next run sends them again.
        """
        there = list(changed)
        while there and self._throttle.stopped is None:
            if not await self._send(there[-1], there[-1].with_address(there[-1].current)):
                break
            there.pop()
        for person in people:
            if self._throttle.stopped is not None:
                self._tally.leave(person.sending, untried=False)
            if not person.touched:
                self._tally.recorder.untried(person.op)
            elif person in there:  # a refusal must not leave them as they are for a day
                self._ledger_writer.record([intent_of(person.sending)])


def _person(op: Operation, current: str) -> _Person:
    """Return a person with the operation for which the ledger has an intent."""
    intent = intent_of(op)
    assert intent.entry is not None
    sending = structs.replace(op, look=False, ask=False, previous=intent.entry.content)
    return _Person(op, current, sending)
