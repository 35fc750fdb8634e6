"""What a worker of `adcascade serve` needs, imported once, in the process that all workers are forked from.

What is imported here is frozen: no collection of garbage looks at it, so that its memory stays shared.
"""

import gc
import importlib

import adcascade.cli.serve

AT_WORK = (  # what serving imports when it begins, by the settings that it has
    "sqlalchemy.dialects.sqlite.pysqlite",
    "uvicorn.lifespan.on",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.httptools_impl",
)

for name in (adcascade.cli.serve.__name__, *AT_WORK):
    importlib.import_module(name)
gc.collect()
gc.freeze()
