/** A web application that signs users in, with express-openid-connect. */

import { randomBytes } from 'node:crypto'

import express from 'express'
import openid from 'express-openid-connect'

const { ISSUER, CLIENT_ID, CLIENT_SECRET, PORT = '8090' } = process.env

const app = express()
app.use(
  openid.auth({
    issuerBaseURL: ISSUER,
    baseURL: `http://localhost:${PORT}`,
    clientID: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    secret: randomBytes(32).toString('hex'), // a real application stores it
    // The default is the implicit flow (`id_token`). With `code`, the library uses PKCE.
    authorizationParams: { response_type: 'code', scope: 'openid profile email' },
    idpLogout: true, // `/logout` ends the session at the server too
  }),
)

app.get('/', async (req, res) => {
  const { sub, name, email } = await req.oidc.fetchUserInfo()
  if (sub !== req.oidc.user.sub) return res.status(400).send('The sign-in failed.')
  res.json({ sub, name, email })
})

app.listen(Number(PORT), 'localhost')
