"""What is particular to the books in Redis: what the server must promise, exact numbers, scripts, its own sums."""

from collections.abc import Iterator

import pytest
import redis
from tests.money.conftest import empty

from adcascade.chaos.servers import RedisServer
from adcascade.errors import ConfigurationError, InputError
from adcascade.events.journal import Journal
from adcascade.money.books import Transfer
from adcascade.money.charge import Charge, fee_of
from adcascade.money.leases import Ask
from adcascade.money.redis.books import RedisBooks
from adcascade.money.terms import Budget

pytestmark = pytest.mark.needs("redis")
MOST = 2**53 - 1
FAR = 10**15


@pytest.fixture
def server(redis_server: RedisServer) -> RedisServer:
    """An empty server."""
    empty(redis_server.url)
    return redis_server


@pytest.fixture
def books(server: RedisServer, journal: Journal) -> Iterator[RedisBooks]:
    """Empty books."""
    opened = RedisBooks(server.url, journal)
    yield opened
    opened.close()


def test_a_server_that_may_lose_what_it_answered_is_refused(journal: Journal) -> None:
    """The error says what to set; taken on purpose, the status says what it lacks."""
    with RedisServer(("--appendfsync", "everysec", "--maxmemory-policy", "allkeys-lru")) as weak:
        with pytest.raises(
            ConfigurationError, match=r"`appendfsync always` .*'everysec'.*`maxmemory-policy noeviction`"
        ):
            RedisBooks(weak.url, journal)
        books = RedisBooks(weak.url, journal, weak=True)
        assert "appendfsync is 'everysec'" in books.promise
        books.close()


def test_amounts_are_exact_up_to_the_last_micro(books: RedisBooks) -> None:
    """A budget of 2^53 - 1 micros with a fee: granted, charged and refunded to the micro; one more is refused."""
    budget = Budget(daily=MOST, total=MOST, advertiser="a", fee_bp=9_999)
    books.set_budgets({"c": budget}, 0).result()
    ask = Ask(epoch=books.claim("me", 0), campaign="c", least=MOST, share=1, expires_us=FAR, ttl_us=0, now_us=0)
    lease = books.grant(ask).result()
    assert lease.granted == MOST
    price = MOST - 1
    charges = [Charge("b", "c", lease.lease, price, FAR, 1, "e"), Charge("b2", "c", lease.lease, 1, FAR, 1, "e2")]
    assert [receipt.charged_micros for receipt in books.charge(charges).result()] == [price, 1]
    assert books.accounts()["fee"] == fee_of(price, 9_999)
    assert books.left("c", 1).micros() == 0
    assert books.verify() == []
    with pytest.raises(InputError, match=r"at most 2\*\*53 - 1"):
        books.set_budgets({"c": Budget(daily=MOST + 1)}, 0)


def test_sums_never_leave_the_exact_numbers(books: RedisBooks) -> None:
    """Without any limit a campaign and a wallet still end at 2^53 - 1: what would pass it is refused, not rounded."""
    books.set_budgets({"c": Budget(advertiser="a"), "p": Budget(advertiser="w", prepaid=True)}, 0).result()
    receipts = books.charge([Charge(f"b{i}", "c", 0, MOST // 2 + 1, FAR, 1, f"{i}") for i in range(2)]).result()
    assert [receipt.charged_micros for receipt in receipts] == [MOST // 2 + 1, 0]
    for number, micros in enumerate((MOST - 5, 5)):
        order = Transfer(id=f"t{number}", kind="top_up", advertiser="w", micros=micros, time_us=0)
        books.transfer(order).result()
    with pytest.raises(InputError, match="micros"):
        books.transfer(Transfer(id="t2", kind="top_up", advertiser="w", micros=1, time_us=0)).result()
    assert books.wallets(["w"]).result() == {"w": MOST}
    assert books.verify() == []


def test_flushed_scripts_are_loaded_again(books: RedisBooks, server: RedisServer) -> None:
    """An administrator empties the script cache; the next order does not notice."""
    with redis.Redis.from_url(server.url) as client:
        client.script_flush()
    assert books.claim("me", 0) == 1


@pytest.mark.parametrize(
    ("key", "field", "what"),
    [("used", "c", "used"), ("charged", "0 c", "charged"), ("wallets", "a", "wallet"), ("remainders", "1", "lease")],
)
def test_the_audit_finds_what_was_tampered_with(
    books: RedisBooks, server: RedisServer, key: str, field: str, what: str
) -> None:
    """Every sum that Redis keeps is compared with the bookings."""
    books.set_budgets({"c": Budget(daily=100, advertiser="a")}, 0).result()
    ask = Ask(epoch=books.claim("me", 0), campaign="c", least=50, share=9, expires_us=FAR, ttl_us=0, now_us=0)
    lease = books.grant(ask).result().lease
    books.charge([Charge("b", "c", lease, 10, FAR, 1, "e")]).result()
    assert books.verify() == []
    with redis.Redis.from_url(server.url) as client:
        client.hincrby("{adcascade}:" + key, field, 1)
    assert what in {difference.what for difference in books.verify()}
