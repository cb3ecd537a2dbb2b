// One whole login by openid-client, as its documentation says, knowing the issuer's address
// alone. What it is told stands in the variable LOGIN (JSON); what it got goes to stdout as JSON.
// The library validates issuer, state, nonce, PKCE, `iss` in the response and the ID token.

import * as oauth from 'oauth4webapi'
import * as client from 'openid-client'
import { browse } from './browser.js'

const told = JSON.parse(process.env.LOGIN)

const config = await client.discovery(
  new URL(told.issuer),
  told.client_id,
  { redirect_uris: [told.redirect_uri] },
  await authentication(),
  // The demo speaks http on loopback; nothing else of the library is loosened.
  { execute: [client.allowInsecureRequests] },
)

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
if (told.authorization_details) parameters.authorization_details = JSON.stringify(told.authorization_details)
const start = told.par
  ? await client.buildAuthorizationUrlWithPAR(config, parameters)
  : client.buildAuthorizationUrl(config, parameters)

const back = await browse(start, { until: told.redirect_uri, fill })
const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }
const first = await client.authorizationCodeGrant(config, back, checks)
// An access token has one audience: who asks for its own API's does not get UserInfo with it.
const userinfo = told.userinfo
  ? await client.fetchUserInfo(config, first.access_token, first.claims().sub)
  : null
const second = await client.refreshTokenGrant(config, first.refresh_token)

console.log(
  JSON.stringify({
    start: start.href,
    id_token: first.claims(),
    token: { ...first, access_token: undefined, refresh_token: undefined, id_token: undefined },
    access_token: await validated(first.access_token),
    userinfo,
    refreshed: await validated(second.access_token),
    replay: await redeemAgain(),
  }),
)

async function authentication() {
  if (told.secret) return client.ClientSecretBasic(told.secret)
  const { kid, ...jwk } = told.private_jwk
  const key = await crypto.subtle.importKey('jwk', jwk, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])
  return client.PrivateKeyJwt({ key, kid })
}

function fill(form) {
  if (form.includes('name="persona"')) return { persona: told.persona }
  const choices = [...form.matchAll(/<button name="choice" value="([^"]+)">([^]*?)<\/button>/g)]
  const chosen = choices.find(([, , text]) => text.includes(told.choice))
  if (!chosen) throw new Error(`the chooser does not offer "${told.choice}"`)
  return { choice: chosen[1] }
}

// RFC 9068, by the stock validator of oauth4webapi.
async function validated(accessToken) {
  const request = new Request('https://api.example.be/', { headers: { authorization: `Bearer ${accessToken}` } })
  const server = config.serverMetadata()
  return oauth.validateJwtAccessToken(server, request, told.audience, { [oauth.allowInsecureRequests]: true })
}

// A code works once (RFC 6749 section 4.1.2): the second time must fail, and say how.
async function redeemAgain() {
  try {
    await client.authorizationCodeGrant(config, back, checks)
    return 'accepted'
  } catch (error) {
    return error.error
  }
}
