/** Signs users in from the browser alone. Tokens are kept in memory; after a reload, silent renewal fetches new ones. */

import { InMemoryWebStorage, UserManager, WebStorageStateStore } from 'oidc-client-ts'

const { issuer, clientId } = await (await fetch('/settings')).json()

const users = new UserManager({
  authority: issuer,
  client_id: clientId,
  redirect_uri: `${location.origin}/`,
  post_logout_redirect_uri: `${location.origin}/`,
  scope: 'openid profile email',
  userStore: new WebStorageStateStore({ store: new InMemoryWebStorage() }),
  loadUserInfo: true, // the ID token has no names by default
  automaticSilentRenew: true,
})

/** This URL is loaded in three ways: as the page, as the redirect URI, and in the frame of the silent renewal. */
async function start() {
  if (window.parent !== window) return users.signinSilentCallback()
  const isReturn = new URLSearchParams(location.search).has('state')
  try {
    const user = isReturn ? await users.signinCallback() : await users.signinSilent()
    show(user, isReturn ? 'by a page' : 'silently')
  } catch (error) {
    // `login_required` and `consent_required` are not failures: the user has to interact.
    show(null, error.error ?? error.message)
  }
  if (isReturn) history.replaceState(null, '', '/')
}

function show(user, how) {
  document.querySelector('#status').textContent = user ? `Signed in ${how}.` : how
  document.querySelector('#claims').textContent = user ? JSON.stringify(user.profile, null, 2) : ''
  document.querySelector('#sign-in').hidden = Boolean(user)
  document.querySelector('#sign-out').hidden = !user
}

document.querySelector('#sign-in').onclick = () => users.signinRedirect()
document.querySelector('#sign-out').onclick = () => users.signoutRedirect()
await start()
