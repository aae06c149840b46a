/**
 * Serves a browser application with oidc-client-ts: spa/. Register it so, without a secret:
 *
 *   {"token_endpoint_auth_method": "none", "redirect_uris": ["http://localhost:8090/"],
 *    "post_logout_redirect_uris": ["http://localhost:8090/"], "gw_allowed_origins": ["http://localhost:8090"]}
 */

import { fileURLToPath } from 'node:url'

import express from 'express'

const { ISSUER, CLIENT_ID, PORT = '8090' } = process.env
const here = (path) => fileURLToPath(new URL(path, import.meta.url))

const app = express()
app.get('/settings', (req, res) => res.json({ issuer: ISSUER, clientId: CLIENT_ID }))
app.use(express.static(here('spa')))
app.use('/node_modules', express.static(here('node_modules')))

app.listen(Number(PORT), 'localhost')
