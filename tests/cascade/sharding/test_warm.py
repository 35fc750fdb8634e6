"""Laws of warming up: everything that requests call has been called, and nothing else has happened."""

from pathlib import Path

from adcascade.cascade.opening import open_service


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
