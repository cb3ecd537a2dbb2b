// One whole login by openid-client. What it is told stands in the variable TOLD (JSON); what it
// got goes to stdout as JSON.

import * as client from 'openid-client'
import { answerOf, discover, outcome, signIn, validated } from './client.js'

const told = JSON.parse(process.env.TOLD)
const config = await discover(told)
const { start, tokens, redeem } = await signIn(config, told)
// An access token has one audience: who asks for its own API's does not get UserInfo with it.
const userinfo = told.userinfo
  ? await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub)
  : null
const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token)

console.log(
  JSON.stringify({
    start: start.href,
    id_token: tokens.claims(),
    token: answerOf(tokens),
    access_token: await validated(config, tokens.access_token, told.audience),
    userinfo,
    refreshed: await validated(config, refreshed.access_token, told.audience),
    // A code works once (RFC 6749 section 4.1.2): the second time must fail, and say how.
    replay: await outcome(redeem),
  }),
)
