// What every answer carries, and what odd requests get.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { raw, request } from '../support/http.js';
import { graduate } from '../support/people.js';
import { signedIn } from '../support/protocol.js';
import { everybody, everyClient, onEachDatabase } from '../support/suite.js';

onEachDatabase('answers', { accounts: everybody, clients: everyClient, tenants: ['certificate', 'residence'], databases: ['sqlite'] }, (at) => {
  const pages = ['/', '/login', '/register', '/register/sent', '/register/terms', '/register/form', '/account', '/desk', '/logout', '/nowhere', '/register/link/x', '/authorize', '/end-session'];

  it('every page forbids sniffing, framing, referrers, inline script, plugins and other bases', async () => {
    const visitor = await signedIn(at.provider, graduate);
    for (const path of pages) {
      for (const answer of [await request(`${at.provider.issuer()}${path}`), await visitor.send(`${at.provider.issuer()}${path}`)]) {
        const { headers } = answer;
        assert.ok(answer.status < 500, `${path}: ${answer.status}`);
        assert.equal(headers['x-content-type-options'], 'nosniff', path);
        assert.match(headers['referrer-policy'] ?? '', /^(no-referrer|same-origin|strict-origin)/, path);
        const policy = headers['content-security-policy'] ?? '';
        for (const part of ["frame-ancestors 'none'", "object-src 'none'", "base-uri 'none'", "default-src 'none'"]) assert.ok(policy.includes(part), `${path}: ${part} in ${policy}`);
        assert.doesNotMatch(policy, /unsafe-inline|unsafe-eval|\*/, path);
        if (/^text\/html/.test(headers['content-type'] ?? '')) {
          assert.match(headers['content-type'], /charset=utf-8/i);
          assert.match(headers['cache-control'] ?? '', /no-store/, path);
          assert.doesNotMatch(answer.text, /<script(?![^>]*src=)[^>]*>[^<]|\son[a-z]+=|style="/, `${path} has no inline script or style`);
          assert.doesNotMatch(answer.text, /(?:src|href)="(?:https?:)?\/\/(?!127\.0\.0\.1)[^"]*\.(?:js|css|woff2?|png|jpe?g)/, `${path} loads nothing from elsewhere`);
        }
        assert.equal(headers.server, undefined);
        assert.equal(headers['x-powered-by'], undefined);
      }
    }
  });

  it('assets have a hash in their address and may be kept for ever', async () => {
    const page = await request(`${at.provider.issuer()}/login`);
    const links = [...page.text.matchAll(/(?:href|src)="([^"]*\/assets\/[^"]+)"/g)].map(([, link]) => link);
    assert.ok(links.length >= 1);
    for (const link of links) {
      const answer = await request(new URL(link, at.provider.origin));
      assert.equal(answer.status, 200, link);
      assert.match(answer.headers['cache-control'], /immutable/);
      assert.equal(answer.headers['x-content-type-options'], 'nosniff');
    }
    for (const climb of ['/assets/base/x/../../../../etc/passwd', '/assets/base/%2e%2e%2f%2e%2e%2fetc/passwd', '/assets/../Cargo.toml', '/assets/base//etc/passwd']) {
      const answer = await request(at.provider.origin, { path: climb });
      assert.ok([400, 404].includes(answer.status), climb);
    }
  });

  it('health and readiness answer on both listeners, metrics only on the management one', async () => {
    const management = `http://127.0.0.1:${at.provider.managementPort}`;
    for (const base of [at.provider.origin, management]) for (const path of ['/healthz', '/readyz']) assert.equal((await request(base + path)).status, 200, base + path);
    const metrics = await request(`${management}/metrics`);
    assert.equal(metrics.status, 200);
    assert.match(metrics.text, /^# (TYPE|HELP) /m);
    assert.equal((await request(`${at.provider.origin}/metrics`)).status, 404);
  });

  it('an unknown host is misdirected or answered with the configured address, never echoed', async () => {
    for (const host of ['evil.example', 'evil.example:80', '127.0.0.1:1', 'a'.repeat(300)]) {
      const answer = await request(`${at.provider.issuer()}/.well-known/openid-configuration`, { headers: { host } });
      assert.ok([200, 400, 421].includes(answer.status));
      if (answer.status === 200) assert.ok(!answer.text.includes('evil'), host);
    }
    const absolute = await request(at.provider.origin, { path: 'http://evil.example/t/certificate/login' });
    assert.ok(!absolute.text.includes('evil.example'));
    const doubled = await raw(at.provider.port, 'GET /t/certificate/login HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n');
    assert.match(doubled.text, /^HTTP\/1\.1 (400|421|200)/);
    assert.ok(!doubled.text.includes('evil.example'));
  });

  it('an unknown tenant, page or method gets a clean answer', async () => {
    for (const path of ['/t/nowhere/login', '/t/NOWHERE/login', '/t/certificate%00/login', '/t//login', '/t/../t/certificate/login', '/%ff%fe', '/t/certificate/login/', '/t/certificate/%2e%2e/residence/login']) {
      const answer = await request(at.provider.origin, { path });
      assert.ok(answer.status < 500 && answer.status !== 200, `${path}: ${answer.status}`);
    }
    for (const method of ['TRACE', 'DELETE', 'PUT', 'PROPFIND']) {
      const answer = await request(`${at.provider.issuer()}/`, { method });
      assert.ok([400, 404, 405, 501].includes(answer.status), `${method}: ${answer.status}`);
    }
  });

  it('headers, addresses and bodies that are too large are refused with their status', async () => {
    const header = await request(`${at.provider.issuer()}/login`, { headers: { 'x-large': 'a'.repeat(120_000) } }).catch(() => ({ status: 431 }));
    assert.ok([400, 431].includes(header.status), `${header.status}`);
    const address = await request(`${at.provider.issuer()}/login?${'a'.repeat(200_000)}`).catch(() => ({ status: 414 }));
    assert.ok([400, 414, 431].includes(address.status), `${address.status}`);
    const body = await request(`${at.provider.issuer()}/token`, {
      method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: `grant_type=${'a'.repeat(3_000_000)}`,
    }).catch(() => ({ status: 413 }));
    assert.ok([400, 413].includes(body.status), `${body.status}`);
    const many = await request(`${at.provider.issuer()}/token`, {
      method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: Array.from({ length: 20_000 }, (_, n) => `p${n}=1`).join('&'),
    }).catch(() => ({ status: 413 }));
    assert.ok(many.status >= 400 && many.status < 500);
    const deep = await request(`${at.provider.issuer()}/authorize?response_type=code&client_id=first-app&claims=${'['.repeat(5_000)}`);
    assert.ok(deep.status < 500);
  });

  it('smuggled and malformed requests get 400 and the connection ends', async () => {
    for (const text of [
      'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /evil',
      'GET / HTTP/9.9\r\nHost: x\r\n\r\n',
      'GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n',
      'NONSENSE\r\n\r\n',
      'POST /t/certificate/login HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n',
    ]) {
      const { text: answer } = await raw(at.provider.port, text, { timeout: 3_000 });
      assert.doesNotMatch(answer, /^HTTP\/1\.1 (200|5)/, JSON.stringify(text));
    }
    assert.equal((await request(`${at.provider.origin}/healthz`)).status, 200);
  });

  it('every language switch stays on the page, and never leads elsewhere', async () => {
    const { Visitor } = await import('../support/visitor.js');
    const visitor = new Visitor({ language: 'ja' });
    await visitor.visit(`${at.provider.issuer()}/login`);
    assert.equal(await visitor.attribute('html', 'lang'), 'ja');
    await visitor.fill({ lang: 'en' });
    await visitor.press('switch_lang');
    assert.equal(await visitor.page(), 'login');
    assert.equal(await visitor.attribute('html', 'lang'), 'en');
    await visitor.visit(`${at.provider.issuer()}/register`);
    assert.equal(await visitor.attribute('html', 'lang'), 'en', 'the choice holds');
    const button = visitor.document.querySelector('#switch_lang');
    for (const target of ['//evil.example', 'https://evil.example/', '/\\evil.example', '\\\\evil.example', 'javascript:alert(1)', '/%0d%0aSet-Cookie:x=1']) {
      for (const name of ['return', 'return_to', 'next', 'page', 'back', 'to']) {
        const sent = visitor.submission(button, { [name]: target });
        const answer = await visitor.send(sent.url, { ...sent, headers: { ...sent.headers, origin: at.provider.origin, referer: target } });
        if (answer.headers.location) assert.ok(answer.location.startsWith(`${at.provider.origin}/`), `${name}=${target} → ${answer.location}`);
        assert.equal(answer.cookies.some(({ name: cookie }) => cookie === 'x'), false);
      }
    }
    const odd = visitor.submission(button, { lang: 'xx"><script>' });
    assert.ok((await visitor.send(odd.url, { ...odd, headers: { ...odd.headers, origin: at.provider.origin } })).status < 500);
  });

  it('Accept-Language chooses the language, the tenant’s default serves the rest', async () => {
    for (const [wanted, lang] of [['en-GB,en;q=0.9,ja;q=0.5', 'en'], ['ja-JP', 'ja'], ['fr', 'ja'], ['', 'ja'], ['en;q=0, ja', 'ja'], [';;;=,', 'ja']]) {
      const page = await request(`${at.provider.issuer()}/login`, { headers: { 'accept-language': wanted } });
      assert.match(page.text, new RegExp(`<html[^>]* lang="${lang}"`), wanted);
    }
  });

  it('the two tenants look like two institutions: other names, other styles', async () => {
    const [certificate, residence] = await Promise.all(['certificate', 'residence'].map((slug) => request(`${at.provider.issuer(slug)}/login`)));
    const styles = (page) => [...page.text.matchAll(/href="([^"]+\.css[^"]*)"/g)].map(([, href]) => href).join();
    assert.notEqual(styles(certificate), styles(residence));
    assert.notEqual(/<title>([^<]*)/.exec(certificate.text)[1], /<title>([^<]*)/.exec(residence.text)[1]);
  });
});
