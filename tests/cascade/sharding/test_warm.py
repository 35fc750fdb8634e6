"""Laws of warming up: everything that requests call has been called, and nothing else has happened."""

import subprocess
import sys
from pathlib import Path

from adcascade.cascade.opening import open_service

ASK = """
import sys
from pathlib import Path
from numba.core.dispatcher import Dispatcher
from adcascade.cascade.opening import open_service
from adcascade.contracts import AdRequest, Slot

def compiled():
    modules = [module for name, module in sys.modules.items() if name.startswith("adcascade.")]
    found = {id(one): one for module in modules for one in vars(module).values() if isinstance(one, Dispatcher)}
    return {(one.py_func.__qualname__, str(types)) for one in found.values() for types in one.signatures}

service = open_service(Path(sys.argv[1]))
before = compiled()
answer = service.auction(AdRequest(id="first", time_us=1_750_000_000_000_000, slots=(Slot(id="1"),)))
after = compiled()
service.close()
assert answer.winners and before
assert after == before, after - before
"""


def test_the_first_request_of_a_process_compiles_nothing(shop: Path) -> None:
    """In a process of its own: what is compiled, and for which types, is the same before and after it."""
    subprocess.run([sys.executable, "-c", ASK, str(shop)], check=True)


def test_a_service_opens_with_everything_compiled_and_no_pace(shop: Path) -> None:
    """No stage has failed or been timed, no auction was counted or logged, and no money was held."""
    service = open_service(shop)
    try:
        engine = service.loaded.engine
        for pipeline in (engine.select, engine.explore, engine.close, engine.close_explored):
            assert [pace.seen for pace in pipeline.paces.values()] == [0] * len(pipeline.paces)
        assert service.parts.journal.last_seq == 0
        assert not service.parts.till.bank.held
    finally:
        service.close()
