"""A board whose finished rounds outlive its connection, and the program that asked for them.

A measuring is a function of its files, its protocol and the board's answers: where the answers are remembered, running
it again leads to where it stopped, and on.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, TypeVar

from predictors.board.answers import BadAnswer, checked
from predictors.board.device import Board, Unreachable
from search_spaces.errors import LutraError

MOVING = ("clock_cap_khz", "governor", "turbo", "power")  # of a passport; what the state of each round tells too
T = TypeVar("T")
PAUSES = (1.0, 3.0, 9.0, 27.0, 60.0)  # seconds before each reconnection: enough for a board to restart
Record = Mapping[str, Any]  # {"request": ..., "answer": ...} of one finished round


class Lasting:
    """A board that is connected again when its link breaks. What the board has finished is never asked twice.

    `connect(again)` opens a connection. `finished` are the rounds known from before, `keep` is given each new one, and
    `say` the lines that the user should read.
    """

    def __init__(
        self,
        connect: Callable[[bool], AbstractContextManager[Board]],
        finished: Iterable[Record],
        keep: Callable[[Record], None],
        say: Callable[[str], None] = print,
        pauses: Sequence[float] = PAUSES,
    ) -> None:
        self._connect, self._keep, self._say, self._pauses = connect, keep, say, pauses
        self._memo: dict[str, deque[Any]] = defaultdict(deque)
        for record in finished:
            if isinstance(record, Mapping) and {"request", "answer"} <= {*record}:
                self._memo[_key(record["request"])].append(record["answer"])
        self._files: dict[str, bytes] = {}
        self._hashes: dict[str, str] = {}
        self._loaded: set[str] = set()  # of this connection
        self._stack = ExitStack()
        self._connected = False
        self._boot: str | None = None
        try:
            self._patiently(self._meet)
        except BaseException:
            self.close()
            raise

    def load(self, name: str, onnx: bytes) -> None:
        """Remembers the file; it travels when something is asked that is not known yet."""
        self._files[name], self._hashes[name] = onnx, hashlib.sha256(onnx).hexdigest()
        self._loaded.discard(name)

    def round(self, order: Sequence[str], seconds: float, each: bool = False) -> dict[str, Any]:
        request = {"order": list(order), "seconds": seconds, "each": each}
        stamped = {
            **request,
            "files": hashlib.sha256("".join(self._hashes[name] for name in order).encode()).hexdigest(),
        }
        known = self._memo[_key(stamped)]
        while known:
            try:
                return checked("the board", "round", request, known.popleft())
            except BadAnswer as error:
                self._say(f"a round of an earlier command is dropped and measured again: {error}")
        answer = checked("the board", "round", request, self.ask("round", **request))
        self._keep({"request": stamped, "answer": answer})
        return answer

    def ask(self, do: str, **arguments: Any) -> Any:
        """The answer, over as many connections as it takes. Raises Unreachable when no more can be made."""
        return self._patiently(lambda: self._ask(do, arguments))

    def _patiently(self, attempt: Callable[[], T]) -> T:
        for pause in self._pauses:
            try:
                return attempt()
            except Unreachable as error:
                self._say(f"{error}; trying again in {pause:g} s")
                self.close()
                time.sleep(pause)
        return attempt()

    def close(self) -> None:
        self._connected = False
        self._loaded.clear()
        self._stack.close()

    def _meet(self) -> None:
        """The first connection, which says what board it is."""
        self._board = self._stack.enter_context(self._connect(False))
        self.threads, self.passport = self._board.threads, self._board.passport
        self._boot = self._board.ask("state").get("boot_id")
        self._connected = True

    def _ask(self, do: str, arguments: Mapping[str, Any]) -> Any:
        if not self._connected:
            self._reconnect()
        for name in [name for name in self._files if name not in self._loaded]:
            self._board.load(name, self._files[name])
            self._loaded.add(name)
        return self._board.ask(do, **arguments)

    def _reconnect(self) -> None:
        self._board = self._stack.enter_context(self._connect(True))
        self._connected = True
        here = self._board.passport
        changed = [key for key, value in self.passport.items() if here.get(key) != value and key not in MOVING]
        if changed:
            raise LutraError(
                f"another board answers now: its {', '.join(changed)} differ; start a measuring of its own"
            )
        boot = self._board.ask("state").get("boot_id")
        if boot != self._boot:
            self._say("the board has restarted; its unfinished round is measured again")
            self._boot = boot


@contextmanager
def lasting(
    connect: Callable[[bool], AbstractContextManager[Board]],
    finished: Iterable[Record],
    keep: Callable[[Record], None],
    say: Callable[[str], None] = print,
    pauses: Sequence[float] = PAUSES,
) -> Iterator[Lasting]:
    """A `Lasting` board for as long as the `with` block."""
    board = Lasting(connect, finished, keep, say, pauses)
    try:
        yield board
    finally:
        board.close()


def _key(request: Mapping[str, Any]) -> str:
    return json.dumps(request, sort_keys=True)
