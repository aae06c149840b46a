/**
 * oauth4webapi against Gatewright: low-level and strict, it checks each response to the letter of its
 * RFC. It also acts as an API that verifies access tokens with the published keys (RFC 9068).
 *
 * It takes INTEROP_ISSUER, _USERNAME, _PASSWORD, _EMAIL, _CLIENT_ID, _CLIENT_SECRET,
 * _REDIRECT_URI, _POST_LOGOUT_REDIRECT_URI, _SERVICE_ID and _SERVICE_KEY, which ../README.md
 * explains. The web client authenticates by `client_secret_post`, the service by `private_key_jwt`.
 */

import assert from 'node:assert/strict';
import * as oauth from 'oauth4webapi';
import { Browser } from './browser.mjs';
import { settings, step } from './settings.mjs';

const browser = new Browser(settings);
const client = { client_id: settings.clientId };
const secret = oauth.ClientSecretPost(settings.clientSecret);

// The library refuses plain HTTP by default; over loopback it cannot be intercepted.
const insecure = { [oauth.allowInsecureRequests]: true };

/** Runs the authorization code flow, up to the tokens. */
async function signIn(parameters = {}, options = insecure) {
  const verifier = oauth.generateRandomCodeVerifier();
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
  const url = new URL(server.authorization_endpoint);
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id: settings.clientId,
    redirect_uri: settings.redirectUri,
    scope: settings.scope,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    ...parameters,
  });
  const callback = await browser.visit(url, settings.redirectUri);
  const checked = oauth.validateAuthResponse(server, client, callback, state);
  return again(async () => {
    const response = await oauth.authorizationCodeGrantRequest(
      server, client, secret, checked, settings.redirectUri, verifier, options,
    );
    const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, {
      expectedNonce: nonce,
      requireIdToken: true,
    });
    await oauth.validateApplicationLevelSignature(server, response, insecure);
    return tokens;
  });
}

/** Repeats a request with the nonce of the response, if one was required (RFC 9449 §8). */
let nonces = 0;
async function again(act) {
  try {
    return await act();
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error;
    nonces += 1;
    return act();
  }
}

async function refresh(token, options = insecure) {
  const response = await oauth.refreshTokenGrantRequest(server, client, secret, token, options);
  return oauth.processRefreshTokenResponse(server, client, response);
}

async function introspect(token, as = client, authentication = secret) {
  const response = await oauth.introspectionRequest(server, as, authentication, token, insecure);
  return oauth.processIntrospectionResponse(server, as, response);
}

async function revoke(token) {
  const response = await oauth.revocationRequest(server, client, secret, token, insecure);
  await oauth.processRevocationResponse(response);
}

async function userinfo(token, subject, options = insecure) {
  const response = await oauth.userInfoRequest(server, client, token, options);
  return oauth.processUserInfoResponse(server, client, subject, response);
}

/** Verifies the access token of a request, like an API. */
function verify(token, audience) {
  const request = new Request(audience, { headers: { authorization: `Bearer ${token}` } });
  return oauth.validateJwtAccessToken(server, request, audience, insecure);
}

const refused = (code) => (error) => error.error === code;

const server = await step('discovery', async () => {
  const response = await oauth.discoveryRequest(settings.issuer, insecure);
  const oidc = await oauth.processDiscoveryResponse(settings.issuer, response);
  const plain = { ...insecure, algorithm: 'oauth2' }; // RFC 8414 instead of OIDC Discovery
  const again = await oauth.discoveryRequest(settings.issuer, plain);
  const oauth2 = await oauth.processDiscoveryResponse(settings.issuer, again);
  assert.equal(oauth2.token_endpoint, oidc.token_endpoint);
  assert.equal(oidc.authorization_response_iss_parameter_supported, true);
  return oidc;
});

const first = await step('sign-in, consent, code, tokens', async () => {
  const tokens = await signIn();
  assert.equal(browser.filled[0], 'sign-in');
  assert.ok(tokens.expires_in > 0);
  assert.ok(tokens.refresh_token);
  return tokens;
});

const subject = oauth.getValidatedIdTokenClaims(first).sub;

const second = await step('prompt=none returns a code without a page', async () => {
  const pages = browser.filled.length;
  const tokens = await signIn({ prompt: 'none' });
  assert.equal(browser.filled.length, pages);
  assert.equal(oauth.getValidatedIdTokenClaims(tokens).sub, subject);
  return tokens;
});

