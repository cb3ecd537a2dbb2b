"""Every page of the portal, in every language: readable by a screen reader, on a phone and on paper."""

import pytest
from playwright.sync_api import expect

from browser.people import Person

pytestmark = pytest.mark.browser

PAGES = [
    ("an", ""),
    ("an", "aanvragen"),
    ("bram", ""),
    ("an", "diensten"),
    ("bram", "begunstigden/nieuw"),
    ("cem", "medewerkers"),
    ("iris", "toezicht"),
    ("iris", "bestaat-niet"),
]

FAULTS = """() => {
  const faults = [], named = new Set();
  for (const one of document.querySelectorAll('[id]')) {
    if (named.has(one.id)) faults.push('id twice: ' + one.id);
    named.add(one.id);
  }
  for (const attribute of ['aria-describedby', 'aria-labelledby', 'for'])
    for (const one of document.querySelectorAll(`[${attribute}]`))
      for (const id of one.getAttribute(attribute).split(/\\s+/))
        if (!named.has(id)) faults.push(`${attribute} names nothing: ${id}`);
  for (const one of document.querySelectorAll('input:not([type=hidden]), textarea, select'))
    if (!one.labels.length) faults.push('no label: ' + one.name);
  for (const one of document.querySelectorAll('a, button, summary'))
    if (!one.textContent.trim()) faults.push('no text: ' + one.outerHTML);
  for (const one of document.querySelectorAll('[style], style, script'))
    faults.push('inline style or script: ' + one.outerHTML.slice(0, 80));
  if (document.querySelectorAll('h1').length !== 1) faults.push('not one h1');
  if (document.querySelectorAll('main').length !== 1) faults.push('not one main');
  let level = 0;
  for (const one of document.querySelectorAll('h1, h2, h3')) {
    const here = Number(one.tagName[1]);
    if (here > level + 1) faults.push('heading skips a level: ' + one.textContent.trim());
    level = here;
  }
  const wide = document.documentElement.scrollWidth;
  if (wide > window.innerWidth) faults.push(`wider than the screen: ${wide}`);
  return faults;
}"""

CONTRAST = """() => {
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * x + .7152 * y + .0722 * z;
  };
  const behind = one => {
    for (let at = one; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const one of document.body.querySelectorAll('*')) {
    const own = [...one.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    if (!own || !one.checkVisibility()) continue;
    const [a, b] = [light(parse(getComputedStyle(one).color)), light(behind(one))].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    if (ratio < 4.5) faint.push(`${ratio.toFixed(2)}: ${one.textContent.trim().slice(0, 40)}`);
  }
  return faint;
}"""


@pytest.fixture(scope="module")
def people(village, chromium):
    """Each person signed in once for the module."""
    known = {}
    for persona in {persona for persona, _ in PAGES}:
        context = chromium.new_context(locale="nl-BE", viewport={"width": 320, "height": 640})
        known[persona] = Person(persona, village, context)
        known[persona].sign_in_at_portal()
    yield known
    for person in known.values():
        person.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("persona", "place"), PAGES)
def test_a_page_holds_together_on_a_narrow_screen_in_light_and_dark(people, persona, place, scheme):
    page = people[persona].page
    page.emulate_media(color_scheme=scheme, media="screen")
    page.goto(people[persona].village.portal + place)
    for summary in page.locator("summary").all():
        summary.click()
    assert page.evaluate(FAULTS) == []
    assert page.evaluate(CONTRAST) == []


@pytest.mark.parametrize(("persona", "form"), [("bram", "begunstigden/nieuw"), ("cem", "medewerkers")])
def test_a_form_with_faults_ties_each_to_its_field(people, persona, form):
    page = people[persona].page
    page.goto(people[persona].village.portal + form)
    page.locator("form[id] > button").click()
    assert page.evaluate(FAULTS) == []
    assert page.evaluate(CONTRAST) == []
    expect(page.get_by_label("Naam")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Naam")).to_have_accessible_description(
        "Voornaam en familienaam. Vul dit veld in."
    )


def test_the_keyboard_reaches_the_content_first_and_shows_where_it_is(people):
    page = people["an"].page
    page.goto(people["an"].village.portal)
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Naar de inhoud")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    expect(skip).to_have_css("outline-style", "solid")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


def test_paper_shows_who_looked_in_black_on_white_and_no_buttons(people):
    page = people["bram"].page
    page.goto(people["bram"].village.portal)
    page.emulate_media(color_scheme="dark", media="print")
    expect(page.locator("#wie")).to_have_text("U bent Bram Claes, via OCMW Voorbeeld")
    expect(page.locator("#wie")).to_be_visible()
    expect(page.get_by_role("button", name="Afmelden")).to_be_hidden()
    expect(page.get_by_role("navigation")).to_have_count(0)
    assert page.evaluate(CONTRAST) == []


@pytest.mark.parametrize(
    ("language", "heading", "line"),
    [
        ("Français", "Mes mandats", "Vous êtes Bram Claes, via OCMW Voorbeeld"),
        ("English", "My mandates", "You are Bram Claes, through OCMW Voorbeeld"),
        ("Nederlands", "Mijn volmachten", "U bent Bram Claes, via OCMW Voorbeeld"),
    ],
)
def test_a_language_once_chosen_stays(people, language, heading, line):
    page = people["bram"].page
    page.emulate_media(media="screen")
    page.goto(people["bram"].village.portal)
    page.get_by_role("link", name=language).click()
    page.goto(people["bram"].village.portal)
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    expect(page.locator("#wie")).to_have_text(line)
    assert page.evaluate(FAULTS) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_services_that_she_agreed_to_hold_together_and_one_withdrawn_is_stopped(people, scheme):
    bram = people["bram"]
    bram.sign_in_at_service_again("burgers", "An Peeters")
    bram.go("Mijn diensten")
    card = bram.page.locator("[data-client='voucher-burgers']")
    expect(card).to_contain_text("Dienstencheques bestellen, namens wie u vertegenwoordigt")
    bram.page.emulate_media(color_scheme=scheme, media="screen")
    confirm = card.get_by_role("button", name="Ja, ik ben zeker")
    expect(confirm).to_be_hidden()
    card.get_by_text("Toegang van deze dienst intrekken", exact=True).click()
    assert bram.page.evaluate(FAULTS) == []
    assert bram.page.evaluate(CONTRAST) == []
    confirm.click()
    expect(bram.page.get_by_role("heading", level=1)).to_have_text("Mijn diensten")
    expect(card).to_have_count(0)
    overview = f"{bram.village.vouchers}/burgers/overzicht"
    bram.is_refused_within_reach(lambda: bram.page.goto(overview))
