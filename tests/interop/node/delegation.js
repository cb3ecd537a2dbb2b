// Acting for others by openid-client, as a FAPI 2.0 client: pushed request, PKCE, private_key_jwt and
// DPoP; a login with a mandate, refresh, UserInfo, both kinds of token exchange, introspection plain
// and signed, revocation. What it is told stands in TOLD (JSON); what it got goes to stdout as JSON.

import * as client from 'openid-client'
import { answerOf, discover, outcome, signIn, validated } from './client.js'

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const MANDATE = 'urn:volmacht:token-type:mandate'

const told = JSON.parse(process.env.TOLD)
const config = await discover(told)
const signed = await discover(told, { introspection_signed_response_alg: 'ES256' })
const proof = { DPoP: client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256')) }
const other = { DPoP: client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256')) }
const exchange = (parameters, options = proof) =>
  client.genericGrantRequest(config, TOKEN_EXCHANGE, parameters, options)
const refresh = (parameters, options = proof) =>
  client.refreshTokenGrant(config, delegated.refresh_token, parameters, options)
const answers = {}
const claims = {}

// She signs in and chooses for whom she acts.
const login = { ...told, par: true, resource: told.api }
const { start, tokens: delegated } = await signIn(
  config,
  { ...login, scope: told.delegated_scope, authorization_details: [{ type: 'urn:volmacht:mandate' }] },
  proof,
)
answers.delegated = answerOf(delegated)
claims.delegated = await validated(config, delegated.access_token, told.api, proof)

const refreshed = await refresh({})
answers.refreshed = answerOf(refreshed)
claims.refreshed = await validated(config, refreshed.access_token, told.api, proof)
const narrower = await refresh({ scope: 'obo:vouchers:read' })
claims.narrower = await validated(config, narrower.access_token, told.api, proof)
const about = await refresh({ resource: told.issuer })
const userinfo = await client.fetchUserInfo(config, about.access_token, delegated.claims().sub, proof)

// Service to service: a token for another API, by the API that the first one was for.
const narrowing = {
  subject_token: delegated.access_token,
  subject_token_type: ACCESS_TOKEN,
  resource: told.accounting,
  scope: 'obo:vouchers:read',
}
const narrowed = await exchange(narrowing)
answers.narrowed = answerOf(narrowed)
claims.narrowed = await validated(config, narrowed.access_token, told.accounting, proof)

// The back end: she is signed in as herself, the principal is absent.
const { tokens: self } = await signIn(config, { ...login, scope: told.self_scope, choice: told.self_choice }, proof)
answers.self = answerOf(self)
claims.self = await validated(config, self.access_token, told.api, proof)
const mandate = {
  subject_token: delegated.authorization_details[0].identifier,
  subject_token_type: MANDATE,
  actor_token: self.access_token,
  actor_token_type: ACCESS_TOKEN,
  resource: told.api,
  scope: 'obo:vouchers:order',
}
const exchanged = await exchange(mandate)
answers.exchanged = answerOf(exchanged)
claims.exchanged = await validated(config, exchanged.access_token, told.api, proof)

const introspected = await client.tokenIntrospection(config, exchanged.access_token)
const introspected_signed = await client.tokenIntrospection(signed, exchanged.access_token)

const refused = {
  scope_beyond_the_mandate: await outcome(() => exchange({ ...mandate, scope: 'obo:vouchers:order obo:payout:change' })),
  own_scope: await outcome(() => exchange({ ...mandate, scope: 'vouchers:order' })),
  unknown_mandate: await outcome(() => exchange({ ...mandate, subject_token: 'm-AAAAAAAAAAAAAAAAAAAAAA' })),
  wider_than_its_source: await outcome(() =>
    exchange({ ...narrowing, subject_token: narrower.access_token, scope: 'obo:vouchers:order' }),
  ),
  another_key_for_the_actor: await outcome(() => exchange(mandate, other)),
  no_proof: await outcome(() => refresh({}, {})),
}

const inactive = async (token) => !(await client.tokenIntrospection(config, token)).active
await client.tokenRevocation(config, exchanged.access_token)
const revoked = {
  exchanged: await inactive(exchanged.access_token),
  actor_of_the_exchanged: await inactive(self.access_token),
  another_grant: await inactive(refreshed.access_token),
}
await client.tokenRevocation(config, delegated.refresh_token)
revoked.whole_grant = await inactive(refreshed.access_token)
revoked.narrowed_from_it = await inactive(narrowed.access_token)
revoked.refresh = await outcome(() => refresh({}))

console.log(
  JSON.stringify({
    start: start.href,
    id_token: delegated.claims(),
    answers,
    claims,
    userinfo,
    introspected,
    introspected_signed,
    refused,
    revoked,
  }),
)