await step('an API verifies the access token by the published keys', async () => {
  const claims = await verify(first.access_token, server.issuer);
  assert.equal(claims.sub, subject);
  assert.equal(claims.client_id, settings.clientId);
});

await step('userinfo', async () => {
  const claims = await userinfo(first.access_token, subject);
  assert.equal(claims.email, settings.email);
});

const live = await step('refresh returns a new refresh token each time', async () => {
  const next = await refresh(first.refresh_token);
  const last = await refresh(next.refresh_token);
  const all = new Set([first, next, last].map((tokens) => tokens.refresh_token));
  assert.equal(all.size, 3);
  await userinfo(last.access_token, subject);
  return last;
});

await step('a refresh token from before its successor was used ends its grant', async () => {
  const next = await refresh(second.refresh_token);
  const last = await refresh(next.refresh_token);
  for (const token of [second.refresh_token, last.refresh_token]) {
    await assert.rejects(refresh(token), refused('invalid_grant'));
  }
  assert.equal((await introspect(last.access_token)).active, false);
});

await step('introspection', async () => {
  const introspected = await introspect(live.access_token);
  assert.equal(introspected.active, true);
  assert.equal(introspected.sub, subject);
  assert.equal(introspected.client_id, settings.clientId);
  assert.ok(introspected.scope.split(' ').includes('email'));
});

await step('revocation of the access token', async () => {
  await revoke(live.access_token);
  assert.deepEqual(await introspect(live.access_token), { active: false });
  await assert.rejects(
    userinfo(live.access_token, subject),
    (error) => error.cause[0].parameters.error === 'invalid_token',
  );
});

await step('revocation of the refresh token', async () => {
  await revoke(live.refresh_token);
  await assert.rejects(refresh(live.refresh_token), refused('invalid_grant'));
});

await step('client credentials', async () => {
  const service = { client_id: settings.serviceId };
  const authentication = oauth.PrivateKeyJwt(await importKey(settings.serviceKey()));
  const parameters = new URLSearchParams();
  const response = await oauth.clientCredentialsGrantRequest(
    server, service, authentication, parameters, insecure,
  );
  const tokens = await oauth.processClientCredentialsResponse(server, service, response);
  const claims = await verify(tokens.access_token, server.issuer);
  assert.equal(claims.sub, settings.serviceId);
  const introspected = await introspect(tokens.access_token, service, authentication);
  assert.equal(introspected.active, true);
});

await step('DPoP: tokens that are bound to a key, from the code on, and to nonces', async () => {
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'));
  const bound = { ...insecure, DPoP };
  const thumbprint = await DPoP.calculateThumbprint();
  const tokens = await signIn({ dpop_jkt: thumbprint }, bound);
  assert.equal(tokens.token_type, 'dpop');
  assert.equal(nonces, 1, 'a nonce was required, and the code was not consumed');
  const claims = await userinfo(tokens.access_token, subject, bound);
  assert.equal(claims.email, settings.email);
  const next = await refresh(tokens.refresh_token, bound);
  assert.equal(next.token_type, 'dpop');
  await userinfo(next.access_token, subject, bound);
  assert.equal(nonces, 1, 'the one nonce was enough');
  assert.equal((await introspect(next.access_token)).cnf.jkt, thumbprint);
  await assert.rejects(
    userinfo(next.access_token, subject),
    (error) => error.cause[0].parameters.error === 'invalid_token',
  );
  const url = new URL(settings.issuer.href.replace(/\/$/, '') + '/userinfo');
  const alone = new Request(url, { headers: { authorization: `DPoP ${next.access_token}` } });
  const challenge = (await fetch(alone)).headers.get('www-authenticate');
  assert.match(challenge, /^DPoP .*error="invalid_dpop_proof".* algs="[^"]*ES256/);
});

await step('logout', async () => {
  const state = oauth.generateRandomState();
  const url = new URL(server.end_session_endpoint);
  url.search = new URLSearchParams({
    id_token_hint: first.id_token,
    post_logout_redirect_uri: settings.postLogoutRedirectUri,
    state,
  });
  const callback = await browser.visit(url, settings.postLogoutRedirectUri);
  assert.equal(callback.searchParams.get('state'), state);
  await assert.rejects(signIn({ prompt: 'none' }), refused('login_required'));
});

function importKey(pem) {
  const der = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  return crypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
}
