/** A minimal browser: it stores cookies, follows redirects and fills in forms. */

const HOPS = 20;

/** The buttons that the user presses, by value, with the kind of page that each belongs to. */
const AGREEMENTS = { 'sign-in': 'sign-in', allow: 'consent', yes: 'confirmation' };

export class Browser {
  #cookies = new Map();
  #user;

  /** The kinds of the submitted forms, in order: `sign-in`, `consent`, `confirmation`. */
  filled = [];

  constructor({ username, password }) {
    this.#user = { identifier: username, password };
  }

  /** Opens `url` and submits the forms until it is redirected to `destination`; returns that URL. */
  async visit(url, destination) {
    let request = { method: 'GET', url: new URL(url) };
    for (let hop = 0; hop < HOPS; hop++) {
      const response = await this.#send(request);
      const location = response.headers.get('location');
      if (location) {
        const next = new URL(location, request.url);
        if (next.href.split(/[?#]/)[0] === destination) return next;
        request = { method: 'GET', url: next };
      } else {
        request = this.#fill(parseForms(await page(response), request.url));
      }
    }
    throw new Error(`still not at ${destination} after ${HOPS} requests`);
  }

  async #send({ method, url, body }) {
    const headers = { accept: 'text/html', cookie: this.#cookieHeader(url.hostname) };
    if (method === 'POST') headers.origin = url.origin;
    const response = await fetch(url, { method, headers, body, redirect: 'manual' });
    for (const cookie of response.headers.getSetCookie()) this.#keep(url.hostname, cookie);
    return response;
  }

  // Cookies are stored per host, regardless of the port, as in any browser.
  #cookieHeader(host) {
    const jar = this.#cookies.get(host) ?? new Map();
    return [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  #keep(host, cookie) {
    const [pair, ...attributes] = cookie.split(';').map((part) => part.trim());
    const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
    const jar = this.#cookies.get(host) ?? new Map();
    this.#cookies.set(host, jar);
    if (attributes.some(expires)) jar.delete(name);
    else jar.set(name, value);
  }

  #fill(forms) {
    for (const [agreement, kind] of Object.entries(AGREEMENTS)) {
      for (const form of forms) {
        const button = form.fields.find((field) => field.submits && field.value === agreement);
        if (!button) continue;
        this.filled.push(kind);
        return submit(form, button, this.#user);
      }
    }
    throw new Error('no known button on the page');
  }
}

function expires(attribute) {
  const [name, value] = attribute.split('=');
  if (/^max-age$/i.test(name)) return Number(value) <= 0;
  return /^expires$/i.test(name) && Date.parse(value) <= Date.now();
}

async function page(response) {
  const html = await response.text();
  if (response.status === 200) return html;
  const text = html.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ');
  throw new Error(`${response.url} answered ${response.status}: ${text.slice(0, 500)}`);
}

/** The request of a click on a button: the user's input, the hidden inputs and the checked boxes. */
function submit({ method, action, fields }, button, values) {
  const body = new URLSearchParams();
  for (const field of fields) {
    if (!field.name || field.disabled) continue;
    if (field.submits) {
      if (field === button) body.append(field.name, field.value);
    } else if (field.name in values) {
      body.append(field.name, values[field.name]);
    } else if (!field.tickable || field.ticked) {
      body.append(field.name, field.value);
    }
  }
  if (method === 'POST') return { method, url: action, body };
  const url = new URL(action);
  url.search = body;
  return { method, url };
}

function parseForms(html, base) {
  return [...html.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gis)].map(([, head, inner]) => {
    const { method = 'get', action = base.href } = parseAttributes(head);
    const fields = [...inner.matchAll(/<(input|button)\b([^>]*)>/gi)]
      .map(([, tag, attributes]) => [tag.toLowerCase(), parseAttributes(attributes)])
      .filter(([, attributes]) => !('form' in attributes)) // they belong to another form
      .map(([tag, attributes]) => parseField(tag, attributes));
    return { method: method.toUpperCase(), action: new URL(action, base), fields };
  });
}

function parseField(tag, attributes) {
  const type = attributes.type?.toLowerCase() ?? (tag === 'button' ? 'submit' : 'text');
  const tickable = type === 'checkbox' || type === 'radio';
  return {
    name: attributes.name,
    value: attributes.value ?? (tickable ? 'on' : ''),
    submits: type === 'submit',
    disabled: 'disabled' in attributes || type === 'button' || type === 'reset',
    tickable,
    ticked: 'checked' in attributes,
  };
}

function parseAttributes(text) {
  const found = text.matchAll(/([^\s=/"']+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"']+)))?/g);
  return Object.fromEntries(
    [...found].map(([, name, ...values]) => [
      name.toLowerCase(),
      unescape(values.find((value) => value !== undefined) ?? ''),
    ]),
  );
}

function unescape(text) {
  const named = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (all, hex, decimal, name) => {
    if (name) return named[name] ?? all;
    return String.fromCodePoint(hex ? parseInt(hex, 16) : Number(decimal));
  });
}
