"""Classes 28, 29, 30 and the forms: what one person can see of, or do to, another's affairs."""

import itertools

import pytest

from attack_tools import Person, ask, newest, state

SERIALS = itertools.count()


@pytest.fixture
def waiting(land, officer, someone):
    """A request that waits for a second officer; each test has a person of its own."""
    number = someone(9000 + next(SERIALS))
    ask(officer, number, "Wacht Persoon")
    return newest(land, number)


@pytest.mark.parametrize("path", ["volmachten/{}/einde", "aanvragen/{}/goedkeuren", "aanvragen/{}/weigeren"])
@pytest.mark.parametrize("token", ["", "x", "é", "other"])
def test_class_15_csrf_no_act_without_the_token_of_this_session(
    land, waiting, second_officer, citizen, officer, path, token
):
    given = officer.form_token() if token == "other" else token
    before = state(land, waiting)
    landing = second_officer.go(
        second_officer.village.portal + path.format(waiting), {"token": given, "grounds": "x"}
    )
    assert landing.response.status_code == 400
    assert state(land, waiting) == before


@pytest.mark.parametrize("path", ["begunstigden/nieuw", "medewerkers"])
def test_class_15_csrf_no_request_without_the_token(land, officer, numbers, someone, path):
    manager = land.signed_in(numbers["cem"], organisation="0999000228", role="company-manager")
    person = officer if path.startswith("beg") else manager
    answer = person.go(
        person.village.portal + path,
        {"name": "X", "insz": someone(7041), "powers": "vouchers:read", "evidence": "x"},
    )
    assert answer.response.status_code == 400
    with land.services.database.read() as uow:
        from broker.flows.parties import insz_indexes

        assert uow.parties.find_by_insz_index(*insz_indexes(land.services, uow, someone(7041))) is None


def test_class_15_acts_are_never_done_by_get(land, waiting, second_officer):
    for path in ("volmachten/{}/einde", "aanvragen/{}/goedkeuren", "aanvragen/{}/weigeren"):
        assert (
            second_officer.go(second_officer.village.portal + path.format(waiting)).response.status_code
            == 405
        )


def test_class_29_idor_other_peoples_mandates_are_not_there(
    land, waiting, officer, second_officer, citizen, other_officer, numbers
):
    assert officer.at_portal(f"volmachten/{waiting}").status == 200
    unknown = "00000000-0000-4000-8000-000000000000"
    strangers = [
        citizen,
        other_officer,
        land.signed_in(numbers["cem"], organisation="0999000228", role="company-manager"),
    ]
    for stranger in strangers:
        pages = [
            stranger.go(f"{stranger.village.portal}volmachten/{one}").response for one in (waiting, unknown)
        ]
        assert [page.status_code for page in pages] == [404, 404]
        assert "Wacht" not in pages[0].text
        assert pages[0].text.replace(waiting, "") == pages[1].text.replace(unknown, "")
        assert "Wacht Persoon" not in stranger.at_portal("aanvragen").text
        for path in ("volmachten/{}/einde", "aanvragen/{}/goedkeuren", "aanvragen/{}/weigeren"):
            before = state(land, waiting)
            answer = stranger.go(
                stranger.village.portal + path.format(waiting), {"token": token_of(stranger), "grounds": "x"}
            )
            assert answer.response.status_code == 404
            assert state(land, waiting) == before


def token_of(person):
    """Any `mandate` token of this session; a citizen without forms computes nothing, so hers comes from the vault."""
    try:
        return person.form_token()
    except AssertionError:
        from broker.flows.sessions import fingerprint
        from broker.wiring import build
        from config.settings import Settings

        services = build(Settings.from_env(person.village.broker_environ()))
        return services.vault.index(f"mandate:{fingerprint(person.session_cookie)}", "form")


def test_class_28_nobody_approves_her_own_request(land, waiting, officer, numbers):
    before = state(land, waiting)
    answer = officer.go(
        f"{officer.village.portal}aanvragen/{waiting}/goedkeuren", {"token": officer.form_token()}
    )
    assert answer.response.status_code == 403
    another_session = land.signed_in(numbers["bram"], organisation="0999000129", role="ocmw-executor")
    answer = another_session.go(
        f"{officer.village.portal}aanvragen/{waiting}/goedkeuren", {"token": another_session.form_token()}
    )
    assert answer.response.status_code == 403
    assert state(land, waiting) == before


