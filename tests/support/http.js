// One HTTP exchange over a socket of our own: nothing is followed, hidden, normalised or refused on the way, so a test
// sees the status, every header and every cookie, and may send what a polite client would not.

import http from 'node:http';
import https from 'node:https';
import net from 'node:net';

/**
 * Sends one request and reads the whole answer.
 * @param {string|URL} target
 * @param {{method?: string, headers?: object, body?: string|Buffer, path?: string, timeout?: number, ca?: string|Buffer}} [options]
 *   `path` goes on the request line as it is, also where it is not a proper path.
 * @returns {Promise<Answer>}
 */
export function request(target, options = {}) {
  const url = new URL(target);
  const secure = url.protocol === 'https:';
  const body = options.body === undefined ? undefined : Buffer.from(options.body);
  const headers = { ...options.headers };
  if (body !== undefined && !hasHeader(headers, 'content-length') && !hasHeader(headers, 'transfer-encoding')) {
    headers['content-length'] = body.length;
  }
  return new Promise((resolve, reject) => {
    const sent = (secure ? https : http).request({
      hostname: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port || (secure ? 443 : 80),
      path: options.path ?? url.pathname + url.search,
      method: options.method ?? 'GET',
      headers,
      ca: options.ca,
      agent: false,
      insecureHTTPParser: false,
      maxHeaderSize: 256 * 1024,
    });
    sent.setTimeout(options.timeout ?? 30_000, () => sent.destroy(new Error(`no answer from ${url} in time`)));
    sent.on('error', reject);
    sent.on('response', (message) => {
      const chunks = [];
      message.on('data', (chunk) => chunks.push(chunk));
      message.on('error', reject);
      message.on('end', () => resolve(new Answer(url, message, Buffer.concat(chunks))));
    });
    sent.end(body);
  });
}

const hasHeader = (headers, name) => Object.keys(headers).some((key) => key.toLowerCase() === name);

/** A form body as a browser sends it. Arrays repeat the name. */
export function formBody(fields) {
  const body = new URLSearchParams();
  for (const [name, value] of Array.isArray(fields) ? fields : Object.entries(fields)) {
    for (const one of Array.isArray(value) ? value : [value]) body.append(name, one);
  }
  return body.toString();
}

/** POSTs a form; `headers` are added. */
export function post(target, fields, headers = {}, options = {}) {
  return request(target, {
    ...options,
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: formBody(fields),
  });
}

/** What came back. */
export class Answer {
  constructor(url, message, bytes) {
    this.url = url;
    this.status = message.statusCode;
    this.headers = message.headers;
    this.rawHeaders = message.rawHeaders;
    this.bytes = bytes;
  }

  get text() {
    return this.bytes.toString('utf8');
  }

  get json() {
    return JSON.parse(this.text);
  }

  /** Where it sends the browser, as an absolute URL, or undefined. */
  get location() {
    return this.headers.location === undefined ? undefined : new URL(this.headers.location, this.url).href;
  }

  /** `Set-Cookie` lines, parsed: `{name, value, attributes}` with lower-case attribute names. */
  get cookies() {
    return (this.headers['set-cookie'] ?? []).map((line) => {
      const [pair, ...rest] = line.split(';').map((part) => part.trim());
      const equals = pair.indexOf('=');
      const attributes = {};
      for (const part of rest) {
        const [name, value = true] = part.split('=');
        attributes[name.toLowerCase()] = value;
      }
      return { name: pair.slice(0, equals), value: pair.slice(equals + 1), attributes, line };
    });
  }
}

/**
 * Opens a socket, writes `text` as it is and collects what comes until the other side closes or `timeout` ms passed.
 * @returns {Promise<{text: string, closed: boolean, after: number}>}
 */
export function raw(port, text, { timeout = 5_000, host = '127.0.0.1', keep = false } = {}) {
  return new Promise((resolve) => {
    const started = Date.now();
    const socket = net.connect(port, host);
    let received = '';
    const finish = (closed) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ text: received, closed, after: Date.now() - started });
    };
    const timer = setTimeout(() => finish(false), timeout);
    socket.on('connect', () => socket.write(text));
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      if (!keep && /\r\n\r\n/.test(received) && /^HTTP\/1\.1 \d/.test(received)) finish(false);
    });
    socket.on('error', () => finish(true));
    socket.on('close', () => finish(true));
  });
}

/** A loopback TCP port that was free a moment ago. */
export async function freePort() {
  const server = net.createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Asks `probe` until it gives something truthy; fails with `what` when it never does. */
export async function until(what, probe, { timeout = 15_000, every = 40 } = {}) {
  const end = Date.now() + timeout;
  let last;
  for (;;) {
    try {
      const value = await probe();
      if (value) return value;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) {
      throw new Error(`waited ${timeout} ms in vain for ${what}${last ? `: ${last.message}` : ''}`);
    }
    await new Promise((resolve) => setTimeout(resolve, every));
  }
}
