/** The settings from the environment (see ../README.md), and the report of the steps. */

function need(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; see tests/interop/README.md`);
  return value;
}

export const settings = {
  issuer: new URL(need('INTEROP_ISSUER')),
  username: need('INTEROP_USERNAME'),
  password: need('INTEROP_PASSWORD'),
  email: need('INTEROP_EMAIL'),
  clientId: need('INTEROP_CLIENT_ID'),
  clientSecret: need('INTEROP_CLIENT_SECRET'),
  redirectUri: need('INTEROP_REDIRECT_URI'),
  postLogoutRedirectUri: need('INTEROP_POST_LOGOUT_REDIRECT_URI'),
  serviceId: need('INTEROP_SERVICE_ID'),
  /** Read on use: each program needs only one of the two. */
  serviceSecret: () => need('INTEROP_SERVICE_SECRET'),
  serviceKey: () => need('INTEROP_SERVICE_KEY'),
  scope: 'openid profile email',
};

/** Runs one step and reports it; an exception ends the program. */
export async function step(what, act) {
  try {
    const result = await act();
    console.log(`ok    ${what}`);
    return result;
  } catch (error) {
    console.log(`WRONG ${what}`);
    throw error;
  }
}