def test_class_28_an_officer_without_the_role_or_with_a_weak_login_approves_nothing(land, waiting, numbers):
    from mandates.model import Level

    for person in (
        land.signed_in(numbers["bea"], organisation="0999000129"),
        land.signed_in(numbers["bea"], organisation="0999000129", role="ocmw-executor", level=Level.LOW),
    ):
        answer = person.go(
            f"{person.village.portal}aanvragen/{waiting}/goedkeuren", {"token": token_of(person)}
        )
        assert answer.response.status_code in {403, 404}
        assert state(land, waiting).activated_at is None


def test_class_28_a_manager_gives_herself_nothing_and_no_power_that_is_not_in_the_table(land, numbers):
    manager = land.signed_in(numbers["cem"], organisation="0999000228", role="company-manager")
    page = manager.at_portal("medewerkers")
    form = page.form("medewerker")
    own = manager.submit(page, form, name="Cem Yilmaz", insz=numbers["cem"], powers=["performances:submit"])
    assert own.response.status_code == 403
    other = manager.submit(
        page, form, name="Dina Haddad", insz=numbers["dina"], powers=["performances:submit", "vouchers:order"]
    )
    assert other.response.status_code == 400


def test_class_29_the_forms_of_an_organisation_are_for_those_who_signed_in_for_it(
    citizen, other_officer, officer
):
    for path in ("begunstigden/nieuw", "medewerkers", "toezicht"):
        assert citizen.go(citizen.village.portal + path).response.status_code == 404
    assert officer.go(f"{officer.village.portal}medewerkers").response.status_code == 404
    assert other_officer.go(f"{officer.village.portal}toezicht").response.status_code == 404


def test_class_29_a_form_says_nothing_of_an_organisation_that_it_is_not_for(
    land, officer, other_officer, someone
):
    """The organisation comes from the session, never from the form."""
    number = someone(7045)
    ask(other_officer, number, "Elders Persoon", organisation="0999000129", representative="0999000129")
    mandate = state(land, newest(land, number))
    with land.services.database.read() as uow:
        assert uow.parties.get(mandate.representative).kbo == "0999000426"
    assert "Elders Persoon" not in officer.at_portal("aanvragen").text


@pytest.mark.parametrize(
    ("who", "typed"), [("karel", "Iemand Anders"), ("cem", "Verkeerde Naam"), ("dina", "Nog Iemand")]
)
def test_class_29_number_probing_never_shows_the_stored_name(land, officer, numbers, who, typed):
    """mandates.md section 4: the form answers alike and never shows a name that was not typed."""
    stored = {"karel": "Karel Willems", "cem": "Cem Yilmaz", "dina": "Dina Haddad"}[who]
    land.party(numbers[who], stored)
    landing = ask(officer, numbers[who], typed)
    assert landing.response.status_code == 200
    about_requests = landing.page.text.split("Wat wacht op goedkeuring")[-1]
    assert stored not in about_requests, "the number of a stranger was turned into her name"
    assert typed in about_requests


def test_class_29_number_probing_by_the_staff_form_never_shows_the_stored_name(land, numbers):
    land.party(numbers["jos"], "Jos Maes")
    manager = land.signed_in(numbers["cem"], organisation="0999000228", role="company-manager")
    page = manager.at_portal("medewerkers")
    landing = manager.submit(
        page, page.form("medewerker"), name="Iemand Anders", insz=numbers["jos"], powers=["performances:read"]
    )
    assert landing.response.status_code == 200
    assert "Jos Maes" not in landing.page.text, "the number of a stranger was turned into her name"


def test_class_29_number_probing_known_unknown_and_wrong_name_answer_alike(land, officer, someone):
    known, unknown, other = someone(7050), someone(7051), someone(7052)
    land.party(known, "Proef Persoon")
    land.party(other, "Heel Anders")
    answers = [ask(officer, number, "Proef Persoon") for number in (known, unknown, other)]
    assert len({answer.response.status_code for answer in answers}) == 1
    assert len({answer.response.url for answer in answers}) == 1
    rows = [answer.response.text.count("data-mandate=") for answer in answers]
    assert [later - earlier for earlier, later in itertools.pairwise(rows)] == [1, 1]


