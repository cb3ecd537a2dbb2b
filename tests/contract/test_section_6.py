"""tokens.md section 6: one index for one thing that can end, drawn where nobody can guess."""

from __future__ import annotations

from exchange_world import USE
from flow_world import ISSUER, SCOPES, VOUCHERS


def place(world, answer):
    entry = world.entry_of(answer)
    return entry.list, entry.index


def test_a_grant_has_an_index_for_each_mandate_and_audience(roads):
    """All of one grant, Bram's own: for himself, for two principals, at two audiences."""
    web = roads.client(scopes=SCOPES | {USE})
    jozef = roads.beneficiary("Jozef")
    own = roads.tokens(web, roads.bram)
    ways = [
        lambda: roads.refresh(web, own),
        lambda: roads.refresh(web, own, resources=[ISSUER]),
        lambda: roads.narrow(own["access_token"]),
        lambda: roads.act(roads.given, own["access_token"]),
        lambda: roads.act(jozef, own["access_token"]),
    ]
    first, second = ([way() for way in ways] for _ in range(2))
    assert len({roads.entry_of(one).grant for one in (*first, *second)}) == 1
    places = [place(roads, one) for one in first]
    assert len(set(places)) == len(ways)
    assert [place(roads, one) for one in second] == places
    assert place(roads, own) == places[0]


def test_an_audience_has_one_open_list_of_2_to_the_20th_with_decoys(roads):
    answers = [*roads.own().values(), *roads.acting().values()]
    with roads.services.database.read() as uow:
        lists = {one.id: one for one in uow.status.lists()}
    assert {roads.entry_of(one).list for one in answers} == set(lists)
    assert len({one.audience for one in lists.values()}) == len(lists)
    for one in lists.values():
        assert one.size == 2**20
        assert one.decoys
        assert all(0 <= index < one.size for index in one.decoys)


def test_indices_are_drawn_at_random(roads):
    """Twelve in order within a quarter of the list: once in a million years of runs."""
    drawn = [roads.entry_of(roads.tokens(roads.web, roads.bram)).index for _ in range(12)]
    assert len(set(drawn)) == 12
    assert drawn != sorted(drawn)
    assert max(drawn) - min(drawn) > 2**18


def test_the_bits_of_one_audience_say_nothing_of_another(roads):
    """A list is of one audience: who reads it learns nothing of what goes on elsewhere."""
    code = roads.acting()["code"]
    narrowed = roads.narrow(code["access_token"])
    with roads.services.database.read() as uow:
        audiences = {one.id: one.audience for one in uow.status.lists()}
    assert audiences[place(roads, code)[0]] == VOUCHERS
    assert audiences[place(roads, narrowed)[0]] != VOUCHERS
