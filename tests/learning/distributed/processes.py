"""Several real processes, in one process group of gloo, and what each came to."""

import multiprocessing
import tempfile
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, TypeVar

import torch.distributed as dist

from adcascade.learning.distributed.world import World

T = TypeVar("T")
CONTEXT = multiprocessing.get_context("forkserver")  # torch is imported once, by the server
CONTEXT.set_forkserver_preload(
    [
        "tests.learning.distributed.small_world",
        "adcascade.learning.distributed.fit",
        "adcascade.ranking.dcn_v2",
        "pytest",  # the program that a child believes to be
        "torch._dynamo",  # every optimiser of torch imports it when it is made
    ]
)


def together(size: int, work: Callable[..., T], *arguments: Any) -> list[T]:
    """`work(world, *arguments)` in each of `size` processes; what they answered, in their order."""
    with tempfile.TemporaryDirectory() as folder:
        pipes = [CONTEXT.Pipe(duplex=False) for _ in range(size)]
        processes = [
            CONTEXT.Process(target=_one, args=(send, f"file://{folder}/store", (rank, size), work, arguments))
            for rank, (_, send) in enumerate(pipes)
        ]
        for one in processes:
            one.start()
        for _, send in pipes:
            send.close()
        try:
            answers = [_answer(receive) for receive, _ in pipes]
        finally:
            for one in processes:
                one.join(30)
                one.kill()
                one.join()
                one.close()
    return answers


def _answer(receive: Connection) -> Any:
    with receive:
        try:
            done, value = receive.recv()
        except EOFError:
            raise AssertionError("a process ended without an answer") from None
    if not done:
        raise AssertionError(value)
    return value


def _one(
    send: Connection, store: str, place: tuple[int, int], work: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    """What each process does."""
    try:
        dist.init_process_group("gloo", init_method=store, rank=place[0], world_size=place[1])
        send.send((True, work(World.here(), *arguments)))
        dist.barrier()
        dist.destroy_process_group()
    except Exception:  # noqa: BLE001  the test fails with it
        send.send((False, traceback.format_exc()))
    finally:
        send.close()
