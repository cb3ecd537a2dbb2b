// A browser as far as a login needs one: cookies, redirects followed by hand, forms filled in.
// No browser features are assumed of the broker's pages beyond a form and its hidden fields.

const MAX_STEPS = 20

/** Start at `url`; `fill(form)` answers each form met. Resolves with the URL that starts with `until`. */
export async function browse(url, { until, fill }) {
  const jar = new Map()
  let next = { url: new URL(url), options: {} }
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const response = await fetch(next.url, {
      ...next.options,
      redirect: 'manual',
      headers: { ...next.options.headers, cookie: cookiesFor(jar, next.url) },
    })
    keep(jar, next.url, response)
    const location = response.headers.get('location')
    if (location) {
      const target = new URL(location, next.url)
      if (target.href.startsWith(until)) return target
      next = { url: target, options: {} }
      continue
    }
    const page = await response.text()
    if (!response.ok) throw new Error(`${next.url.pathname} answered ${response.status}: ${textOf(page)}`)
    next = submit(page, next.url, fill)
  }
  throw new Error(`no return to the service within ${MAX_STEPS} steps`)
}

function submit(page, url, fill) {
  const form = /<main[^]*?(<form[^]*?<\/form>)/.exec(page)?.[1]
  if (!form) throw new Error(`no form on ${url.pathname}: ${textOf(page)}`)
  const fields = new URLSearchParams()
  for (const [input] of form.matchAll(/<input[^>]*type="hidden"[^>]*>/g)) {
    fields.set(attribute(input, 'name'), attribute(input, 'value'))
  }
  for (const [name, value] of Object.entries(fill(form))) fields.set(name, value)
  const action = new URL(attribute(/<form[^>]*>/.exec(form)[0], 'action') || url.href, url)
  return { url: action, options: { method: 'POST', body: fields } }
}

function attribute(tag, name) {
  return new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1]?.replaceAll('&amp;', '&') ?? ''
}

// Cookies belong to a host; ports share them (RFC 6265 section 8.5), as in every browser.
function keep(jar, url, response) {
  for (const line of response.headers.getSetCookie()) {
    const [pair, ...attributes] = line.split(/;\s*/)
    const [name, ...value] = pair.split('=')
    const path = attributes.find((one) => /^path=/i.test(one))?.slice(5) ?? '/'
    jar.set(`${url.hostname} ${name}`, { name, value: value.join('='), path, host: url.hostname })
  }
}

function cookiesFor(jar, url) {
  return [...jar.values()]
    .filter((one) => one.host === url.hostname && url.pathname.startsWith(one.path))
    .map((one) => `${one.name}=${one.value}`)
    .join('; ')
}

function textOf(page) {
  return page.replace(/<style[^]*?<\/style>|<[^>]+>/g, ' ').replace(/\s+/g, ' ').trim().slice(0, 300)
}