@pytest.mark.parametrize(
    "number",
    [
        "",
        "1",
        "85073099834",
        "' OR 1=1 --",
        "85.07.30-998.33; DROP TABLE parties",
        "x" * 5000,
        "\x00",
        "<script>",
    ],
)
def test_class_30_a_number_that_is_none_is_refused_and_not_shown_back_as_markup(officer, number):
    landing = ask(officer, number, "Fout Nummer")
    assert landing.response.status_code == 400
    assert "<script>" not in landing.response.text


INJECTIONS = [
    "' OR '1'='1",
    "1; DROP TABLE mandates--",
    "..%2f..%2fetc%2fpasswd",
    "%00",
    "{{7919*7}}",
    "%27%20UNION%20SELECT%20*%20FROM%20sessions--",
    "x" * 3000,
]


@pytest.mark.parametrize("text", INJECTIONS)
def test_class_30_injection_by_an_identifier_finds_nothing(village, officer, text):
    for path in (f"portal/volmachten/{text}", f"status/{text}", f"interaction/{text}"):
        answer = officer.go(f"{village.broker}/{path}").response
        assert answer.status_code in {400, 404}
        assert "Traceback" not in answer.text
        assert "55433" not in answer.text or "{{" not in text


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "{{config}}",
        "' OR 1=1 --",
        "=cmd|'/c calc'!A1",
    ],
)
def test_class_30_what_somebody_typed_is_text_on_every_page(officer, second_officer, someone, name):
    landing = ask(officer, someone(8100 + len(name)), name, evidence=name)
    assert landing.response.status_code == 200
    for person in (officer, second_officer):
        text = person.go(f"{person.village.portal}aanvragen").response.text
        assert "<script>alert" not in text
        assert "<img src=x" not in text


@pytest.mark.parametrize(
    "until", ["9999-12-31", "0001-01-01", "2026-02-30", "-1", "99999999999", "2026-11-23T00:00"]
)
def test_class_16_a_day_that_cannot_be_is_a_fault_of_the_form(officer, someone, until):
    assert ask(officer, someone(8201), "Dag Persoon", until=until).response.status_code == 400


def test_class_16_grounds_without_end_do_not_go_into_the_journal(land, waiting, second_officer):
    """The journal is append-only: what is written there by anybody stays for ever."""
    answer = second_officer.go(
        f"{second_officer.village.portal}aanvragen/{waiting}/weigeren",
        {"token": second_officer.form_token(), "grounds": "x" * 100_000},
    )
    assert answer.response.status_code == 400
    assert state(land, waiting).ended_at is None


def test_class_29_who_is_not_signed_in_sees_nothing(village, waiting):
    nobody = Person(village)
    for path in ("", "aanvragen", f"volmachten/{waiting}", "begunstigden/nieuw", "medewerkers", "toezicht"):
        landing = nobody.go(village.portal + path)
        assert "/portal/aanmelden" in landing.response.url
        assert "Wacht Persoon" not in landing.response.text
    for path in (f"volmachten/{waiting}/einde", f"aanvragen/{waiting}/goedkeuren"):
        assert "/portal/aanmelden" in nobody.go(village.portal + path, {"token": "x"}).response.url


def test_class_25_a_malformed_cookie_is_nobody(village):
    for value in ("", "x", "x" * 4000, "%00", '"', "a=b", "../..", "é".encode().decode("latin-1")):
        answer = Person(village).http.get(
            village.portal, headers={"Cookie": f"volmacht_session={value}"}, allow_redirects=False
        )
        assert answer.status_code in {303, 400}
        assert "wie" not in answer.text


def test_the_menu_leads_to_the_forms_of_the_organisation_that_one_signed_in_for(land, officer, numbers):
    manager = land.signed_in(numbers["cem"], organisation="0999000228", role="company-manager")
    assert "Begunstigde toevoegen" in officer.at_portal("").text
    assert "Medewerkers" not in officer.at_portal("").text
    assert "Medewerkers" in manager.at_portal("").text
    assert "Begunstigde toevoegen" not in manager.at_portal("").text
