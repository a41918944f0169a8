"""From secret to principal."""

import pytest

from accounts import selectors, services
from accounts.errors import InvalidToken


def test_a_token_speaks_for_its_account(make_token, alice):
    principal = selectors.principal_of_token(make_token(alice))

    assert (principal.name, principal.auth_method) == ("alice", "api_token")
    assert principal.roles == alice.roles


def test_a_revoked_token_is_refused(make_token, alice):
    from accounts.models import Token

    plaintext = make_token(alice)
    services.revoke_token(token=Token.objects.get(), actor=alice)

    with pytest.raises(InvalidToken):
        selectors.principal_of_token(plaintext)
