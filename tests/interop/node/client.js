// openid-client as its documentation says, knowing the issuer's address alone: what the scripts
// beside this file share. The library validates issuer, state, nonce, PKCE, `iss` in the response,
// the ID token and each answer; oauth4webapi, by the same author, plays the API (RFC 9068, RFC 9449).

import * as oauth from 'oauth4webapi'
import * as client from 'openid-client'
import { browse } from './browser.js'

/** The library's configuration of one registered client; `metadata` is what else is registered of it. */
export async function discover(told, metadata = {}) {
  return client.discovery(
    new URL(told.issuer),
    told.client_id,
    { redirect_uris: [told.redirect_uri], ...metadata },
    await authentication(told),
    // The demo speaks http on loopback; nothing else of the library is loosened.
    { execute: [client.allowInsecureRequests] },
  )
}

/** One sign-in through the pages of ACM and broker, pushed when `told.par`, with the code redeemed. */
export async function signIn(config, told, options) {
  const verifier = client.randomPKCECodeVerifier()
  const state = client.randomState()
  const nonce = client.randomNonce()
  const parameters = {
    redirect_uri: told.redirect_uri,
    scope: told.scope,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  }
  if (told.resource) parameters.resource = told.resource
  if (told.authorization_details) parameters.authorization_details = JSON.stringify(told.authorization_details)
  const start = told.par
    ? await client.buildAuthorizationUrlWithPAR(config, parameters, options)
    : client.buildAuthorizationUrl(config, parameters)
  const back = await browse(start, { until: told.redirect_uri, fill: (form) => fill(form, told) })
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }
  const redeem = () => client.authorizationCodeGrant(config, back, checks, undefined, options)
  return { start, tokens: await redeem(), redeem }
}

/** The claims of an access token as an API gets them, by the stock validator: a bound one with its proof. */
export async function validated(config, accessToken, audience, options) {
  const request = await caught(config, accessToken, audience, options)
  return oauth.validateJwtAccessToken(config.serverMetadata(), request, audience, {
    [oauth.allowInsecureRequests]: true,
    requireDPoP: options !== undefined,
  })
}

/** How an attempt ended: `accepted`, or the OAuth error that the broker gave. */
export async function outcome(attempt) {
  try {
    await attempt()
    return 'accepted'
  } catch (error) {
    if (!error.error) throw error
    return error.error
  }
}

/** What goes to stdout: never a credential. */
export function answerOf(tokens) {
  return { ...tokens, access_token: undefined, refresh_token: undefined, id_token: undefined }
}

// The request that the library would send to an API, caught on its way out.
async function caught(config, accessToken, audience, options) {
  let request
  config[client.customFetch] = async (url, init) => {
    request = new Request(url, init)
    return new Response()
  }
  try {
    await client.fetchProtectedResource(config, accessToken, new URL(audience), 'GET', null, undefined, options)
  } finally {
    config[client.customFetch] = undefined
  }
  return request
}

async function authentication(told) {
  if (told.secret) return client.ClientSecretBasic(told.secret)
  const { kid, ...jwk } = told.private_jwk
  const key = await crypto.subtle.importKey('jwk', jwk, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])
  return client.PrivateKeyJwt({ key, kid })
}

function fill(form, told) {
  if (form.includes('name="persona"')) return { persona: told.persona }
  const choices = [...form.matchAll(/<button name="choice" value="([^"]+)">([^]*?)<\/button>/g)]
  const chosen = choices.find(([, , text]) => text.includes(told.choice))
  if (!chosen) throw new Error(`the chooser does not offer "${told.choice}"`)
  return { choice: chosen[1] }
}
