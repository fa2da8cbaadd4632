// Links, redirects and the issuer come from the configuration, whatever a request says about the host that it reached.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { raw, request } from '../support/http.js';
import { apply, decide, openApplication, signIn } from '../support/journey.js';
import { clerk, graduate, newAddress } from '../support/people.js';
import { authorization, clients, metadata } from '../support/protocol.js';
import { everyClient, onEachDatabase } from '../support/suite.js';
import { Visitor } from '../support/visitor.js';

const evil = 'evil.example';

/** What a request may say about where it goes. */
const lies = {
  Host: { host: evil },
  'Host with our port': { host: `${evil}:443` },
  'X-Forwarded-Host': { 'x-forwarded-host': evil },
  'X-Forwarded-Host, twice': { 'x-forwarded-host': [evil, evil] },
  'X-Forwarded-Proto and -Port': { 'x-forwarded-proto': 'https', 'x-forwarded-port': '4443', 'x-forwarded-host': `${evil}:4443` },
  Forwarded: { forwarded: `for=192.0.2.1;host=${evil};proto=https` },
  'X-Forwarded-Server and -Prefix': { 'x-forwarded-server': evil, 'x-forwarded-prefix': `//${evil}` },
  'X-Original-URL, X-Rewrite-URL': { 'x-original-url': `https://${evil}/`, 'x-rewrite-url': `https://${evil}/` },
  'X-Host, X-HTTP-Host-Override': { 'x-host': evil, 'x-http-host-override': evil },
  Referer: { referer: `https://${evil}/` },
};

onEachDatabase('addresses of links', { accounts: [clerk, graduate], clients: everyClient, tenants: ['certificate', 'residence'], settings: { server: { trusted_proxies: ['127.0.0.1'] } } }, (at) => {
  const clean = (answer, what) => {
    assert.ok(answer.status < 500, `${what}: ${answer.status}`);
    assert.ok(!JSON.stringify(answer.headers).includes(evil), `${what}: ${JSON.stringify(answer.headers)}`);
    assert.ok(!answer.text.includes(evil), `${what}: ${answer.text.slice(0, 300)}`);
    return answer;
  };
  const pressed = async (visitor, button, lie) => {
    const sent = visitor.submission(button);
    return visitor.send(sent.url, { ...sent, headers: { ...sent.headers, origin: at.provider.origin, ...lie } });
  };

  for (const [name, lie] of Object.entries(lies)) {
    it(`${name}: pages, redirects and the discovery document name the configured address`, async () => {
      const issuer = at.provider.issuer();
      const { parameters } = authorization(clients.first);
      for (const path of ['/', '/login', '/register', '/forgot', '/account', '/desk', '/terms', '/session', '/nowhere', '/register/form', `/register/link/${'A'.repeat(43)}`, '/authorize/resume', '/end-session',
        `/authorize?${new URLSearchParams(parameters)}`, `/authorize?${new URLSearchParams({ ...parameters, prompt: 'none' })}`, `/authorize?${new URLSearchParams({ ...parameters, redirect_uri: 'https://elsewhere.example/' })}`,
        `/login?to=//${'x'.repeat(3)}.example/`]) {
        const answer = clean(await request(`${issuer}${path}`, { headers: lie }), path);
        if (answer.headers.location && !answer.headers.location.startsWith(parameters.redirect_uri)) assert.match(answer.headers.location, /^\/(?!\/)/, `${path} leads to ${answer.headers.location}`);
        if (answer.headers.location?.startsWith(parameters.redirect_uri)) assert.equal(new URL(answer.location).searchParams.get('iss'), issuer);
      }
      const document = clean(await request(`${issuer}/.well-known/openid-configuration`, { headers: lie }), 'discovery').json;
      assert.deepEqual(document, await metadata(at.provider));
      for (const [member, value] of Object.entries(document)) if (/_endpoint$|_uri$|^issuer$/.test(member)) assert.ok(value.startsWith(issuer), `${member}: ${value}`);
      clean(await request(`${at.provider.origin}/`, { headers: lie }), 'outside any tenant');
      clean(await request(`${at.provider.origin}/.well-known/oauth-authorization-server/t/certificate`, { headers: lie }), 'RFC 8414');
    });

    it(`${name}: every mail that can be caused has links of the configured address only`, async () => {
      const [fresh, known] = [newAddress('poison'), newAddress('known')];
      await at.provider.createAccount({ login_id: known, email: known, password: 'Hontou2024sakura', second_password: 'Momiji77betsu' });
      for (const [path, mail, count] of [['/register', fresh, 1], ['/register', known, 1], ['/forgot', known, 2]]) {
        const visitor = new Visitor({ headers: lie });
        await visitor.visit(`${at.provider.issuer()}${path}`);
        await visitor.fill(path === '/register' ? { mail, mail_confirm: mail } : { mail });
        clean(await pressed(visitor, path === '/register' ? 'check' : 'send', lie), path);
        const message = await at.provider.mail.wait(mail, count);
        assert.ok(message.links.length > 0);
        for (const link of message.links) assert.ok(link.startsWith(at.provider.issuer()) || /madoguchi-univ\.example\.jp/.test(link), link);
        assert.ok(!message.raw.toString('latin1').includes(evil), 'nor anywhere else in the mail');
      }
    });
  }

  it('the mails of a decision and of a lock, caused with lying headers, too', async () => {
    const lie = lies['X-Forwarded-Proto and -Port'];
    const applicant = new Visitor({ headers: lie });
    const { mail, reference } = await apply(applicant, at.provider);
    const desk = await signIn(new Visitor({ headers: lie }), at.provider, clerk);
    await openApplication(desk, at.provider, reference);
    await decide(desk, 'resubmit', { reason: '番地まで', items: { street: '番地まで' } });
    await at.provider.mail.wait(mail, 3);
    for (const message of at.provider.mail.to(mail)) {
      assert.ok(!message.raw.toString('latin1').includes(evil));
      for (const link of message.links) assert.ok(link.startsWith(at.provider.issuer()) || /madoguchi-univ\.example\.jp/.test(link), link);
    }
  });

  it('two Host headers, none, or an absolute request line with another host give no other address', async () => {
    const { port } = at.provider;
    for (const text of [
      `GET /t/certificate/account HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nHost: ${evil}\r\n\r\n`,
      'GET /t/certificate/account HTTP/1.1\r\n\r\n',
      `GET http://${evil}/t/certificate/account HTTP/1.1\r\nHost: ${evil}\r\n\r\n`,
      `GET /t/certificate/account HTTP/1.1\r\nHost: ${evil}\r\n\r\n`,
    ]) {
      const answer = await raw(port, text);
      assert.match(answer.text, /^HTTP\/1\.1 [34]\d\d/, answer.text.slice(0, 100));
      assert.doesNotMatch(answer.text, new RegExp(evil.replace('.', '\\.')), text.split('\r\n')[0]);
    }
  });
});
