/**
 * openid-client, a certified relying party for JavaScript, against Gatewright.
 *
 * It takes INTEROP_ISSUER, _USERNAME, _PASSWORD, _EMAIL, _CLIENT_ID, _CLIENT_SECRET,
 * _REDIRECT_URI, _POST_LOGOUT_REDIRECT_URI, _SERVICE_ID and _SERVICE_SECRET, which ../README.md
 * explains. Both clients authenticate by `client_secret_basic`.
 */

import assert from 'node:assert/strict';
import * as client from 'openid-client';
import { Browser } from './browser.mjs';
import { settings, step } from './settings.mjs';

const browser = new Browser(settings);

// The library refuses plain HTTP by default; over loopback it cannot be intercepted.
const insecure = { execute: [client.allowInsecureRequests] };

function discover(id, secret) {
  const authentication = client.ClientSecretBasic(secret);
  return client.discovery(settings.issuer, id, undefined, authentication, insecure);
}

/** Runs the authorization code flow, up to the tokens. */
async function signIn(config, parameters = {}, options = {}) {
  const verifier = client.randomPKCECodeVerifier();
  const [state, nonce] = [client.randomState(), client.randomNonce()];
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: settings.redirectUri,
    scope: settings.scope,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    ...parameters,
  });
  const callback = await browser.visit(url, settings.redirectUri);
  const checks = {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
    idTokenExpected: true,
  };
  return client.authorizationCodeGrant(config, callback, checks, undefined, options);
}

const refused = (code) => (error) => error.error === code;

const config = await step('discovery', async () => {
  const config = await discover(settings.clientId, settings.clientSecret);
  client.enableNonRepudiationChecks(config); // verify the signature of ID tokens as well
  assert.equal(config.serverMetadata().issuer, settings.issuer.href.replace(/\/$/, ''));
  assert.ok(config.serverMetadata().supportsPKCE());
  return config;
});

const first = await step('sign-in, consent, code, tokens', async () => {
  const tokens = await signIn(config);
  assert.equal(browser.filled[0], 'sign-in');
  assert.equal(tokens.token_type, 'bearer');
  assert.ok(tokens.expiresIn() > 0);
  assert.ok(tokens.refresh_token);
  return tokens;
});

const subject = first.claims().sub;

const second = await step('prompt=none returns a code without a page', async () => {
  const pages = browser.filled.length;
  const tokens = await signIn(config, { prompt: 'none' });
  assert.equal(browser.filled.length, pages);
  assert.equal(tokens.claims().sub, subject);
  return tokens;
});

await step('userinfo', async () => {
  const claims = await client.fetchUserInfo(config, first.access_token, subject);
  assert.equal(claims.email, settings.email);
});

const live = await step('refresh returns a new refresh token each time', async () => {
  const next = await client.refreshTokenGrant(config, first.refresh_token);
  const last = await client.refreshTokenGrant(config, next.refresh_token);
  const all = new Set([first, next, last].map((tokens) => tokens.refresh_token));
  assert.equal(all.size, 3);
  await client.fetchUserInfo(config, last.access_token, subject);
  return last;
});

await step('a refresh token from before its successor was used ends its grant', async () => {
  const next = await client.refreshTokenGrant(config, second.refresh_token);
  const last = await client.refreshTokenGrant(config, next.refresh_token);
  for (const token of [second.refresh_token, last.refresh_token]) {
    await assert.rejects(client.refreshTokenGrant(config, token), refused('invalid_grant'));
  }
  const introspected = await client.tokenIntrospection(config, last.access_token);
  assert.equal(introspected.active, false);
});

await step('introspection', async () => {
  const introspected = await client.tokenIntrospection(config, live.access_token);
  assert.equal(introspected.active, true);
  assert.equal(introspected.sub, subject);
  assert.equal(introspected.client_id, settings.clientId);
  assert.ok(introspected.scope.split(' ').includes('email'));
});

await step('revocation of the access token', async () => {
  await client.tokenRevocation(config, live.access_token);
  const introspected = await client.tokenIntrospection(config, live.access_token);
  assert.deepEqual(introspected, { active: false });
  await assert.rejects(
    client.fetchUserInfo(config, live.access_token, subject),
    (error) => error.cause[0].parameters.error === 'invalid_token',
  );
});

await step('revocation of the refresh token', async () => {
  await client.tokenRevocation(config, live.refresh_token, { token_type_hint: 'refresh_token' });
  await assert.rejects(
    client.refreshTokenGrant(config, live.refresh_token),
    refused('invalid_grant'),
  );
});

await step('client credentials', async () => {
  const service = await discover(settings.serviceId, settings.serviceSecret());
  const tokens = await client.clientCredentialsGrant(service);
  assert.equal(tokens.token_type, 'bearer');
  assert.equal(tokens.refresh_token, undefined);
  const introspected = await client.tokenIntrospection(service, tokens.access_token);
  assert.equal(introspected.active, true);
  assert.equal(introspected.client_id, settings.serviceId);
});

await step('DPoP: tokens that are bound to a key, from the code on', async () => {
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'));
  const thumbprint = await DPoP.calculateThumbprint();
  const tokens = await signIn(config, { dpop_jkt: thumbprint }, { DPoP });
  assert.equal(tokens.token_type, 'dpop');
  const claims = await client.fetchUserInfo(config, tokens.access_token, subject, { DPoP });
  assert.equal(claims.email, settings.email);
  const next = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP });
  assert.equal(next.token_type, 'dpop');
  await client.fetchUserInfo(config, next.access_token, subject, { DPoP });
  const introspected = await client.tokenIntrospection(config, next.access_token);
  assert.equal(introspected.cnf.jkt, thumbprint);
  const attacker = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'));
  for (const options of [{}, { DPoP: attacker }]) {
    await assert.rejects(
      client.fetchUserInfo(config, next.access_token, subject, options),
      (error) => error.cause[0].parameters.error === 'invalid_token',
    );
  }
});

await step('DPoP: client credentials, with every algorithm that is told', async () => {
  const service = await discover(settings.serviceId, settings.serviceSecret());
  for (const algorithm of service.serverMetadata().dpop_signing_alg_values_supported) {
    const name = algorithm === 'EdDSA' ? 'Ed25519' : algorithm;
    const DPoP = client.getDPoPHandle(service, await client.randomDPoPKeyPair(name));
    const tokens = await client.clientCredentialsGrant(service, undefined, { DPoP });
    assert.equal(tokens.token_type, 'dpop', algorithm);
  }
});

await step('logout', async () => {
  const state = client.randomState();
  const url = client.buildEndSessionUrl(config, {
    id_token_hint: first.id_token,
    post_logout_redirect_uri: settings.postLogoutRedirectUri,
    state,
  });
  const callback = await browser.visit(url, settings.postLogoutRedirectUri);
  assert.equal(callback.searchParams.get('state'), state);
  await assert.rejects(signIn(config, { prompt: 'none' }), refused('login_required'));
});
