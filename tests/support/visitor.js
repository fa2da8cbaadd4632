// A visitor without a browser: cookies, pages, forms. The same verbs as the Chromium visitor (`chromium.js`), so that a
// journey is written once and walked by both.

import { parse } from 'node-html-parser';
import { randomBytes } from 'node:crypto';
import { request } from './http.js';

/** Keeps cookies as a browser does: by host, whatever the port. */
class Jar {
  hosts = new Map();

  of(host) {
    if (!this.hosts.has(host)) this.hosts.set(host, new Map());
    return this.hosts.get(host);
  }

  keep(answer) {
    const jar = this.of(answer.url.hostname);
    for (const { name, value, attributes } of answer.cookies) {
      const age = attributes['max-age'];
      const gone = (age !== undefined && Number(age) <= 0) || (attributes.expires && Date.parse(attributes.expires) <= Date.now());
      if (gone) jar.delete(name);
      else jar.set(name, value);
    }
  }

  header(host) {
    return [...this.of(host)].map(([name, value]) => `${name}=${value}`).join('; ');
  }
}

export class Visitor {
  /** @param {{language?: string, headers?: object, ca?: Buffer}} [options] `language` goes into Accept-Language. */
  constructor({ language = 'ja', headers = {}, ca } = {}) {
    this.jar = new Jar();
    this.ca = ca;
    this.headers = { 'accept-language': language, accept: 'text/html,application/xhtml+xml', 'user-agent': 'visitor/1.0', ...headers };
    this.edits = new Map();
    this.trail = [];
  }

  /** Goes to an address and follows redirects; the answers on the way are in `trail`. */
  async visit(url) {
    await this.#go(new URL(url, this.answer?.url), { method: 'GET' });
    return this;
  }

  /** One exchange with this visitor's cookies, nothing followed. */
  async send(url, { method = 'GET', headers = {}, body, path } = {}) {
    const target = new URL(url, this.answer?.url);
    const cookie = this.jar.header(target.hostname);
    const answer = await request(target, {
      method,
      body,
      path,
      ca: this.ca,
      headers: { ...this.headers, ...(cookie ? { cookie } : {}), ...headers },
    });
    this.jar.keep(answer);
    return answer;
  }

