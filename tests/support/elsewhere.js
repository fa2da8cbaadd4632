// Another host, over TLS with a certification authority of its own: what the program fetches for its clients.

import https from 'node:https';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { command } from './provider.js';

export class Elsewhere {
  /** Starts it on a loopback port. `settings` lets a program reach and trust it. */
  static async open() {
    const self = new Elsewhere();
    const folder = await mkdtemp(path.join(tmpdir(), 'madoguchi-elsewhere-'));
    const [cert, key] = [path.join(folder, 'cert.pem'), path.join(folder, 'key.pem')];
    const made = await command('openssl', [
      'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1',
      '-addext', 'subjectAltName=IP:127.0.0.1', '-addext', 'basicConstraints=critical,CA:FALSE', '-keyout', key, '-out', cert,
    ]);
    if (made.code !== 0) throw new Error(made.stderr);
    self.answers = new Map();
    self.seen = [];
    self.server = https.createServer({ cert: await readFile(cert), key: await readFile(key) }, (incoming, outgoing) => {
      self.seen.push(incoming.url);
      const { status = 200, headers = {}, body = '' } = self.answers.get(incoming.url) ?? { status: 404 };
      outgoing.writeHead(status, headers);
      outgoing.end(body);
    });
    await new Promise((resolve) => self.server.listen(0, '127.0.0.1', resolve));
    self.server.unref();
    self.origin = `https://127.0.0.1:${self.server.address().port}`;
    self.settings = { outbound: { extra_ca: cert, allow_private: ['127.0.0.1'] } };
    return self;
  }

  /** Puts a document under a path and gives its URL. */
  put(where, body, { status = 200, headers = {} } = {}) {
    this.answers.set(where, { status, headers, body });
    return `${this.origin}${where}`;
  }

  close() {
    this.server.closeAllConnections();
    this.server.close();
  }
}
