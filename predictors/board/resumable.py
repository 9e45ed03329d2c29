"""A board whose finished rounds survive a broken connection, and an interruption of the program.

A measurement depends only on its files, its protocol and the board's answers. So running it again, with the finished
rounds replayed from memory, continues where it stopped.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, TypeVar

from predictors.board.answer_validation import BadAnswer, checked
from predictors.board.device import Board, Unreachable
from search_spaces.errors import LutraError

MOVING = ("clock_cap_khz", "governor", "turbo", "power")  # may change: each round records them
T = TypeVar("T")
PAUSES = (1.0, 3.0, 9.0, 27.0, 60.0)  # seconds before each reconnection: enough for a board to restart
Record = Mapping[str, Any]  # {"request": ..., "answer": ...} of one finished round


class ResumableBoard:
    """A board that reconnects when its link breaks, and never repeats a finished round.

    `connect(again)` opens a connection. `finished` holds the rounds of earlier runs, `keep` receives each new one, and
    `say` receives messages for the user.
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
        self._loaded: set[str] = set()  # files loaded over this connection
        self._stack = ExitStack()
        self._connected = False
        self._boot: str | None = None
        try:
            self._patiently(self._meet)
        except BaseException:
            self.close()
            raise

    def load(self, name: str, file: bytes) -> None:
        """Remembers the file; it is sent when a round is needed that is not in memory."""
        self._files[name], self._hashes[name] = file, hashlib.sha256(file).hexdigest()
        self._loaded.discard(name)

    def round(self, order: Sequence[str], seconds: float, each: bool = False) -> dict[str, Any]:
        request = {"order": list(order), "seconds": seconds, "each": each}
        stamped = {
            **request,
            "files": hashlib.sha256("".join(self._hashes[name] for name in order).encode()).hexdigest(),
        }
        finished = self._memo[_key(stamped)]
        while finished:
            try:
                return checked("the board", "round", request, finished.popleft())
            except BadAnswer as error:
                self._say(f"a round from an earlier command is discarded and measured again: {error}")
        answer = checked("the board", "round", request, self.ask("round", **request))
        self._keep({"request": stamped, "answer": answer})
        return answer

    def ask(self, do: str, **arguments: Any) -> Any:
        """The answer, reconnecting as needed. Raises Unreachable when no connection can be made."""
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
        """Makes the first connection, which identifies the board."""
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
                f"another board answers now, with a different {', '.join(changed)}; start a new measurement for it"
            )
        boot = self._board.ask("state").get("boot_id")
        if boot != self._boot:
            self._say("the board has restarted; its unfinished round is measured again")
            self._boot = boot


@contextmanager
def resumable(
    connect: Callable[[bool], AbstractContextManager[Board]],
    finished: Iterable[Record],
    keep: Callable[[Record], None],
    say: Callable[[str], None] = print,
    pauses: Sequence[float] = PAUSES,
) -> Iterator[ResumableBoard]:
    """A `ResumableBoard` board, closed at the end of the `with` block."""
    board = ResumableBoard(connect, finished, keep, say, pauses)
    try:
        yield board
    finally:
        board.close()


def _key(request: Mapping[str, Any]) -> str:
    return json.dumps(request, sort_keys=True)
