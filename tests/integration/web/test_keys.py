"""API keys: none, wrong, expired, revoked, rotated; scopes decide."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from shared.auth.keys import UnknownScope, create_key, list_keys, revoke_key, rotate_key
from shared.clock import SteppedClock
from shared.db.database import raw_connection


def now():
    return datetime.now(UTC)


@pytest.fixture
async def raw(things):
    async with things.service.base.database.engine.connect() as connection:
        adapted = await connection.get_raw_connection()
        yield adapted.driver_connection


async def ask(things, plain, **headers):
    sent = {"X-API-Key": plain, **headers} if plain else headers
    things.client.headers.pop("authorization", None)
    return await things.client.get("/v1/things", headers=sent)


async def test_without_a_credential_it_is_401_with_a_challenge(things):
    answer = await ask(things, None)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="moat"'


@pytest.mark.parametrize("plain", ["moat_00000000_nonsense", "sk_live_of_somebody_else"])
async def test_an_unknown_key_is_401(things, plain):
    assert (await ask(things, plain)).status_code == 401


@pytest.mark.parametrize("header", ["Basic abc", "Bearer", "Bearer  "])
async def test_another_kind_of_authorization_is_401(things, header):
    assert (await ask(things, None, Authorization=header)).status_code == 401


async def test_a_missing_scope_is_403_and_named(things, raw):
    key = await create_key(raw, name="poor", scopes=["admin"], now=now())

    answer = await ask(things, key.plain)

    assert answer.status_code == 403
    assert answer.json()["missing_scopes"] == ["crisis:read"]
    assert 'scope="crisis:read"' in answer.headers["www-authenticate"]


async def test_an_expired_key_is_401_and_says_so(things, raw):
    key = await create_key(raw, name="old", scopes=["crisis:read"], now=now(), expires_at=now() - timedelta(seconds=1))

    answer = await ask(things, key.plain)

    assert answer.status_code == 401
    assert "expired" in answer.json()["detail"]


async def test_a_revoked_key_stops_working_within_seconds_though_it_was_hot(things, raw):
    key = await create_key(raw, name="hot", scopes=["crisis:read"], now=now())
    assert (await ask(things, key.plain)).status_code == 200

    await revoke_key(raw, "hot", now=now())
    async with asyncio.timeout(30):
        while (await ask(things, key.plain)).status_code == 200:
            await asyncio.sleep(0.1)

    assert (await ask(things, key.plain)).status_code == 401


async def test_a_hot_key_is_looked_up_once_however_many_requests_bring_it(things, raw):
    key = await create_key(raw, name="hot", scopes=["crisis:read"], now=now())
    calls = []
    ask_database = things.service.authenticator._ask

    async def counted(digest):
        calls.append(digest)
        return await ask_database(digest)

    things.service.authenticator._ask = counted
    await asyncio.gather(*(ask(things, key.plain) for _ in range(30)))

    assert len(calls) == 1


async def test_after_rotation_both_keys_work_until_the_overlap_ends_and_are_the_same_caller(things, raw, monkeypatch):
    clock = SteppedClock(now())
    monkeypatch.setattr(things.service.authenticator, "_clock", clock)
    old = await create_key(raw, name="crm", scopes=["crisis:read"], now=clock.now())
    new = await rotate_key(raw, "crm", now=clock.now(), overlap=timedelta(hours=1))

    assert (await ask(things, old.plain)).status_code == 200
    assert (await ask(things, new.plain)).status_code == 200
    authenticator = things.service.authenticator
    assert (await authenticator.authenticate(old.plain)).id == (await authenticator.authenticate(new.plain)).id
    clock.move(clock.now() + timedelta(hours=1))
    assert (await ask(things, old.plain)).status_code == 401
    assert (await ask(things, new.plain)).status_code == 200


async def test_when_a_key_was_last_used_is_written_in_batches(things, raw):
    key = await create_key(raw, name="seen", scopes=["crisis:read"], now=now())
    await ask(things, key.plain)
    assert [k.last_used_at for k in await list_keys(raw) if k.id == key.id] == [None]

    await things.service.authenticator.flush()

    assert [k.last_used_at for k in await list_keys(raw) if k.id == key.id] != [None]


async def test_the_database_keeps_no_key_that_could_be_used(things, raw):
    key = await create_key(raw, name="secret", scopes=["crisis:read"], now=now())

    rows = await things.rows("select api_key::text as row from api_key")

    assert not any(key.plain in row.row or key.plain.rpartition("_")[2] in row.row for row in rows)


async def test_a_scope_that_does_not_exist_is_refused(things, raw):
    with pytest.raises(UnknownScope, match="crisis:rule"):
        await create_key(raw, name="x", scopes=["crisis:rule"], now=now())


async def test_two_replicas_share_one_signing_key(things):
    from shared.db.secrets import signing_key

    async with things.service.base.database.begin() as connection:
        again = await signing_key(await raw_connection(connection), "page-tokens", now())

    assert again == things.service.page_tokens.secret
