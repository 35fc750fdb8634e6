"""Line: one connection of a front to a shard. It greets, tells terms, carries questions; what it hears the fan gets."""

import asyncio
import hmac
import os
from typing import Protocol

from adcascade.cascade.sharding.messages import Challenge, Found, Holds, Message, Proof, Terms
from adcascade.cascade.sharding.standing import Told
from adcascade.errors import InputError
from adcascade.server.sharding.frames import LARGEST, NONCE, Cutter, framed, proof_of


class Hearer(Protocol):
    """Whoever a line belongs to."""

    def holds(self, line: "Line", told: Holds, /) -> None:
        """The shard said who it is and which bundles it has. InputError where it does not belong here."""
        ...

    def found(self, line: "Line", told: Found, /) -> None:
        """An answer came. InputError where it is broken."""
        ...

    def lost(self, line: "Line", /) -> None:
        """The line is no more."""
        ...


class Line(asyncio.Protocol):
    """greeted: done when the shard has proved itself and said who it is; closed: when the connection is over."""

    def __init__(self, key: bytes, hearer: Hearer) -> None:
        self._key, self._hearer = key, hearer
        self._cutter = Cutter()
        self._nonces = b"", b""  # theirs, ours
        self._transport: asyncio.Transport | None = None
        loop = asyncio.get_running_loop()
        self.greeted: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()
        self.trouble = ""  # why it was given up
        self.told = Told()
        self.late = 0  # questions in a row that it did not answer in time

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as TCP has it
        """The shard speaks first."""
        self._transport = transport

    def send(self, data: bytes) -> None:
        """A frame; nothing where the line is over."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def tell(self, terms: Terms) -> None:
        """Of pacing and money."""
        self.send(framed(terms))

    def drop(self, why: str) -> None:
        """Give the line up at once."""
        self.trouble = self.trouble or why
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Whatever is no message of a shard ends the line."""
        try:
            for message in self._cutter.feed(data):
                self._hear(message)
        except InputError as error:
            self.drop(str(error))

    def _hear(self, message: Message) -> None:
        match message:
            case Found() if self.greeted.done():
                self.late = 0
                self._hearer.found(self, message)
            case Holds() if self.greeted.done():
                self._hearer.holds(self, message)
            case Holds() if hmac.compare_digest(message.proof, proof_of(self._key, "shard", *self._nonces)):
                self._cutter.limit = LARGEST
                self._hearer.holds(self, message)
                self.greeted.set_result(None)
            case Challenge() if not self._nonces[0] and len(message.nonce) == NONCE:
                self._nonces = message.nonce, os.urandom(NONCE)
                self.send(framed(Proof(self._nonces[1], proof_of(self._key, "front", *self._nonces))))
            case _:
                what = type(message).__name__
                raise InputError("message", what, "the word of a shard with the same secret", "set ADCASCADE_SECRET")

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody waits for it any more."""
        self.trouble = self.trouble or (str(exc) if exc else "the shard closed the line")
        for one in (self.greeted, self.closed):
            if not one.done():
                one.set_result(None)
        self._hearer.lost(self)
