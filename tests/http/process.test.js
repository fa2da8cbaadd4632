// The program as a process: start, stop, TLS, time-outs, storms.

import assert from 'node:assert/strict';
import net from 'node:net';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { it, describe } from 'node:test';
import { databases } from '../support/database.js';
import { formBody, raw, request, until } from '../support/http.js';
import { expectPage, signIn } from '../support/journey.js';
import { graduate } from '../support/people.js';
import { authorization, authorize, clients } from '../support/protocol.js';
import { Provider, command } from '../support/provider.js';
import { everybody, everyClient } from '../support/suite.js';
import { Visitor } from '../support/visitor.js';

const withProvider = async (options, use) => {
  const provider = await Provider.prepare(options);
  try {
    if (options.accounts) await provider.createAccount(options.accounts);
    for (const client of options.clients ?? []) await provider.registerClient(client);
    await options.before?.(provider);
    await provider.start();
    await use(provider);
  } finally {
    await provider.end();
  }
};

for (const kind of databases) {
  describe(`process (${kind})`, () => {
    it('starts on nothing and again on its data; data, keys and sessions survive a restart', async () => {
      await withProvider({ database: kind, accounts: everybody }, async (provider) => {
        const visitor = await signIn(new Visitor(), provider, graduate);
        const keys = (await request(`${provider.issuer()}/jwks`)).text;
        await provider.stop();
        await provider.start();
        assert.equal((await request(`${provider.issuer()}/jwks`)).text, keys);
        await visitor.visit(`${provider.issuer()}/account`);
        assert.notEqual(await visitor.page(), 'login');
      });
    });

    it('SIGTERM finishes what is under way, takes nothing new, and exits with 0', async () => {
      await withProvider({ database: kind, accounts: everybody }, async (provider) => {
        const visitor = new Visitor();
        await visitor.visit(`${provider.issuer()}/login`);
        await visitor.fill({ login_id: graduate.login_id, password: graduate.password, second_password: graduate.second_password });
        const { url, headers, body } = visitor.submission('login');
        const cookie = visitor.jar.header('127.0.0.1');
        const logins = Array.from({ length: 6 }, () => request(url, { method: 'POST', body, headers: { ...headers, cookie, origin: provider.origin } }).then(({ status }) => status, ({ code }) => code));
        await new Promise((resolve) => setTimeout(resolve, 60));
        provider.child.kill('SIGTERM');
        const statuses = await Promise.all(logins);
        assert.ok(statuses.every((status) => status === 303 || status === 'ECONNREFUSED' || status === 503), statuses.join());
        assert.ok(statuses.includes(303), 'a login under way was answered');
        const { code, signal } = await provider.exited;
        assert.deepEqual([code, signal], [0, null]);
        await assert.rejects(request(`${provider.origin}/healthz`));
      });
    });

    it('300 parallel logins: some are answered, the surplus gets 503 with Retry-After, memory stays bounded, health answers', async () => {
      await withProvider({ database: kind, accounts: everybody }, async (provider) => {
        const visitor = new Visitor();
        await visitor.visit(`${provider.issuer()}/login`);
        await visitor.fill({ login_id: graduate.login_id, password: graduate.password, second_password: graduate.second_password });
        const { url, headers, body } = visitor.submission('login');
        const cookie = visitor.jar.header('127.0.0.1');
        const send = () => request(url, { method: 'POST', body, timeout: 60_000, headers: { ...headers, cookie, origin: provider.origin } });
        await send();
        const { rss } = await provider.usage();
        let peak = 0;
        const times = [];
        let storming = true;
        const watch = (async () => {
          while (storming) {
            const started = Date.now();
            assert.equal((await request(`${provider.origin}/healthz`)).status, 200);
            times.push(Date.now() - started);
            peak = Math.max(peak, (await provider.usage()).rss);
            await new Promise((resolve) => setTimeout(resolve, 25));
          }
        })();
        const answers = await Promise.all(Array.from({ length: 300 }, send));
        storming = false;
        await watch;
        const statuses = answers.map(({ status }) => status);
        assert.ok(statuses.every((status) => status === 303 || status === 503), [...new Set(statuses)].join());
        assert.ok(statuses.includes(303));
        assert.ok(statuses.includes(503), 'there is a surplus');
        for (const answer of answers.filter(({ status }) => status === 503)) assert.match(answer.headers['retry-after'] ?? '', /^\d+$/);
        assert.ok(peak - rss < 2 * 19 * 1.2 + 40, `grew by ${Math.round(peak - rss)} MiB`);
        times.sort((a, b) => a - b);
        assert.ok(times[Math.floor(times.length * 0.95)] < 1_000, `health took ${times[Math.floor(times.length * 0.95)]} ms`);
        await expectPage(await signIn(new Visitor(), provider, graduate), 'top');
      });
    });
  });
}

