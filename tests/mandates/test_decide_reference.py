"""The engine against a reference that is written to be obvious, on random small worlds."""

from hypothesis import given, settings
from hypothesis import strategies as st

from builders import NOW, catalogue, mandate, organisation, person, world
from mandates.capacity import Actor
from mandates.decide import Request, decide, representations
from mandates.model import Ending, Level, Source

PEOPLE = ["ann", "bob", "cas"]
HOUSES = ["house", "shop"]
TIMES = st.sampled_from([NOW - 1, NOW, NOW + 1])
MAYBE = st.none() | TIMES


def ways(actor, principal, power, w, now):
    """Every (mandate, executor) by which the actor may; quadratic and plain."""
    found = set()
    for first in w.mandates:
        first_type = w.catalogue.types[first.type]
        if first.principal == actor.party or first.principal != principal or first_type.executor:
            continue
        for second in [None, *w.mandates]:
            if second is None and first.representative != actor.party:
                continue
            if second is not None and not (
                second.principal == first.representative != actor.party
                and second.representative == actor.party
                and second.type in first_type.executors
            ):
                continue
            links = [first] if second is None else [first, second]
            common = set(first.powers).intersection(*(link.powers for link in links))
            common = {p for p in common if all(p in w.catalogue.types[link.type].powers for link in links)}
            if (
                common
                and (power is None or power in common)
                and all(holds(link, actor, w, now) for link in links)
            ):
                found.add(tuple(link.id for link in links))
    return found if alive(w.parties[actor.party], now) else set()


def holds(link, actor, w, now):
    kind = w.catalogue.types[link.type]
    giver, taker = w.parties[link.principal], w.parties[link.representative]
    begun = (
        link.activated_at is not None
        and link.activated_at <= now
        and link.valid_from <= now < link.valid_until
    )
    stopped = any(at is not None and at <= now for at in (link.ended_at, link.suspended_at))
    fitting = (
        giver.kind == kind.principal_kind and taker.kind == kind.representative_kind and giver.id != taker.id
    )
    recognised = not kind.principal_org_kinds or kind.principal_org_kinds & giver.org_kinds
    recognised_too = not kind.representative_org_kinds or kind.representative_org_kinds & taker.org_kinds
    here = link.source is Source.STORED or link.session == actor.session
    strong = actor.level >= kind.level_to_use
    return bool(
        begun
        and not stopped
        and alive(giver, now)
        and alive(taker, now)
        and fitting
        and recognised
        and recognised_too
        and here
        and strong
    )


def alive(party, now):
    return all(at is None or at > now for at in (party.deceased_at, party.ceased_at))


@st.composite
def worlds(draw):
    rare = st.sampled_from([None] * 8 + [NOW, NOW + 1])
    parties = {key: person(key, deceased_at=draw(rare)) for key in PEOPLE}
    for key in HOUSES:
        kinds = draw(st.sampled_from([("ocmw",), ("ocmw", "recognised_company"), ()]))
        parties[key] = organisation(key, *kinds, ceased_at=draw(rare))
    links = []
    for number in range(draw(st.integers(0, 6))):
        type_key = draw(st.sampled_from(sorted(catalogue().types)))
        kind = catalogue().types[type_key]
        sides = [
            HOUSES if side == "organisation" else PEOPLE
            for side in (kind.principal_kind, kind.representative_kind)
        ]
        if draw(st.integers(0, 9)) == 0:
            sides.reverse()
        facts = {
            "powers": tuple(draw(st.lists(st.sampled_from(list(kind.powers)[:3]), unique=True)))
            or tuple(kind.powers),
            "source": draw(st.sampled_from(Source)),
            "session": draw(st.sampled_from(["s1", "s1", "s2"])),
            "valid_from": draw(st.sampled_from([NOW - 1, NOW - 1, NOW, NOW + 1])),
            "valid_until": draw(st.sampled_from([NOW + 2, NOW + 2, NOW + 1, NOW])),
            "activated_at": draw(st.sampled_from([NOW - 1, NOW - 1, NOW, NOW + 1, None])),
            "suspended_at": draw(rare),
            "ended_at": draw(rare),
            "ending": Ending.REVOKED,
        }
        links.append(
            mandate(
                type_key,
                draw(st.sampled_from(sides[0])),
                draw(st.sampled_from(sides[1])),
                id=f"m{number}",
                **facts,
            )
        )
    actor = Actor(
        draw(st.sampled_from(PEOPLE)),
        draw(st.sampled_from([Level.LOW, Level.SUBSTANTIAL, Level.SUBSTANTIAL])),
        "s1",
    )
    return actor, world(*links, parties=parties)


@settings(max_examples=400, deadline=None)
@given(worlds(), st.sampled_from([None, "vouchers:read", "vouchers:order", "performances:read"]))
def test_decide_and_representations_agree_with_the_reference(drawn, power):
    actor, w = drawn
    listed = {
        tuple(link.mandate for link in decision.path): decision for decision in representations(actor, w, NOW)
    }
    expected = set()
    for principal in [*PEOPLE, *HOUSES]:
        reference = ways(actor, principal, power, w, NOW)
        decision = decide(Request(actor, principal, power), w, NOW)
        if principal == actor.party:
            assert decision.permitted is alive(w.parties[principal], NOW)
            continue
        assert decision.permitted is bool(reference)
        assert bool(decision.reasons) is not decision.permitted
        if decision.permitted:
            assert tuple(link.mandate for link in decision.path) in reference
        expected |= ways(actor, principal, None, w, NOW)
    assert set(listed) == expected
    for path, decision in listed.items():
        pinned = Request(actor, decision.path[0].principal, None, path[0], path[1] if len(path) > 1 else None)
        assert decide(pinned, w, NOW) == decision


@settings(max_examples=150, deadline=None)
@given(worlds(), st.data())
def test_taking_a_link_or_a_power_away_never_gives_anyone_more(drawn, data):
    actor, w = drawn
    before = {d.path: set(d.powers) for d in representations(actor, w, NOW)}
    less = [link for link in w.mandates if data.draw(st.booleans())]
    after = {d.path: set(d.powers) for d in representations(actor, world(*less, parties=w.parties), NOW)}
    assert after.keys() <= before.keys()
    assert all(powers <= before[path] for path, powers in after.items())