  async #go(url, options) {
    this.trail = [];
    let answer = await this.send(url, options);
    this.trail.push(answer);
    for (let hops = 0; answer.status >= 300 && answer.status < 400 && answer.headers.location; hops += 1) {
      if (hops > 15) throw new Error(`redirected in circles at ${answer.location}`);
      // 307 and 308 would send the body again, which no answer here may ask for
      if (answer.status === 307 || answer.status === 308) throw new Error(`${answer.status} from ${answer.url}`);
      answer = await this.send(answer.location, { method: 'GET' });
      this.trail.push(answer);
    }
    this.show(answer);
  }

  /** Takes an answer as the page now shown. */
  show(answer) {
    this.answer = answer;
    this.edits = new Map();
    this.document = parse(answer.text, { comment: false });
  }

  get status() {
    return this.answer.status;
  }

  async url() {
    return this.answer.url.href;
  }

  /** The page's stable name. */
  async page() {
    return this.document.querySelector('body')?.getAttribute('data-page');
  }

  async html() {
    return this.answer.text;
  }

  async exists(selector) {
    return this.document.querySelector(selector) !== null;
  }

  async count(selector) {
    return this.document.querySelectorAll(selector).length;
  }

  async text(selector = 'body') {
    const node = this.document.querySelector(selector);
    if (!node) throw new Error(`no ${selector} on ${this.describe()}`);
    return node.text.replace(/\s+/g, ' ').trim();
  }

  async attribute(selector, name) {
    const node = this.document.querySelector(selector);
    if (!node) throw new Error(`no ${selector} on ${this.describe()}`);
    return node.getAttribute(name);
  }

  async value(name) {
    if (this.edits.has(name)) return this.edits.get(name);
    const control = this.document.querySelectorAll(`[name="${name}"]`);
    if (control.length === 0) throw new Error(`no control ${name} on ${this.describe()}`);
    return controlValue(control);
  }

  /** What a control offers: option or radio values, without the empty one. */
  async choices(name) {
    const select = this.document.querySelector(`select[name="${name}"]`);
    const values = select
      ? select.querySelectorAll('option').filter((o) => !o.hasAttribute('disabled')).map(optionValue)
      : this.document.querySelectorAll(`input[name="${name}"]`).map((radio) => radio.getAttribute('value') ?? 'on');
    return values.filter((value) => value !== '');
  }

  /** What can be filled in, in the page's order: its name, and what it offers where one chooses, else null. */
  async controls() {
    const controls = [];
    for (const name of await this.fields()) {
      const choice = await this.exists(`select[name="${name}"], input[type=radio][name="${name}"]`);
      controls.push({ name, offered: choice ? await this.choices(name) : null });
    }
    return controls;
  }

  async fields() {
    return [...new Set(this.document.querySelectorAll('input[name], select[name], textarea[name]').map((n) => n.getAttribute('name')))];
  }

  /** Types, chooses or attaches: `{name: value}`; a file is `{name, type, bytes}`, unchecking is `null`. */
  async fill(values) {
    for (const [name, value] of Object.entries(values)) {
      const controls = this.document.querySelectorAll(`[name="${name}"]`);
      if (controls.length === 0) throw new Error(`no control ${name} on ${this.describe()}`);
      const kind = controls[0].tagName === 'SELECT' ? 'select' : (controls[0].getAttribute('type') ?? 'text');
      if ((kind === 'select' || kind === 'radio') && value !== null) {
        const offered = await this.choices(name);
        if (value !== '' && !offered.includes(value)) throw new Error(`${name} does not offer ${value}, but ${offered.join(', ')}`);
      }
      this.edits.set(name, value);
    }
    return this;
  }

  /** Presses the button with this id. */
  async press(id) {
    const button = this.document.querySelector(`#${id}`);
    if (!button) throw new Error(`no button #${id} on ${this.describe()}`);
    if (button.tagName === 'A') return this.visit(button.getAttribute('href'));
    await this.#submit(button);
    return this;
  }

  /** Presses the button that `selector` finds. */
  async click(selector) {
    const node = this.document.querySelector(selector);
    if (!node) throw new Error(`no ${selector} on ${this.describe()}`);
    if (node.tagName === 'A') return this.visit(new URL(node.getAttribute('href'), this.answer.url));
    await this.#submit(node);
    return this;
  }

  async #submit(button) {
    const { url, method, headers, body } = this.submission(button);
    await this.#go(url, { method, headers: { ...headers, origin: this.answer.url.origin, 'sec-fetch-site': 'same-origin' }, body });
  }

  /** The request that pressing `button` (an id or a node) would send, for tests that change it before sending. */
  submission(button, extra = {}) {
    const node = typeof button === 'string' ? this.document.querySelector(`#${button}`) : button;
    if (!node) throw new Error(`no button ${button} on ${this.describe()}`);
    const formId = node.getAttribute('form');
    const form = formId ? this.document.querySelector(`form#${formId}`) : node.closest('form');
    if (!form) throw new Error(`the button is in no form on ${this.describe()}`);
    const entries = formEntries(form, this.edits, this.document);
    if (node.getAttribute('name')) entries.push([node.getAttribute('name'), node.getAttribute('value') ?? '']);
    for (const [name, value] of Object.entries(extra)) {
      const at = entries.findIndex(([key]) => key === name);
      if (value === undefined) {
        if (at >= 0) entries.splice(at, 1);
      } else if (at >= 0) entries[at] = [name, value];
      else entries.push([name, value]);
    }
    const action = node.getAttribute('formaction') ?? form.getAttribute('action') ?? '';
    const url = new URL(action || this.answer.url.href, this.answer.url);
    const method = (node.getAttribute('formmethod') ?? form.getAttribute('method') ?? 'get').toUpperCase();
    if (method === 'GET') {
      url.search = new URLSearchParams(entries.map(([name, value]) => [name, String(value)])).toString();
      return { url, method, headers: {}, entries };
    }
    const encoding = node.getAttribute('formenctype') ?? form.getAttribute('enctype');
    return { url, method, entries, ...encode(entries, encoding) };
  }

  describe() {
    const heading = this.document?.querySelector('h1')?.text.trim() ?? '';
    const errors = this.document?.querySelector('#error-summary, #error')?.text.replace(/\s+/g, ' ').trim() ?? '';
    return `${this.answer?.status} ${this.answer?.url} (${this.document?.querySelector('body')?.getAttribute('data-page')}, “${heading}”${errors ? `, errors: ${errors}` : ''})`;
  }

  async cookies() {
    return Object.fromEntries(this.jar.of(this.answer.url.hostname));
  }

  async close() {}
}

