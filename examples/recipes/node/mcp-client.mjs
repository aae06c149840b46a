/**
 * An MCP client on a user's machine, with the MCP TypeScript SDK: signs the user in with the browser, and calls a tool. Register it so:
 *
 *   {"application_type": "native", "token_endpoint_auth_method": "none", "redirect_uris": ["http://localhost/callback"],
 *    "grant_types": ["authorization_code", "refresh_token"], "scope": "invoices.read",
 *    "gw_allowed_resources": ["http://localhost:8090/mcp"]}
 */

import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'

import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'

const { ISSUER, CLIENT_ID, MCP_SERVER = 'http://localhost:8090/mcp', PORT = '8091' } = process.env

const state = randomBytes(24).toString('base64url')
const kept = {} // a real client stores its tokens where only its user can read them

const provider = {
  redirectUrl: `http://localhost:${PORT}/callback`,
  clientMetadata: { redirect_uris: [`http://localhost:${PORT}/callback`] },
  // With `issuer`, the SDK uses this client_id at no other server.
  clientInformation: () => ({
    client_id: CLIENT_ID,
    token_endpoint_auth_method: 'none',
    issuer: ISSUER,
  }),
  state: () => state,
  tokens: () => kept.tokens,
  saveTokens: (tokens) => void (kept.tokens = tokens),
  codeVerifier: () => kept.verifier,
  saveCodeVerifier: (verifier) => void (kept.verifier = verifier),
  redirectToAuthorization: (url) => console.log(`Open ${url}`),
}

/** The code in the authorization response. The SDK compares neither `state` nor `iss`. */
const code = new Promise((resolve, reject) => {
  const listener = createServer((req, res) => {
    const url = new URL(req.url, provider.redirectUrl)
    if (url.pathname !== '/callback') return res.writeHead(404).end()
    const answer = url.searchParams
    const isOurs = answer.get('state') === state && answer.get('iss') === ISSUER
    res.end(isOurs ? 'You can close this window.' : 'The sign-in failed.')
    if (!isOurs) return
    listener.close()
    answer.has('code') ? resolve(answer.get('code')) : reject(new Error(answer.get('error')))
  }).listen(Number(PORT), 'localhost')
})

const transport = () =>
  new StreamableHTTPClientTransport(new URL(MCP_SERVER), { authProvider: provider })
const client = new Client({ name: 'recipe', version: '1.0.0' })
const first = transport()
try {
  await client.connect(first)
} catch (error) {
  if (!(error instanceof UnauthorizedError)) throw error
  await first.finishAuth(await code)
  await client.connect(transport())
}
const { content } = await client.callTool({ name: 'invoices' })
console.log(content[0].text)
await client.close()
