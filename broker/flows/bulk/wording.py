"""What would mend a row, in the words of the result file: Dutch, plain."""

from __future__ import annotations

VERDICTS = {
    "": "nog niet nagekeken",
    "accepted": "aanvaard",
    "needs_approval": "goedkeuring nodig",
    "duplicate": "dubbel",
    "refused": "geweigerd",
}

APPROVALS = {
    "principal": "de persoon zelf",
    "second_officer": "een tweede medewerker",
    "issuer": "de uitgever",
    "representative": "de gemachtigde",
}

MEND = {
    # duplicates
    "applied_before": "Een rij met deze sleutel werd al uitgevoerd. U hoeft niets te doen.",
    "twice_in_file": "Deze sleutel of deze persoon staat hoger in het bestand. Houd één rij per persoon.",
    "duplicate": "Deze volmacht bestaat al of wacht al op goedkeuring. Verleng ze, of beëindig ze eerst.",
    # the shape of a row
    "missing": "Vul deze kolom in.",
    "too_long": "Deze tekst is te lang. Kort hem in.",
    "invalid_number": "Dit nummer klopt niet. Kijk de cijfers na.",
    "number_rounded": "Excel heeft dit nummer afgerond. Maak van de kolom tekst en vul het nummer weer in.",
    "invalid_day": "Dit is geen dag. Schrijf dag/maand/jaar, bijvoorbeeld 31/12/2027.",
    "cell_without_title": "Er staat iets in een kolom zonder titel. Geef de kolom een titel of maak ze leeg.",
    "unknown_type": "Deze soort volmacht kan uw organisatie zo niet vragen. Laat de cel leeg of kijk ze na.",
    "no_caseload": "Bij deze soort volmacht horen geen begunstigden. Maak deze cel leeg.",
    "not_a_beneficiary": "Voor een van deze begunstigden heeft uw organisatie geen volmacht.",
    "unknown_vms_type": "Dit mandaattype kennen wij niet. Enkel type 104 (dienstencheques) kan hier.",
    "other_vms_client": "Deze rij is voor een andere toepassing.",
    "access_level": "Het toegangsniveau moet leeg zijn bij dit mandaattype.",
    "other_organisation": "Dit is niet het ondernemingsnummer van uw organisatie.",
    # the engine's word
    "not_allowed": "U mag dit niet vragen in uw rol.",
    "assurance_too_low": "Meld u sterker aan, bijvoorbeeld met eID of itsme, en breng het bestand opnieuw.",
    "own_request": "U kunt dit niet voor uzelf vragen. Vraag het een collega.",
    "not_eligible": "Deze partijen kunnen dit soort volmacht niet geven of krijgen.",
    "invalid_period": "Deze periode kan niet. Begin ten vroegste vandaag en blijf binnen de langste termijn.",
    "invalid_powers": "Kijk de bevoegdheden na: minstens één, elk één keer, met een spatie ertussen.",
    "evidence_required": "Schrijf waarop deze volmacht steunt, of geef de SHA-256 van het bewijsstuk.",
    "invalid_catalogue": "Deze soort volmacht bestaat niet meer. Breng het bestand opnieuw binnen.",
}
"""Code of a row -> what would mend it."""


def explained(code: str, needs: str) -> str:
    """The sentence that stands beside a verdict; empty where nothing is to be done."""
    if needs:
        return f"Wacht op: {' of '.join(APPROVALS.get(one, one) for one in needs.split())}."
    return MEND.get(code, code)
