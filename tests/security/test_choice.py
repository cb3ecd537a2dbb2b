"""Classes 6, 23: choosing on whose behalf, and what was never hers to choose."""

from attack_tools import MANDATE, ask_and_approve, claims_of


def test_class_06_a_delegated_scope_alone_opens_the_chooser_and_is_never_given_for_oneself(
    apps, officer, citizen
):
    landing = officer.go(apps.basic.address(scope="openid obo:vouchers:read")[0])
    assert landing.left_for is None, "a delegated scope was answered without the chooser"
    assert "An Peeters" in landing.page.text
    assert "Voor mezelf" not in landing.page.text
    landing = citizen.go(apps.basic.address(scope="openid obo:vouchers:read")[0])
    assert landing.left_for is None, "somebody without mandates got a code"
    assert landing.response.status_code == 403


def test_class_06_one_chain_is_confirmed_too_also_by_a_vetted_client(apps, officer):
    landing = officer.go(apps.basic.address(scope="openid obo:vouchers:read")[0])
    identifier = next(value for _, value, text in landing.page.form("keuze").buttons if "An Peeters" in text)
    asked = f'[{{"type":"urn:volmacht:mandate","identifier":"{identifier}"}}]'
    again = officer.go(apps.basic.address(authorization_details=asked)[0])
    assert again.left_for is None
    assert [button[0] for button in again.page.form("keuze").buttons].count("choice") == 1


def identifier_of(apps, officer, name):
    landing = officer.go(apps.basic.address(scope="openid obo:vouchers:read")[0])
    return next(value for _, value, text in landing.page.form("keuze").buttons if name in text)


def test_class_06_a_choice_that_was_not_offered_is_refused(apps, officer, citizen, other_officer):
    stolen = identifier_of(apps, officer, "Jos Maes")
    for thief in (citizen, other_officer):
        landing = thief.go(apps.unvetted.address(prompt="consent")[0])
        form = landing.page.form("keuze")
        for key in (stolen, "", "m-x", "self ", "SELF"):
            landing = thief.go(apps.unvetted.address(prompt="consent")[0])
            token = dict(landing.page.form("keuze").values)["token"]
            answer = thief.go(landing.response.url, {"token": token, "choice": key})
            assert answer.left_for is None
            assert answer.response.status_code == 404
        assert form


def test_class_06_for_herself_is_refused_where_only_a_mandate_was_asked(apps, officer):
    landing = officer.go(apps.basic.address(scope="openid obo:vouchers:read")[0])
    answer = officer.go(
        landing.response.url, {"token": dict(landing.page.form("keuze").values)["token"], "choice": "self"}
    )
    assert answer.left_for is None
    assert answer.response.status_code == 404


def test_class_06_a_mandate_named_by_another_is_not_there(apps, officer, citizen):
    asked = f'[{{"type":"urn:volmacht:mandate","identifier":"{identifier_of(apps, officer, "Jos Maes")}"}}]'
    unknown = '[{"type":"urn:volmacht:mandate","identifier":"m-unknown"}]'
    answers = [
        citizen.go(apps.basic.address(authorization_details=one)[0]).response for one in (asked, unknown)
    ]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert "Jos" not in answers[0].text


def test_class_06_an_audience_that_knows_no_delegation_gets_no_delegated_token(land, officer):
    app = land.app("aanval-onwetend", "client_secret_basic", audiences=("https://elders.example/api",))
    landing = officer.go(
        app.address(scope="openid vouchers:read obo:vouchers:read", authorization_details=MANDATE)[0]
    )
    if landing.left_for is None and any(form.attributes.get("id") == "keuze" for form in landing.page.forms):
        assert "namens" not in [button[1] for button in landing.page.form("keuze").buttons]
        assert "Jos Maes" not in landing.page.text
    answer = app.tokens(
        officer, scope="openid vouchers:read obo:vouchers:read", authorization_details=MANDATE
    )
    assert "act" not in claims_of(answer["access_token"])
    assert "obo:" not in answer["scope"]


def test_class_06_a_mandate_type_that_is_not_the_clients_is_not_offered(land, officer):
    app = land.app("aanval-zonder-types", "client_secret_basic", mandate_types=())
    landing = officer.go(app.address(scope="openid obo:vouchers:read")[0])
    assert landing.left_for is None
    assert "Jos Maes" not in landing.response.text


def test_class_23_a_mandate_that_ended_between_page_and_button_is_not_chosen(
    village, apps, land, second_officer, officer, someone
):
    mandate = ask_and_approve(land, officer, second_officer, someone(7032), "Tine Tussen")
    landing = officer.go(apps.basic.address()[0])
    second_officer.go(f"{village.portal}volmachten/{mandate}/einde", {"token": second_officer.form_token()})
    answer = officer.submit(landing.page, landing.page.form("keuze"), press="Tine Tussen")
    assert answer.left_for is None
    assert answer.response.status_code == 404


def test_class_23_a_mandate_that_ended_between_code_and_token_gives_no_token(
    village, apps, land, second_officer, officer, someone
):
    mandate = ask_and_approve(land, officer, second_officer, someone(7033), "Stan Code")
    code, verifier = apps.basic.code(officer, "Stan Code")
    second_officer.go(f"{village.portal}volmachten/{mandate}/einde", {"token": second_officer.form_token()})
    assert apps.basic.redeem(code, verifier).json()["error"] == "invalid_grant"