/** Puts form entries into a body, as `multipart/form-data` or urlencoded. */
export function encode(entries, encoding) {
  if (encoding !== 'multipart/form-data') {
    return {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(entries.map(([name, value]) => [name, typeof value === 'object' ? (value.name ?? '') : String(value)])).toString(),
    };
  }
  const boundary = `----visitor${randomBytes(12).toString('hex')}`;
  const parts = [];
  for (const [name, value] of entries) {
    const file = typeof value === 'object' && value !== null;
    parts.push(Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file ? `; filename="${value.name}"\r\nContent-Type: ${value.type}` : ''}\r\n\r\n`,
    ));
    parts.push(file ? Buffer.from(value.bytes) : Buffer.from(String(value).replace(/\r?\n/g, '\r\n')), Buffer.from('\r\n'));
  }
  parts.push(Buffer.from(`--${boundary}--\r\n`));
  return { headers: { 'content-type': `multipart/form-data; boundary=${boundary}` }, body: Buffer.concat(parts) };
}

const optionValue = (option) => option.getAttribute('value') ?? option.text.trim();

function controlValue(controls) {
  const [first] = controls;
  if (first.tagName === 'SELECT') {
    const options = first.querySelectorAll('option');
    const chosen = options.find((option) => option.hasAttribute('selected')) ?? options[0];
    return chosen ? optionValue(chosen) : '';
  }
  if (first.tagName === 'TEXTAREA') return first.text.replace(/^\r?\n/, '');
  const type = first.getAttribute('type');
  if (type === 'radio' || type === 'checkbox') {
    const checked = controls.find((control) => control.hasAttribute('checked'));
    return checked ? (checked.getAttribute('value') ?? 'on') : null;
  }
  return first.getAttribute('value') ?? '';
}

function formEntries(form, edits, document) {
  const id = form.getAttribute('id');
  const inside = form.querySelectorAll('input, select, textarea');
  const outside = id ? document.querySelectorAll(`[form="${id}"]`).filter((n) => ['INPUT', 'SELECT', 'TEXTAREA'].includes(n.tagName)) : [];
  const entries = [];
  const seen = new Set();
  for (const control of [...inside, ...outside]) {
    const name = control.getAttribute('name');
    const type = control.getAttribute('type');
    if (!name || control.hasAttribute('disabled') || control.closest('fieldset[disabled]') || type === 'submit' || type === 'button') continue;
    if (type === 'checkbox' && !edits.has(name)) {
      if (control.hasAttribute('checked')) entries.push([name, control.getAttribute('value') ?? 'on']);
      continue;
    }
    if (seen.has(name)) {
      if (type === 'radio' || edits.has(name)) continue;
    }
    seen.add(name);
    if (type === 'file') {
      entries.push([name, edits.get(name) ?? { name: '', type: 'application/octet-stream', bytes: '' }]);
      continue;
    }
    const value = edits.has(name)
      ? edits.get(name)
      : controlValue(type === 'radio' ? form.querySelectorAll(`[name="${name}"]`) : [control]);
    for (const one of Array.isArray(value) ? value : [value]) if (one !== null && one !== undefined) entries.push([name, one]);
  }
  return entries;
}
