// node-oidc-provider with everything in memory, set up as Gatewright is for the benchmark: ES256, PKCE, rotation of
// refresh tokens, one confidential client, users with sessions and consents.
//
//   node provider.mjs FILE    listens on a free port, and writes what the load generator needs to FILE
//
// Access tokens are opaque, its default: it signs once where Gatewright signs twice.

import { generateKeyPairSync } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { Provider } from 'oidc-provider';

const USERS = 1000;
const HOUR = 3600;
const SCOPE = 'openid email profile';

const client = {
  client_id: 'photos',
  client_secret: 'a-secret-of-256-bits-would-be-as-long-as-this',
  redirect_uris: ['https://client.example/callback'],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  scope: SCOPE,
  id_token_signed_response_alg: 'ES256',
};

// The rows of one model. The adapter that comes with the library keeps a thousand in all, too few for 32 connections.
class Memory {
  static MOST = 20_000;

  constructor() {
    this.rows = new Map();
    this.byUid = new Map();
  }

  async upsert(id, payload) {
    this.rows.set(id, payload);
    if (payload.uid) this.byUid.set(payload.uid, payload);
    // The oldest: used codes and refresh tokens, and access tokens.
    if (this.rows.size > Memory.MOST) this.rows.delete(this.rows.keys().next().value);
  }

  async find(id) {
    return this.rows.get(id);
  }

  async findByUid(uid) {
    return this.byUid.get(uid);
  }

  async consume(id) {
    this.rows.get(id).consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    this.rows.delete(id);
  }

  // Only after a replay, which the load generator does not send.
  async revokeByGrantId() {}
}

async function seed(provider) {
  const cookies = [];
  const refresh = [];
  for (let number = 0; number < USERS; number += 1) {
    const accountId = `user${number}`;
    const grant = new provider.Grant({ accountId, clientId: client.client_id });
    grant.addOIDCScope(SCOPE);
    const grantId = await grant.save();

    const session = new provider.Session();
    session.loginAccount({ accountId });
    session.ensureClientContainer(client.client_id);
    session.grantIdFor(client.client_id, grantId);
    await session.save(12 * HOUR);
    cookies.push(session.id);

    const token = new provider.RefreshToken({
      accountId,
      client: await provider.Client.find(client.client_id),
      grantId,
      gty: 'authorization_code',
      scope: SCOPE,
      authTime: session.loginTs,
      sessionUid: session.uid,
      expiresWithSession: true,
    });
    refresh.push(await token.save());
  }
  return { cookies, refresh };
}

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

const server = createServer().listen(0, '127.0.0.1', async () => {
  const { port } = server.address();
  const provider = new Provider(`http://127.0.0.1:${port}`, {
    adapter: Memory,
    clients: [client],
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid: 'bench' }] },
    claims: {
      openid: ['sub'],
      email: ['email', 'email_verified'],
      profile: ['name', 'given_name', 'family_name', 'preferred_username', 'locale', 'zoneinfo'],
    },
    findAccount: (_, accountId) => ({
      accountId,
      claims: () => ({ sub: accountId, name: 'Ada Lovelace', email: `${accountId}@example.org`, email_verified: true }),
    }),
    pkce: { required: () => true },
    rotateRefreshToken: true,
    issueRefreshToken: () => true,
    features: { devInteractions: { enabled: false } },
    routes: { authorization: '/authorize', token: '/token' },
    ttl: { AccessToken: HOUR, AuthorizationCode: 60, Grant: 24 * HOUR, IdToken: HOUR, RefreshToken: 24 * HOUR, Session: 12 * HOUR },
  });
  const { cookies, refresh } = await seed(provider);
  server.on('request', provider.callback());

  const { version } = createRequire(import.meta.url)('oidc-provider/package.json');
  const file = process.argv[2];
  const ready = { version, node: process.version, port, ...client, session_cookie: '_session', cookies, refresh };
  writeFileSync(`${file}.new`, JSON.stringify(ready));
  renameSync(`${file}.new`, file);
});
