// A certification authority for one test run, and a server of an app with a certificate of it.

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const openssl = (...args) => promisify(execFile)('openssl', args);

/** Makes an authority and a key pair for 127.0.0.1 that it vouches for; `ca` is the authority's file. */
export async function authority() {
  const folder = await mkdtemp(path.join(tmpdir(), 'madoguchi-ca-'));
  const at = (name) => path.join(folder, name);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  await openssl('req', '-x509', ...key, '-keyout', at('ca.key'), '-out', at('ca.pem'), '-days', '2', '-subj', '/CN=Test CA');
  await openssl('req', ...key, '-keyout', at('server.key'), '-out', at('server.csr'), '-subj', '/CN=127.0.0.1');
  await writeFile(at('extensions'), 'subjectAltName = IP:127.0.0.1\nextendedKeyUsage = serverAuth\n');
  await openssl('x509', '-req', '-in', at('server.csr'), '-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-out', at('server.pem'), '-days', '2', '-extfile', at('extensions'));
  return { ca: at('ca.pem'), key: await readFile(at('server.key')), cert: await readFile(at('server.pem')) };
}

/** An https server on 127.0.0.1 that keeps what is posted to it. `status` is what it answers. */
export async function receiver({ key, cert }) {
  const self = { posts: [], status: () => 200 };
  const server = createServer({ key, cert }, async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const post = { path: request.url, type: request.headers['content-type'], fields: new URLSearchParams(Buffer.concat(chunks).toString()) };
    response.writeHead(self.status(post)).end();
    self.posts.push(post);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  self.origin = `https://127.0.0.1:${server.address().port}`;
  return self;
}
