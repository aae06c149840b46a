/** A web application that signs users in, with Auth.js (`@auth/express`; next-auth 5 takes the same provider). */

import { randomBytes } from 'node:crypto'

import { ExpressAuth, getSession } from '@auth/express'
import express from 'express'

const { ISSUER, CLIENT_ID, CLIENT_SECRET, PORT = '8090' } = process.env

const gatewright = {
  id: 'gatewright',
  name: 'Gatewright',
  type: 'oidc',
  issuer: ISSUER,
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  checks: ['pkce', 'state', 'nonce'],
  // Read names from userinfo: the ID token has none, unless the client is registered with `gw_id_token_claims`.
  idToken: false,
}

const config = {
  providers: [gatewright],
  secret: randomBytes(32).toString('hex'), // a real application stores it
  trustHost: true,
  callbacks: {
    // `sub` is the issuer's identifier of the user; Auth.js generates an identifier of its own.
    jwt: ({ token, account }) => (account ? { ...token, subject: account.providerAccountId } : token),
    session: ({ session, token }) => ({ ...session, user: { ...session.user, sub: token.subject } }),
  },
}

const app = express()
app.use('/auth', ExpressAuth(config))
app.get('/', async (req, res) => {
  const session = await getSession(req, config)
  session ? res.json(session.user) : res.redirect('/auth/signin')
})

app.listen(Number(PORT), 'localhost')
