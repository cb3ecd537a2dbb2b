import dataclasses
import threading

from broker.records import Audience, Client
from keys.keyring import KeyRecord
from storage.records import NOW

CLIENT = Client(
    id="voucher-web",
    name="Vouchers",
    profile="fapi",
    auth="private_key_jwt",
    redirect_uris=("https://b", "https://a"),
    post_logout_redirect_uris=("https://out",),
    scopes=frozenset({"openid", "obo:vouchers:read"}),
    audiences=("https://api",),
    serves=("https://api",),
    mandate_types=("ocmw-beneficiary",),
    sector="vouchers",
    vetted=True,
    jwks={"keys": [{"kty": "EC"}]},
    secret_sha256="ab" * 32,
    dpop=True,
    exchange=True,
    jwks_uri="https://client/jwks",
    id_token_alg="RS256",
)
AUDIENCE = Audience("https://api", "API", "vouchers", True, frozenset({"vouchers:read", "obo:vouchers:read"}))
KEY = KeyRecord(
    kid="k1",
    purpose="tokens",
    alg="ES256",
    public_jwk={"kty": "EC", "x": "1"},
    sealed_private="sealed",
    created_at=NOW,
    active_from=NOW + 1,
    retires_at=NOW + 2,
    gone_at=NOW + 3,
)


def test_a_client_comes_back_as_it_was_registered_and_may_be_replaced_and_removed(database):
    bare = Client("bare", "Bare", "public", "none")
    with database.write() as unit:
        unit.registry.put_client(CLIENT)
        unit.registry.put_client(bare)
        assert unit.registry.find_client("voucher-web") == CLIENT
        assert unit.registry.clients() == [bare, CLIENT]
        changed = dataclasses.replace(CLIENT, vetted=False, jwks=None, scopes=frozenset(), redirect_uris=())
        unit.registry.put_client(changed)
        assert unit.registry.clients() == [bare, changed]
        assert unit.registry.remove_client("bare") is True
        assert unit.registry.remove_client("bare") is False
        assert unit.registry.find_client("bare") is None
        assert unit.registry.clients() == [changed]


def test_an_audience_comes_back_as_it_was_registered_and_may_be_replaced(database):
    with database.write() as unit:
        unit.registry.put_audience(AUDIENCE)
        assert unit.registry.find_audience("https://api") == AUDIENCE
        assert unit.registry.find_audience("https://other") is None
        changed = dataclasses.replace(AUDIENCE, delegation_aware=False)
        unit.registry.put_audience(changed)
        assert unit.registry.audiences() == [changed]


def test_a_key_comes_back_as_it_was_stored_and_may_be_replaced(database):
    with database.write() as unit:
        later = dataclasses.replace(KEY, kid="a2", created_at=NOW + 9, retires_at=None, gone_at=None)
        unit.registry.put_key(later)
        unit.registry.put_key(KEY)
        assert unit.registry.keys() == [KEY, later]
        retired = dataclasses.replace(later, retires_at=NOW + 20)
        unit.registry.put_key(retired)
        assert unit.registry.keys() == [KEY, retired]


def test_the_catalogue_is_the_one_that_was_loaded_last(database):
    with database.write() as unit:
        assert unit.registry.catalogue() is None
        unit.registry.put_catalogue("v1", "one", NOW)
        unit.registry.put_catalogue("v2", "two", NOW)
        assert unit.registry.catalogue() == ("v2", "two")
        unit.registry.put_catalogue("v1", "one", NOW)
        assert unit.registry.catalogue() == ("v1", "one")


def test_the_version_grows_with_every_change_and_with_nothing_else(database):
    changes = (
        lambda registry: registry.put_client(CLIENT),
        lambda registry: registry.put_client(CLIENT),
        lambda registry: registry.put_audience(AUDIENCE),
        lambda registry: registry.put_key(KEY),
        lambda registry: registry.put_catalogue("v1", "one", NOW),
        lambda registry: registry.remove_client("voucher-web"),
    )
    with database.write() as unit:
        for change in changes:
            before = unit.registry.version()
            change(unit.registry)
            assert unit.registry.version() == before + 1
        before = unit.registry.version()
        unit.registry.remove_client("voucher-web")
        assert unit.registry.version() == before


def test_who_changes_a_registration_waits_for_those_who_hold_the_version(database):
    done = []

    def change():
        with database.write() as unit:
            unit.registry.put_client(CLIENT)
            unit.commit()
            done.append(True)

    with database.write() as unit:
        held = unit.registry.hold()
        assert held == unit.registry.version()
        changing = threading.Thread(target=change)
        changing.start()
        changing.join(0.3)
        assert done == []
    changing.join(20)
    with database.write() as unit:
        assert unit.registry.hold() == held + 1


def test_many_hold_the_version_beside_each_other(database):
    if database._engines.write.dialect.name == "sqlite":
        return  # one writer at a time: nobody is there to hold it beside
    with database.write() as one, database.write() as other:
        assert one.registry.hold() == other.registry.hold()
