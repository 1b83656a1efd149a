"""`moat keys` on real databases."""

import asyncio

import pytest
from typer.testing import CliRunner

from shared.auth.authenticators import KeyAuthenticator
from shared.auth.cli_keys import app
from shared.auth.keys import install_key
from shared.db.database import Database
from shared.errors import Unauthenticated

run = CliRunner().invoke


def principal(url, plain):
    async def ask():
        database = Database(url)
        try:
            return await KeyAuthenticator(database).authenticate(plain)
        finally:
            await database.close()

    return asyncio.run(ask())


def test_one_key_is_made_for_several_services_listed_rotated_and_revoked(crisis_database, notify_database):
    urls = ["--database-url", crisis_database, "--database-url", notify_database]
    scopes = ["--scope", "crisis:read", "--scope", "facts:write"]
    made = run(app, ["create", "crm", *scopes, "--days", "30", *urls])
    assert made.exit_code == 0, made.output
    plain = made.stdout.strip()
    for url in (crisis_database, notify_database):
        assert principal(url, plain).scopes == {"crisis:read", "facts:write"}

    listed = run(app, ["list", *urls]).stdout
    assert plain not in listed
    assert [line.split()[2:4] for line in listed.splitlines()[1:]] == [["crm", "valid"]]

    rotated = run(app, ["rotate", "crm", "--overlap-hours", "0", *urls]).stdout.strip()
    assert principal(notify_database, rotated).name == "crm"
    with pytest.raises(Unauthenticated, match="expired"):
        principal(notify_database, plain)

    assert run(app, ["revoke", "crm", *urls]).exit_code == 0
    with pytest.raises(Unauthenticated, match="revoked"):
        principal(crisis_database, rotated)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["create", "x", "--scope", "everything"], "there is no scope everything"),
        (["revoke", "nobody"], "no usable key is called 'nobody'"),
    ],
)
def test_a_mistake_is_one_sentence_and_code_two(crisis_database, arguments, sentence):
    done = run(app, [*arguments, "--database-url", crisis_database])

    assert done.exit_code == 2
    assert done.stderr.strip() == sentence


def test_a_database_without_tables_is_told_to_migrate(database_url):
    done = run(app, ["list", "--database-url", database_url])

    assert (done.exit_code, done.stderr.strip()) == (2, "the database has no tables yet: run `moat migrate` first")


def test_an_installed_key_opens_everything_and_installing_it_again_changes_nothing(crisis_database):
    for _ in range(2):
        asyncio.run(install_key(crisis_database, "moat_an-admin-key-of-some-length", name="admin"))

    assert "admin" in principal(crisis_database, "moat_an-admin-key-of-some-length").scopes
    assert len(run(app, ["list", "--database-url", crisis_database]).stdout.splitlines()) == 2
