"""Many values as one parameter: what is packed is told apart again."""

import pytest

from shared.db.packing import pack, unpacked


def test_values_are_joined_and_null_is_kept_apart():
    assert pack(["a", "b c", 7]) == "a\x1fb c\x1f7"
    assert pack([None, "x"]) == "\x1e\x1fx"
    assert pack([]) == ""


@pytest.mark.parametrize("values", [["a\x1fb"], ["a", "b\x1f"], [""]])
def test_what_could_not_be_told_apart_is_refused(values):
    with pytest.raises(ValueError, match="cannot be packed"):
        pack(values)


def test_the_server_unpacks_with_the_same_separators():
    assert unpacked("$1", "bigint") == "string_to_array($1::text, E'\\x1f', E'\\x1e')::bigint[]"
