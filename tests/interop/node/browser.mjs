/** A browser of the smallest kind: it keeps cookies, follows redirects and fills forms in. */

const HOPS = 20;

export class Browser {
  #cookies = new Map();
  #person;

  /** The forms that were filled in, in order: `sign-in`, `consent`, `confirmation`. */
  filled = [];

  constructor(person) {
    this.#person = person;
  }

  /** Opens `url` and does what the pages ask, until it is sent to `destination`; returns that URL. */
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

  // Cookies are kept apart by host and know no port, as in any browser.
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
    const having = (name) => forms.find((form) => form.fields.some((field) => field.name === name));
    const signIn = having('password');
    const consent = having('decision');
    if (signIn) {
      this.filled.push('sign-in');
      const { username, password } = this.#person;
      return submit(signIn, { username, password });
    }
    if (consent) {
      this.filled.push('consent');
      return submit(consent, { decision: 'allow' });
    }
    const confirmation = forms.find((form) => form.method === 'POST');
    if (!confirmation) throw new Error('a page without a form, and no way on');
    this.filled.push('confirmation');
    return submit(confirmation, {});
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

/** What a click on a form's button sends: `answers`, the hidden inputs, what is ticked, the button. */
function submit({ method, action, fields }, answers) {
  const body = new URLSearchParams();
  const pressed = fields.find(
    (field) => field.submits && (!(field.name in answers) || field.value === answers[field.name]),
  );
  for (const field of fields) {
    if (!field.name || field.disabled) continue;
    if (field.submits) {
      if (field === pressed) body.append(field.name, field.value);
    } else if (field.name in answers) {
      body.append(field.name, answers[field.name]);
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
    const fields = [...inner.matchAll(/<(input|button)\b([^>]*)>/gi)].map(([, tag, attributes]) =>
      parseField(tag.toLowerCase(), parseAttributes(attributes)),
    );
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
