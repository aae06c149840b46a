// A web application that signs users in, with openid-client and Node's own HTTP server.

import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import * as client from 'openid-client';

const { ISSUER, CLIENT_ID, CLIENT_SECRET } = process.env;
const HOME = 'http://localhost:8090';

// Everything else comes from the issuer's discovery document. Plain HTTP is only for loopback.
const config = await client.discovery(
  new URL(ISSUER),
  CLIENT_ID,
  undefined,
  client.ClientSecretBasic(CLIENT_SECRET),
  ISSUER.startsWith('http://localhost') ? { execute: [client.allowInsecureRequests] } : {},
);

// A session for each browser: the pending sign-in, or the signed-in user. A real application stores it
// outside of its process.
const sessions = new Map();

function sessionOf(request, response) {
  const id = /(?:^|; )example=([^;]+)/.exec(request.headers.cookie ?? '')?.[1];
  if (sessions.has(id)) return sessions.get(id);
  return newSession(response, {});
}

// A new identifier at sign-in prevents session fixation.
function newSession(response, session) {
  const id = randomUUID();
  sessions.set(id, session);
  response.setHeader('Set-Cookie', `example=${id}; HttpOnly; SameSite=Lax; Path=/`);
  return session;
}

const routes = {
  '/': (request, response) => {
    const { claims } = sessionOf(request, response);
    page(
      response,
      claims
        ? `<p>Hello, ${escape(claims.name ?? claims.sub)}.</p>
           <pre>${escape(JSON.stringify(claims, null, 2))}</pre><a href="/logout">Sign out</a>`
        : '<a href="/login">Sign in</a>',
    );
  },

  '/login': async (request, response) => {
    const session = sessionOf(request, response);
    session.verifier = client.randomPKCECodeVerifier();
    session.state = client.randomState();
    session.nonce = client.randomNonce();
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: `${HOME}/callback`,
      scope: 'openid profile email',
      code_challenge: await client.calculatePKCECodeChallenge(session.verifier),
      code_challenge_method: 'S256',
      state: session.state,
      nonce: session.nonce,
    });
    redirect(response, url);
  },

  '/callback': async (request, response) => {
    const session = sessionOf(request, response);
    const tokens = await client.authorizationCodeGrant(config, new URL(request.url, HOME), {
      pkceCodeVerifier: session.verifier,
      expectedState: session.state,
      expectedNonce: session.nonce,
      idTokenExpected: true,
    });
    const { sub } = tokens.claims();
    const claims = await client.fetchUserInfo(config, tokens.access_token, sub);
    newSession(response, { claims, idToken: tokens.id_token });
    redirect(response, HOME);
  },

  '/logout': (request, response) => {
    const session = sessionOf(request, response);
    const url = client.buildEndSessionUrl(config, {
      // Without a hint, as after a restart of this program, the server asks whether to sign out.
      ...(session.idToken && { id_token_hint: session.idToken }),
      post_logout_redirect_uri: `${HOME}/`,
    });
    delete session.claims;
    delete session.idToken;
    redirect(response, url);
  },
};

createServer(async (request, response) => {
  const route = routes[new URL(request.url, HOME).pathname];
  try {
    if (!route) page(response, 'There is nothing here.', 404);
    else await route(request, response);
  } catch (error) {
    // `error.error` is the OAuth error code, such as access_denied; the rest is for the log.
    console.error(error);
    page(response, `The sign-in failed: ${escape(error.error ?? 'see the log')}.`, 400);
  }
}).listen(8090, 'localhost', () => console.log(`open ${HOME}`));

function page(response, body, status = 200) {
  response.writeHead(status, { 'Content-Type': 'text/html; charset=utf-8' }).end(body);
}

function redirect(response, url) {
  response.writeHead(303, { Location: String(url) }).end();
}

function escape(text) {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
