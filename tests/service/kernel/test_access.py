import pytest

from gradclinic.kernel.access import SCOPES, authorization, covers, digest_of, new_secret, split
from gradclinic.kernel.errors import InvalidRequest


def test_a_scope_includes_those_before_it_and_none_after_it() -> None:
    assert [[covers(scope, needed) for needed in SCOPES] for scope in SCOPES] == [
        [True, False, False, False],
        [True, True, False, False],
        [True, True, True, False],
        [True, True, True, True],
    ]


def test_a_secret_has_256_random_bits_and_fits_into_a_key() -> None:
    secrets = {new_secret() for _ in range(100)}
    assert len(secrets) == 100
    for secret in secrets:
        assert len(secret) == 43  # 256 bits, 6 in a character
        assert split(f"key_1.{secret}") == ("key_1", secret)
    assert digest_of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize("key", ["", "key_1", "key_1.", ".secret", "key_1.a.b", "key 1.a", "key_1.é", "k.a\n"])
def test_what_is_no_key_is_none(key: str) -> None:
    assert split(key) is None


def test_a_key_becomes_a_header_and_a_line_break_around_it_is_left_out() -> None:
    assert authorization("key_1.abc\n") == {"Authorization": "Bearer key_1.abc"}
    assert authorization(None) == authorization(" ") == {}


def test_a_malformed_key_is_refused_without_being_shown() -> None:
    with pytest.raises(InvalidRequest, match="malformed") as refused:
        authorization("key_1.a7\nQ9x")
    assert "Q9x" not in str(refused.value)
    assert refused.value.problems[0].value is None
