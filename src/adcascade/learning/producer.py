"""Producer: a thread that takes the items of an iterator before somebody asks for them.

At most `ahead` items wait or are being made; who asks for the next one waits until it is there. What the iterator
raises is raised where the items are asked for, after those that came before. Leaving the `with` block stops the
thread, wherever it is, and returns when it has ended.
"""

import threading
from collections import deque
from collections.abc import Iterator
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class Producer(Generic[T]):
    """An iterator over the items of another one, and a context."""

    def __init__(self, items: Iterator[T], *, ahead: int = 1, name: str = "producer") -> None:
        if ahead < 1:
            raise ValueError(f"ahead is {ahead}; at least one item must be allowed to wait")
        self._items, self._ahead = items, ahead
        self._waiting: deque[T] = deque()
        self._ended, self._stopped = False, False
        self._error: BaseException | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            while self._has_room():
                self._put(next(self._items))
        except StopIteration:
            pass
        except BaseException as error:  # noqa: BLE001  raised again where the items are asked for
            self._error = error
        finally:
            self._items = iter(())  # what a generator holds open is closed
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _has_room(self) -> bool:
        """Wait until another item may be made; False where none is wanted any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or len(self._waiting) < self._ahead)
            return not self._stopped

    def _put(self, item: T) -> None:
        with self._changed:
            self._waiting.append(item)
            self._changed.notify_all()

    def __iter__(self) -> Self:
        """Itself."""
        return self

    def __next__(self) -> T:
        """The next item. Raises what the iterator raised in its place; ends where the producer was stopped."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ended or self._stopped)
            if self._waiting and not self._stopped:
                item = self._waiting.popleft()
                self._changed.notify_all()
                return item
            error, self._error = self._error, None
        if error is not None:
            raise error
        raise StopIteration

    def stop(self) -> None:
        """No further item is made, and nobody waits any longer; does not wait for the thread."""
        with self._changed:
            self._stopped = True
            self._waiting.clear()
            self._changed.notify_all()

    def join(self) -> None:
        """Wait until the thread has ended."""
        self._thread.join()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, and wait for the end."""
        self.stop()
        self.join()
