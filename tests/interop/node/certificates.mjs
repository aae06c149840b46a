/**
 * openid-client with a certificate (RFC 8705) against Gatewright: `tls_client_auth`, the endpoints of
 * `mtls_endpoint_aliases`, and certificate-bound access tokens.
 *
 * It takes the environment variables of openid-client.mjs without the secrets, and INTEROP_CA,
 * _CERTIFICATE, _KEY, _OTHER_CERTIFICATE and _OTHER_KEY; ../README.md explains them.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import * as client from 'openid-client';
import { Browser } from './browser.mjs';
import { settings, step } from './settings.mjs';

const file = (name) => readFileSync(process.env[`INTEROP_${name}`]);
const ca = file('CA');
const own = { cert: file('CERTIFICATE'), key: file('KEY') };
const other = { cert: file('OTHER_CERTIFICATE'), key: file('OTHER_KEY') };

/** A `fetch` with a client certificate, which that of Node.js does not support. */
function showing(identity) {
  return (url, { method, headers, body }) =>
    new Promise((resolve, reject) => {
      const target = new URL(url);
      const by = target.protocol === 'https:' ? https : http;
      const options = { method, headers: Object.fromEntries(new Headers(headers)), ca, agent: false };
      const request = by.request(target, { ...options, ...identity }, (message) => {
        const parts = [];
        message.on('data', (part) => parts.push(part));
        message.on('error', reject);
        message.on('end', () => {
          const init = { status: message.statusCode, headers: message.headers };
          resolve(new Response(Buffer.concat(parts), init));
        });
      });
      request.on('error', reject);
      request.end(body ? body.toString() : undefined);
    });
}

function discover(identity) {
  const metadata = { use_mtls_endpoint_aliases: true };
  return client.discovery(settings.issuer, settings.clientId, metadata, client.TlsClientAuth(), {
    // The library refuses plain HTTP by default; over loopback it cannot be intercepted.
    execute: [client.allowInsecureRequests],
    [client.customFetch]: showing(identity),
  });
}

const refused = (code) => (error) => error.error === code;
const cnf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url')).cnf;

const config = await step('discovery names the endpoints that accept a certificate', async () => {
  const config = await discover(own);
  const metadata = config.serverMetadata();
  assert.ok(metadata.token_endpoint_auth_methods_supported.includes('tls_client_auth'));
  assert.equal(metadata.tls_client_certificate_bound_access_tokens, true);
  assert.match(metadata.mtls_endpoint_aliases.token_endpoint, /^https:/);
  return config;
});
const attacker = await discover(other);

const service = await step('client credentials, bound to the certificate', async () => {
  const tokens = await client.clientCredentialsGrant(config);
  assert.equal(tokens.token_type, 'bearer');
  assert.ok(cnf(tokens.access_token)['x5t#S256']);
  return tokens;
});

await step('introspection includes the binding', async () => {
  const introspected = await client.tokenIntrospection(config, service.access_token);
  assert.equal(introspected.active, true);
  assert.deepEqual(introspected.cnf, cnf(service.access_token));
});

await step('another certificate authenticates no client', async () => {
  await assert.rejects(client.clientCredentialsGrant(attacker), refused('invalid_client'));
});

const tokens = await step('sign-in, code, tokens', async () => {
  const verifier = client.randomPKCECodeVerifier();
  const state = client.randomState();
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: settings.redirectUri,
    scope: settings.scope,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
  });
  const callback = await new Browser(settings).visit(url, settings.redirectUri);
  return client.authorizationCodeGrant(config, callback, {
    pkceCodeVerifier: verifier,
    expectedState: state,
    idTokenExpected: true,
  });
});
const subject = tokens.claims().sub;

await step('userinfo with the certificate, and not with another', async () => {
  const claims = await client.fetchUserInfo(config, tokens.access_token, subject);
  assert.equal(claims.email, settings.email);
  await assert.rejects(
    client.fetchUserInfo(attacker, tokens.access_token, subject),
    (error) => error.cause[0].parameters.error === 'invalid_token',
  );
});

await step('refresh with the certificate, and not with another', async () => {
  await assert.rejects(
    client.refreshTokenGrant(attacker, tokens.refresh_token),
    refused('invalid_client'),
  );
  const next = await client.refreshTokenGrant(config, tokens.refresh_token);
  await client.fetchUserInfo(config, next.access_token, subject);
});

await step('revocation', async () => {
  await client.tokenRevocation(config, service.access_token);
  const introspected = await client.tokenIntrospection(config, service.access_token);
  assert.deepEqual(introspected, { active: false });
});