describe('connections', () => {
  it('headers and bodies that do not come are waited for as long as the settings say; others are served meanwhile', { timeout: 60_000 }, async () => {
    await withProvider({ database: 'sqlite', settings: { server: { header_timeout: '3s', body_timeout: '4s' } } }, async (provider) => {
      const slowHeaders = raw(provider.port, 'GET /t/certificate/login HTTP/1.1\r\nHost: x\r\n', { timeout: 20_000 });
      const silent = raw(provider.port, '', { timeout: 20_000 });
      const slowBody = raw(provider.port, 'POST /t/certificate/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\ngrant_type=', { timeout: 20_000, keep: true });
      const sockets = [];
      for (let n = 0; n < 300; n += 1) {
        const socket = net.connect(provider.port, '127.0.0.1');
        socket.on('error', () => {});
        socket.write('GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ');
        sockets.push(socket);
      }
      const started = Date.now();
      assert.equal((await request(`${provider.issuer()}/login`)).status, 200);
      assert.ok(Date.now() - started < 2_000, 'slow neighbours slow nobody down');
      const headers = await slowHeaders;
      assert.ok(headers.closed || /^HTTP\/1\.1 408/.test(headers.text), 'slow headers are closed');
      assert.ok(headers.after < 8_000, `${headers.after} ms`);
      assert.ok((await silent).after < 8_000);
      const body = await slowBody;
      assert.ok(body.closed || /^HTTP\/1\.1 4/.test(body.text), 'a slow body is closed');
      assert.ok(body.after < 10_000, `${body.after} ms`);
      for (const socket of sockets) socket.destroy();
    });
  });

  it('TLS of its own: https issuer, Secure __Host- cookies, HSTS, TLS 1.2 and later only', async () => {
    const { mkdtemp } = await import('node:fs/promises');
    const { tmpdir } = await import('node:os');
    const folder = await mkdtemp(path.join(tmpdir(), 'madoguchi-tls-'));
    const [cert, key] = [path.join(folder, 'cert.pem'), path.join(folder, 'key.pem')];
    const made = await command('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-addext', 'basicConstraints=critical,CA:FALSE', '-keyout', key, '-out', cert]);
    assert.equal(made.code, 0, made.stderr);
    const ca = await readFile(cert);
    await withProvider({
      database: 'sqlite', tls: true, settings: { server: { tls: { cert, key } } }, accounts: everybody, clients: everyClient,
      before: async (provider) => { provider.ca = ca; },
    }, async (provider) => {
      const discovery = await request(`${provider.issuer()}/.well-known/openid-configuration`, { ca });
      assert.equal(discovery.json.issuer, provider.issuer());
      assert.match(discovery.json.issuer, /^https:/);
      assert.match(discovery.headers['strict-transport-security'] ?? '', /max-age=\d+/);
      const visitor = new Visitor({ ca });
      await visitor.visit(`${provider.issuer()}/login`);
      await visitor.fill({ login_id: graduate.login_id, password: graduate.password, second_password: graduate.second_password });
      await visitor.press('login');
      const set = visitor.trail.flatMap(({ cookies }) => cookies);
      assert.ok(set.some(({ name }) => name === '__Host-certificate-session'), set.map(({ name }) => name).join());
      for (const { attributes, line } of set) {
        assert.ok(attributes.secure, line);
        assert.ok(attributes.httponly, line);
        assert.equal(attributes.domain, undefined);
      }
      const old = await command('openssl', ['s_client', '-connect', `127.0.0.1:${provider.port}`, '-tls1_1'], { input: 'Q\n', timeout: 8_000 });
      assert.doesNotMatch(old.stdout, /Cipher is (?!\(NONE\))/);
      const plain = await raw(provider.port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', { timeout: 3_000 });
      assert.doesNotMatch(plain.text, /^HTTP\/1\.1 200/);
    });
  });

  it('behind a trusted proxy the forwarded address counts for limits; from anybody else it does not', async () => {
    await withProvider({ database: 'sqlite', limits: true, settings: { server: { trusted_proxies: ['127.0.0.0/8'] } } }, async (provider) => {
      for (const value of ['203.0.113.9', '203.0.113.9, 10.0.0.1', 'garbage', '', '::ffff:1.2.3.4', `${'1.2.3.4,'.repeat(500)}`]) {
        const answer = await request(`${provider.issuer()}/login`, { headers: { 'x-forwarded-for': value } });
        assert.equal(answer.status, 200, value.slice(0, 40));
      }
    });
  });

  it('rate limits give 429 with Retry-After, and only to the source that is too fast', async () => {
    await withProvider({ database: 'sqlite', limits: true, settings: { server: { trusted_proxies: ['127.0.0.0/8'] } } }, async (provider) => {
      const visitor = new Visitor({ headers: { 'x-forwarded-for': '203.0.113.50' } });
      let limited;
      for (let n = 0; n < 200 && !limited; n += 1) {
        await visitor.visit(`${provider.issuer()}/login`);
        if (visitor.status === 429) limited = visitor.answer;
        else {
          await visitor.fill({ login_id: `u${n}@example.jp`, password: 'Wrong2024x', second_password: 'Wrong2024y' });
          const sent = visitor.submission('login');
          const answer = await visitor.send(sent.url, { ...sent, headers: { ...sent.headers, origin: provider.origin } });
          if (answer.status === 429) limited = answer;
        }
      }
      assert.ok(limited, 'two hundred guesses over many accounts from one source are slowed down');
      assert.match(limited.headers['retry-after'] ?? '', /^\d+$/);
      const other = new Visitor({ headers: { 'x-forwarded-for': '198.51.100.7' } });
      await other.visit(`${provider.issuer()}/login`);
      await other.fill({ login_id: 'somebody@example.jp', password: 'Wrong2024x', second_password: 'Wrong2024y' });
      await other.press('login');
      assert.equal(other.status, 422);
    });
  });

  it('two processes on one PostgreSQL share sessions, codes and keys', { skip: !databases.includes('postgres') && 'PostgreSQL was not asked for' }, async () => {
    await withProvider({ database: 'postgres', accounts: everybody, clients: everyClient }, async (provider) => {
      const second = new Provider();
      const { freePort } = await import('../support/http.js');
      Object.assign(second, provider, { log: '', port: await freePort(), managementPort: await freePort() });
      second.env = { ...provider.env, MADOGUCHI_SERVER__LISTEN: `127.0.0.1:${second.port}`, MADOGUCHI_SERVER__MANAGEMENT_LISTEN: `127.0.0.1:${second.managementPort}` };
      await second.start({ wait: false });
      try {
        const other = `http://127.0.0.1:${second.port}`;
        await until('the second process', async () => (await request(`${other}/readyz`)).status === 200);
        assert.equal((await request(`${other}/t/certificate/jwks`)).text, (await request(`${provider.issuer()}/jwks`)).text);
        const visitor = await signIn(new Visitor(), provider, graduate);
        const { parameters, verifier } = authorization(clients.first);
        const answer = await authorize(visitor, provider, parameters);
        const code = new URL(answer.location).searchParams.get('code');
        assert.ok(code);
        const body = formBody({ grant_type: 'authorization_code', code, redirect_uri: parameters.redirect_uri, code_verifier: verifier });
        const { basic } = await import('../support/protocol.js');
        const redeem = (origin) => request(`${origin}/t/certificate/token`, { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded', ...basic(clients.first) }, body });
        const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => redeem(n % 2 ? provider.origin : other)));
        assert.equal(answers.filter(({ status }) => status === 200).length, 1, 'one redemption of fifty');
      } finally {
        second.child.kill('SIGTERM');
        await second.exited;
      }
    });
  });
});
