// From a mail address to an application that was received.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { it } from 'node:test';
import { request } from '../support/http.js';
import { agree, apply, askForRegistration, expectPage, fillForm, reachForm, receptionReference, registrationLink } from '../support/journey.js';
import { graduate, licence, newAddress, clerk } from '../support/people.js';
import { root } from '../support/provider.js';
import { everybody, onEachDatabase } from '../support/suite.js';
import { Visitor } from '../support/visitor.js';
import { sameForOutsiders } from '../support/outside.js';

onEachDatabase('registration', { accounts: everybody }, (at) => {
  const register = async (mail, { language, confirm = mail } = {}) => {
    const visitor = new Visitor({ language });
    await visitor.visit(`${at.provider.issuer()}/register`);
    await visitor.fill({ mail, mail_confirm: confirm });
    await visitor.press('check');
    return visitor;
  };

  it('asks for the mail address twice, with the sender’s domain shown before anything is sent', async () => {
    const visitor = new Visitor();
    await visitor.visit(`${at.provider.issuer()}/register`);
    assert.equal(visitor.status, 200);
    for (const selector of ['input[name=mail]', 'input[name=mail_confirm]', 'button#check', 'select[name=lang]']) assert.ok(await visitor.exists(selector), selector);
    assert.equal(await visitor.attribute('input[name=mail]', 'autocomplete'), 'email');
  });

  it('a known and an unknown address get byte-equal answers; only the mails differ', async () => {
    const unknown = newAddress('new');
    const pages = { unknown: (await register(unknown)).trail, known: (await register(graduate.email)).trail };
    sameForOutsiders(pages, [unknown, graduate.email]);
    assert.equal(pages.unknown[0].status, 303);
    const [fresh, told] = [await at.provider.mail.wait(unknown), await at.provider.mail.wait(graduate.email)];
    assert.ok(fresh.links.some((link) => link.includes('/register/link/')));
    assert.ok(!told.links.some((link) => link.includes('/register/link/')), 'the owner of an account gets no registration link');
    assert.notEqual(fresh.subject, told.subject);
  });

  it('the mail is plain UTF-8 text from the tenant’s address with a stable id, an absolute time limit and no trace of tracking', async () => {
    const address = newAddress('mail');
    await register(address);
    const mail = await at.provider.mail.wait(address);
    const raw = mail.raw.toString('latin1');
    assert.match(raw, /^Content-Type: text\/plain; charset=utf-8/im);
    assert.match(raw, /^Auto-Submitted: auto-generated/im);
    assert.match(raw, /^Message-ID: <[^>]+@[^>]+>/im);
    assert.doesNotMatch(raw, /text\/html/i);
    assert.ok(mail.links.every((link) => link.startsWith(at.provider.origin) || !link.includes('/register/')), mail.links.join());
    assert.match(mail.text, /\d{4}年\d{1,2}月\d{1,2}日.*\d{1,2}[:：時]\d{2}/, 'an absolute time');
    for (const line of mail.text.split('\n').filter((one) => one.includes('http'))) assert.match(line.trim(), /^https?:\/\/\S+$/, 'a URL stands alone on its line');
    for (const line of raw.split('\r\n')) assert.ok(line.length <= 998);
  });

  it('the mail comes in the language of the page', async () => {
    const [english, japanese] = [newAddress('en'), newAddress('ja')];
    await register(english, { language: 'en' });
    await register(japanese, { language: 'ja' });
    assert.doesNotMatch((await at.provider.mail.wait(english)).text.replace(/^.*(大学|署名|窓口).*$/gm, ''), /[ぁ-ん]{4}/);
    assert.match((await at.provider.mail.wait(japanese)).text, /[ぁ-ん]{2}/);
  });

  it('old carriers’ addresses with dots in odd places are accepted and written to', async () => {
    const address = `abc..def.${process.pid}${at.kind}.@docomo.ne.jp`;
    const visitor = await register(address);
    assert.equal(visitor.trail[0].status, 303, visitor.describe());
    const mail = await at.provider.mail.wait(address);
    assert.equal(mail.to[0], `"${address.split('@')[0]}"@docomo.ne.jp`, 'the local part is quoted');
    assert.ok(mail.links.length > 0);
  });

  it('full-width letters and blanks around the address are forgiven', async () => {
    const address = newAddress('wide');
    const wide = address.replace(/[a-z0-9@.]/g, (c) => String.fromCharCode(c.charCodeAt(0) + 0xfee0));
    const visitor = await register(` ${wide}　`, { confirm: address });
    assert.equal(visitor.trail[0].status, 303, visitor.describe());
    assert.ok(await at.provider.mail.wait(address));
  });

  for (const [why, mail, confirm] of [
    ['nothing', '', ''], ['no at', 'somebody', undefined], ['no dot in the domain', 'a@localhost', undefined],
    ['a literal address', 'a@[127.0.0.1]', undefined], ['a leading hyphen', '-oQ/tmp/x@example.jp', undefined],
    ['two addresses', 'a@example.jp,b@example.jp', undefined], ['a line break', 'a@example.jp\r\nBcc: b@example.jp', undefined],
    ['a display name', 'Eve <a@example.jp>', undefined], ['300 characters', `${'a'.repeat(290)}@example.jp`, undefined],
    ['a control character', 'a\u0001b@example.jp', undefined], ['a different repetition', 'one@example.jp', 'two@example.jp'],
  ]) {
    it(`refuses ${why} as a mail address, keeps what was typed and sends nothing`, async () => {
      const before = at.provider.mail.messages.length;
      const visitor = await register(mail, { confirm: confirm ?? mail });
      assert.equal(visitor.status, 422, visitor.describe());
      await expectPage(visitor, 'register');
      assert.ok(await visitor.exists('#error-summary'));
      assert.ok((await visitor.count('[aria-invalid="true"]')) >= 1);
      if (!/[\r\n\u0001]/.test(mail)) assert.equal(await visitor.value('mail'), mail);
      assert.equal(at.provider.mail.messages.length, before);
    });
  }

  it('opening the link by GET, HEAD or a script, five times, consumes nothing', async () => {
    const mail = newAddress('scanned');
    await register(mail);
    const link = await registrationLink(at.provider, mail);
    for (const method of ['GET', 'HEAD', 'GET', 'OPTIONS', 'GET', 'GET', 'GET']) {
      const answer = await request(link, { method, headers: { 'user-agent': 'MailScanner/1.0' } });
      assert.ok(answer.status < 500);
    }
    const person = new Visitor();
    await person.visit(link);
    await agree(person);
    await expectPage(person, 'form');
  });

  it('the link leads by 303 to an address without the secret, and sends no referrer', async () => {
    const mail = newAddress('clean');
    await register(mail);
    const link = await registrationLink(at.provider, mail);
    const secret = new URL(link).pathname.split('/').pop();
    assert.match(secret, /^[A-Za-z0-9_-]{43}$/);
    const visitor = new Visitor();
    await visitor.visit(link);
    assert.equal(visitor.trail[0].status, 303);
    assert.equal(visitor.trail[0].headers['referrer-policy'], 'no-referrer');
    assert.ok(!(await visitor.url()).includes(secret));
    assert.ok(!visitor.answer.text.includes(secret));
    assert.ok(!at.provider.log.includes(secret), 'the log masks it');
    assert.match(visitor.trail[0].headers['cache-control'], /no-store/);
  });

  it('an unknown, shortened, lengthened or foreign link gets a page that says so and how to start again', async () => {
    const mail = newAddress('cut');
    await register(mail);
    const link = await registrationLink(at.provider, mail);
    for (const wrong of [link.slice(0, -1), `${link}A`, `${link.slice(0, -1)}${link.endsWith('A') ? 'B' : 'A'}`, link.replace(/[^/]+$/, 'x'), link.replace(/[^/]+$/, encodeURIComponent("' OR 1=1 --")), link.replace(/[^/]+$/, '%00'), link.replace('/register/link/', '/resubmit/link/')]) {
      const visitor = new Visitor();
      await visitor.visit(wrong);
      assert.ok([400, 404, 410].includes(visitor.status), `${visitor.status} for ${wrong}`);
      assert.match(visitor.answer.text, /\/register/, 'the way to start again');
      assert.notEqual(await visitor.page(), 'terms');
    }
  });

  it('a newer link takes the older one’s place', async () => {
    const mail = newAddress('newer');
    await register(mail);
    const old = await registrationLink(at.provider, mail);
    await register(mail);
    const fresh = await registrationLink(at.provider, mail, 2);
    const visitor = new Visitor();
    await visitor.visit(old);
    assert.notEqual(await visitor.page(), 'terms');
    await visitor.visit(fresh);
    await expectPage(visitor, 'terms');
  });

  it('one address gets no more mails in an hour than the tenant allows, with the same page each time', async () => {
    const allowed = Number(/mails_per_hour = (\d+)/.exec(await readFile(path.join(root, 'tenants/certificate/tenant.toml'), 'utf8'))[1]);
    const mail = newAddress('flooded');
    const pages = {};
    for (let n = 0; n < allowed + 3; n += 1) pages[n] = (await register(mail)).trail;
    sameForOutsiders(pages, [mail]);
    await at.provider.mail.wait(mail, allowed);
    const marker = newAddress('marker');
    await register(marker);
    await at.provider.mail.wait(marker);
    assert.equal(at.provider.mail.to(mail).length, allowed);
  });

  it('terms must be agreed to', async () => {
    const mail = newAddress('terms');
    await register(mail);
    const visitor = new Visitor();
    await visitor.visit(await registrationLink(at.provider, mail));
    await expectPage(visitor, 'terms');
    await visitor.press('agree');
    assert.equal(visitor.status, 422);
    assert.ok(await visitor.exists('#error-summary'));
  });

  it('no step can be reached before the one that leads to it', async () => {
    const visitor = new Visitor();
    for (const path of ['/register/terms', '/register/form', '/register/check', '/register/reception', '/register/document/document_front']) {
      await visitor.visit(`${at.provider.issuer()}${path}`);
      assert.ok(!['terms', 'form', 'check', 'reception'].includes(await visitor.page()), `${path} opened ${await visitor.page()}`);
    }
    const mail = newAddress('order');
    await register(mail);
    const person = new Visitor();
    await person.visit(await registrationLink(at.provider, mail));
    for (const path of ['/register/form', '/register/check', '/register/reception']) {
      await person.visit(`${at.provider.issuer()}${path}`);
      assert.ok(!['form', 'check', 'reception'].includes(await person.page()), `${path} before the terms opened ${await person.page()}`);
    }
    await person.visit(`${at.provider.issuer()}/register/terms`);
    await agree(person);
    for (const path of ['/register/check', '/register/reception']) {
      await person.visit(`${at.provider.issuer()}${path}`);
      assert.ok(!['check', 'reception'].includes(await person.page()), `${path} before the form opened ${await person.page()}`);
    }
  });

  it('check and reception show what was entered and a reference number; the applicant is told by mail', async () => {
    const visitor = new Visitor();
    const mail = await reachForm(visitor, at.provider);
    await fillForm(visitor);
    await visitor.press('check');
    assert.equal(visitor.trail[0].status, 303, visitor.describe());
    await expectPage(visitor, 'check');
    const text = await visitor.text();
    for (const shown of ['山田 太郎', 'ヤマダ タロウ', '100-0001', '千代田区', '皇居前ビル 301', mail]) assert.ok(text.includes(shown), shown);
    const picture = await visitor.attribute('img[src*="/register/document/"]', 'src');
    const image = await visitor.send(picture);
    assert.equal(image.status, 200);
    assert.match(image.headers['content-type'], /^image\/(png|jpeg)/);
    await visitor.press('submit');
    assert.equal(visitor.trail[0].status, 303);
    const reference = await receptionReference(visitor);
    assert.match(reference, /^[0-9A-Z-]{8,}$/);
    const received = await at.provider.mail.wait(mail, 2);
    assert.ok(received.text.includes(reference));
  });

  it('nothing typed and no picture is lost by Back, a language switch, an error or opening the link again', async () => {
    const visitor = new Visitor();
    const mail = await reachForm(visitor, at.provider);
    const link = await registrationLink(at.provider, mail);
    await fillForm(visitor, { building: '長い名前の建物 999' });
    await visitor.press('check');
    await expectPage(visitor, 'check');
    await visitor.press('back');
    await expectPage(visitor, 'form');
    assert.equal(await visitor.value('building'), '長い名前の建物 999');
    assert.ok(await visitor.exists('img[src*="document_front"]'), 'the picture is shown');
    await visitor.fill({ name: '', building: '変更後の建物' });
    await visitor.press('check');
    assert.equal(visitor.status, 422);
    assert.equal(await visitor.value('building'), '変更後の建物', 'also what was right beside an error');
    assert.ok(await visitor.exists('img[src*="document_front"]'));
    await visitor.fill({ lang: 'en' });
    await visitor.press('switch_lang');
    await expectPage(visitor, 'form');
    assert.equal(await visitor.attribute('html', 'lang'), 'en');
    assert.equal(await visitor.value('building'), '変更後の建物');
    const again = new Visitor();
    await again.visit(link);
    if ((await again.page()) === 'terms') await agree(again);
    await expectPage(again, 'form');
    assert.equal(await again.value('building'), '変更後の建物');
    assert.ok(await again.exists('img[src*="document_front"]'));
    await again.fill({ name: '山田 太郎' });
    await again.press('check');
    await expectPage(again, 'check');
  });

  it('ten parallel presses of Application submit once', async () => {
    const visitor = new Visitor();
    const mail = await reachForm(visitor, at.provider);
    await fillForm(visitor);
    await visitor.press('check');
    const { url, headers, body } = visitor.submission('submit');
    const answers = await Promise.all(Array.from({ length: 10 }, () => visitor.send(url, { method: 'POST', headers: { ...headers, origin: at.provider.origin }, body })));
    assert.ok(answers.every(({ status }) => [303, 409, 503].includes(status)), answers.map(({ status }) => status).join());
    assert.ok(answers.some(({ status }) => status === 303));
    await visitor.visit(`${at.provider.issuer()}/register/reception`);
    const reference = await receptionReference(visitor);
    const desk = new Visitor();
    await desk.visit(`${at.provider.issuer()}/login`);
    await desk.fill({ login_id: clerk.login_id, password: clerk.password, second_password: clerk.second_password });
    await desk.press('login');
    await desk.visit(`${at.provider.issuer()}/desk`);
    assert.equal(await desk.count(`[data-reference="${reference}"]`), 1);
    await at.provider.mail.wait(mail, 2);
    const marker = newAddress('marker');
    await register(marker);
    await at.provider.mail.wait(marker);
    assert.equal(at.provider.mail.to(mail).length, 2, 'one link, one receipt');
  });

  it('after the application, the link says that it was used, and the form is closed', async () => {
    const visitor = new Visitor();
    const { mail } = await apply(visitor, at.provider);
    const link = await registrationLink(at.provider, mail);
    const again = new Visitor();
    await again.visit(link);
    assert.ok([400, 404, 410].includes(again.status), again.describe());
    assert.match(again.answer.text, /\/register/);
    await visitor.visit(`${at.provider.issuer()}/register/check`);
    assert.notEqual(await visitor.page(), 'check');
  });

  it('a form sent from a page that is out of date is an invalid operation and changes nothing', async () => {
    const visitor = new Visitor();
    await reachForm(visitor, at.provider);
    await fillForm(visitor);
    await visitor.press('check');
    const stale = visitor.submission('submit');
    await visitor.press('submit');
    await receptionReference(visitor);
    const answer = await visitor.send(stale.url, { ...stale, headers: { ...stale.headers, origin: at.provider.origin } });
    if (answer.status === 303) assert.match(answer.location, /\/register\/reception/, 'a repeated POST has the first one’s result');
    else {
      assert.equal(answer.status, 409);
      assert.match(answer.text, /data-page="invalid-operation"/);
    }
  });

  it('every POST of the registration needs its form token and our own origin', async () => {
    const visitor = new Visitor();
    const mail = newAddress('csrf');
    await visitor.visit(`${at.provider.issuer()}/register`);
    await visitor.fill({ mail, mail_confirm: mail });
    const tries = [];
    const collect = async (button) => {
      for (const [extra, headers] of [[{ csrf: undefined }, {}], [{ csrf: 'A'.repeat(43) }, {}], [{}, { origin: 'https://evil.example' }]]) {
        const sent = visitor.submission(button, extra);
        tries.push([button, (await visitor.send(sent.url, { ...sent, headers: { ...sent.headers, ...headers } })).status]);
      }
    };
    await collect('check');
    await visitor.press('check');
    await visitor.visit(await registrationLink(at.provider, mail));
    const [choice] = await visitor.choices('agree');
    await visitor.fill({ agree: choice });
    await collect('agree');
    await visitor.press('agree');
    await fillForm(visitor);
    await collect('check');
    await visitor.press('check');
    await collect('submit');
    for (const [button, status] of tries) assert.equal(status, 403, `#${button}`);
    await visitor.press('submit');
    await expectPage(visitor, 'reception');
  });

  it('mass assignment: unknown and internal fields in the form change nothing', async () => {
    const visitor = new Visitor();
    await reachForm(visitor, at.provider);
    await fillForm(visitor);
    const sent = visitor.submission('check', { state: 'approved', staff_roles: 'reviewer', tenant: 'residence', email: 'evil@example.jp', application_type: 'admin' });
    const answer = await visitor.send(sent.url, { ...sent, headers: { ...sent.headers, origin: at.provider.origin } });
    assert.ok([303, 400, 422].includes(answer.status), `${answer.status}`);
    if (answer.status === 303) {
      visitor.show(await visitor.send(answer.location));
      assert.ok(!(await visitor.text()).includes('evil@example.jp'));
    }
  });

  it('links in mails keep the configured address whatever Host and forwarding headers say', async () => {
    const poison = [
      { host: 'evil.example' }, { 'x-forwarded-host': 'evil.example' }, { forwarded: 'host=evil.example;proto=https' },
      { 'x-forwarded-proto': 'https', 'x-forwarded-port': '666' }, { 'x-original-host': 'evil.example' }, { 'x-forwarded-prefix': '/evil' },
      { 'x-forwarded-for': '1.2.3.4, %%%garbage' },
    ];
    for (const headers of poison) {
      const mail = newAddress('host');
      const visitor = new Visitor({ headers });
      await visitor.visit(`${at.provider.issuer()}/register`);
      if (visitor.status === 421) continue;
      assert.ok(!visitor.answer.text.includes('evil.example'), JSON.stringify(headers));
      await visitor.fill({ mail, mail_confirm: mail });
      await visitor.press('check').catch(() => {});
      for (const step of visitor.trail) assert.ok(!(step.headers.location ?? '').includes('evil'), JSON.stringify(headers));
      if (visitor.status >= 400) continue;
      const message = await at.provider.mail.wait(mail);
      for (const link of message.links.filter((one) => one.includes('/register/'))) assert.ok(link.startsWith(`${at.provider.issuer()}/`), link);
      assert.ok(!message.raw.toString().includes('evil.example'));
    }
  });

  it('an application without JavaScript and without a picture of the back is enough', async () => {
    const visitor = new Visitor();
    await reachForm(visitor, at.provider);
    await fillForm(visitor, {}, { document_front: licence() });
    await visitor.press('check');
    await expectPage(visitor, 'check');
  });

  it('registering while signed out never signs anybody in', async () => {
    const visitor = new Visitor();
    await apply(visitor, at.provider);
    assert.equal((await visitor.cookies())['certificate-session'] ?? '', '');
    await askForRegistration(await new Visitor().visit(`${at.provider.issuer()}/register`), newAddress());
  });
});
