/**
 * A web application that signs users in, with passport-openidconnect.
 *
 * The library does not support PKCE, sends its secret in the body, and does not verify the signature of the ID token (which comes directly
 * from the token endpoint). Register the client so: {"token_endpoint_auth_method": "client_secret_post", "gw_require_pkce": false}
 */

import { randomBytes } from 'node:crypto'

import express from 'express'
import session from 'express-session'
import passport from 'passport'
import OpenIDConnectStrategy from 'passport-openidconnect'

const { ISSUER, CLIENT_ID, CLIENT_SECRET, PORT = '8090' } = process.env

const discovery = await fetch(`${ISSUER}/.well-known/openid-configuration`)
const metadata = await discovery.json()

const strategy = new OpenIDConnectStrategy(
  {
    issuer: metadata.issuer,
    authorizationURL: metadata.authorization_endpoint,
    tokenURL: metadata.token_endpoint,
    userInfoURL: metadata.userinfo_endpoint,
    clientID: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    callbackURL: `http://localhost:${PORT}/callback`,
    scope: ['profile', 'email'],
    nonce: true, // required instead of PKCE, and off by default
    skipUserProfile: false, // names come from userinfo
  },
  (issuer, profile, done) =>
    done(null, { sub: profile.id, name: profile.displayName, email: profile.emails?.[0]?.value }),
)
passport.use(strategy)
passport.serializeUser((user, done) => done(null, user))
passport.deserializeUser((user, done) => done(null, user))

const app = express()
app.use(
  session({
    name: 'recipe',
    secret: randomBytes(32).toString('hex'), // a real application stores it
    resave: false,
    saveUninitialized: false,
    cookie: { sameSite: 'lax' },
  }),
)
app.use(passport.session())

app.get('/', (req, res) => (req.user ? res.json(req.user) : res.redirect('/login')))
app.get('/login', passport.authenticate('openidconnect'))
app.get(
  '/callback',
  (req, res, next) => {
    // RFC 9207: the library does not compare it.
    if (req.query.iss !== metadata.issuer) return res.status(400).send('The sign-in failed.')
    next()
  },
  passport.authenticate('openidconnect', { successRedirect: '/', failureRedirect: '/failed' }),
)
app.get('/failed', (req, res) => res.status(400).send('The sign-in failed.'))

app.listen(Number(PORT), 'localhost')
