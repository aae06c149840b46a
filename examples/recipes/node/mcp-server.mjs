/** An MCP server that is reached with an access token (RFC 9068, RFC 9728), with the MCP TypeScript SDK and jose. */

import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js'
import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js'
import {
  getOAuthProtectedResourceMetadataUrl,
  mcpAuthMetadataRouter,
} from '@modelcontextprotocol/sdk/server/auth/router.js'
import { createMcpExpressApp } from '@modelcontextprotocol/sdk/server/express.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { createRemoteJWKSet, errors, jwtVerify } from 'jose'

const { ISSUER, PORT = '8090' } = process.env
// Clients send the server's address as `resource`: register it as an API.
const { AUDIENCE = `http://localhost:${PORT}/mcp` } = process.env

const discovery = await fetch(`${ISSUER}/.well-known/oauth-authorization-server`)
const metadata = await discovery.json()
const keys = createRemoteJWKSet(new URL(metadata.jwks_uri))

/** The SDK checks scope and expiry; everything else is here. */
async function verifyAccessToken(token) {
  try {
    const { payload } = await jwtVerify(token, keys, {
      typ: 'at+jwt', // or it would accept an ID token
      algorithms: ['ES256'],
      issuer: ISSUER,
      audience: AUDIENCE,
      requiredClaims: ['exp', 'sub', 'client_id'],
    })
    // Refuses bound tokens (RFC 8705, RFC 9449), because the binding is not checked here.
    if (payload.cnf) throw new InvalidTokenError('a sender-constrained token')
    const { client_id: clientId, scope = '', exp: expiresAt, sub } = payload
    return { token, clientId, scopes: scope.split(' '), expiresAt, extra: { sub } }
  } catch (error) {
    // Any other error is a fault of the server: 500.
    const isRefused = error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout)
    throw isRefused ? new InvalidTokenError('not an access token for this server') : error
  }
}

function server() {
  const made = new McpServer({ name: 'invoices', version: '1.0.0' })
  made.registerTool('invoices', { description: 'Lists your invoices' }, ({ authInfo }) => ({
    content: [{ type: 'text', text: `No invoices for ${authInfo.extra.sub}.` }],
  }))
  return made
}

const resourceServerUrl = new URL(AUDIENCE)
const authenticated = requireBearerAuth({
  verifier: { verifyAccessToken },
  requiredScopes: ['invoices.read'],
  resourceMetadataUrl: getOAuthProtectedResourceMetadataUrl(resourceServerUrl),
})

const app = createMcpExpressApp({ host: 'localhost' })
app.use(
  mcpAuthMetadataRouter({
    oauthMetadata: metadata,
    resourceServerUrl,
    scopesSupported: ['invoices.read'],
  }),
)
app.post('/mcp', authenticated, async (req, res) => {
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined })
  res.on('close', () => transport.close())
  await server().connect(transport)
  await transport.handleRequest(req, res, req.body)
})
app.all('/mcp', authenticated, (req, res) => res.status(405).end())

app.listen(Number(PORT), 'localhost')
