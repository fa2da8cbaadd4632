// What somebody who is signed in does with the account: passwords, mail address, sessions, connected services, a copy of
// the data.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { acceptedMail, apply, confirmMessage, decide, expectPage, logIn, openApplication, setPasswords, signIn } from '../support/journey.js';
import { clerk, newAddress } from '../support/people.js';
import { clients, code, refresh, tokens, userinfo } from '../support/protocol.js';
import { everyClient, onEachDatabase } from '../support/suite.js';
import { Visitor } from '../support/visitor.js';

onEachDatabase('account', { accounts: [clerk], clients: everyClient, clock: true }, (at) => {
  const own = { password: 'Ichiban2024x', second_password: 'Nibanme77betsu' };
  const somebody = async (more = {}) => {
    const mail = newAddress('owner');
    await at.provider.createAccount([{ login_id: mail, email: mail, claims: { name: '所有 花子' }, ...own, ...more }]);
    return { login_id: mail, email: mail, ...own };
  };
  const attempt = async (values) => {
    const visitor = new Visitor();
    await visitor.visit(`${at.provider.issuer()}/login`);
    return logIn(visitor, values);
  };
  const enter = async (person) => signIn(new Visitor(), at.provider, person);
  const go = async (visitor, path) => visitor.visit(`${at.provider.issuer()}${path}`);
  const kinds = (mail) => at.provider.mail.to(mail).map(({ subject }) => subject);
  const cookie = async (visitor) => (await visitor.cookies())['certificate-session'];
  const press = async (visitor, values, button) => {
    await visitor.fill(values);
    await visitor.press(button);
    return visitor;
  };
  const link = async (mail, part) => {
    for (let count = 1; ; count += 1) {
      const message = await at.provider.mail.wait(mail, count);
      const found = message.links.find((one) => one.includes(part));
      if (found) return found;
    }
  };

  for (const [which, path, field, text] of [
    ['password', '/account/password', 'password', 'C-SELF-3, R-SELF-3'],
    ['second password', '/account/second-password', 'second_password', 'C-SELF-3'],
  ]) {
    it(`${text}: another ${which}: other sessions end, this one goes on under a new cookie, a mail says so`, async () => {
      const person = await somebody();
      const elsewhere = await enter(person);
      const visitor = await enter(person);
      const before = await cookie(visitor);
      await go(visitor, path);
      await expectPage(visitor, 'change-password');
      assert.equal(await visitor.exists('[name=current][maxlength]'), false);
      const fresh = 'Atarashii2025k';
      await press(visitor, { current: person[field], [field]: fresh, [`${field}_confirm`]: fresh }, 'change');
      assert.equal(visitor.trail[0].status, 303);
      await expectPage(visitor, 'message');
      await confirmMessage(visitor);
      await expectPage(visitor, 'top');
      assert.notEqual(await cookie(visitor), before);
      const stale = new Visitor();
      stale.jar.of('127.0.0.1').set('certificate-session', before);
      await go(stale, '/account');
      await expectPage(stale, 'login');
      await go(elsewhere, '/account');
      await expectPage(elsewhere, 'login');
      await expectPage(await attempt(person), 'login');
      await expectPage(await attempt({ ...person, [field]: fresh }), 'top');
      const told = await at.provider.mail.wait(person.email, 1);
      assert.match(told.subject, /パスワード/);
      assert.doesNotMatch(told.text, /Atarashii/);
    });
  }

  it('C-SELF-3, R-SELF-3: every broken rule stands beside its item, nothing typed comes back, nothing changes', async () => {
    const person = await somebody();
    const visitor = await enter(person);
    for (const [values, wrong] of [
      [{ current: '', password: '', password_confirm: '' }, ['current', 'password']],
      [{ current: person.password, password: 'kurz', password_confirm: 'kurz' }, ['password']],
      [{ current: person.password, password: 'Ordentlich2025', password_confirm: 'Ordentlich2026' }, ['password_confirm']],
      [{ current: person.password, password: person.password, password_confirm: person.password }, ['password']],
      [{ current: person.password, password: person.second_password, password_confirm: person.second_password }, ['password']],
      [{ current: 'Falsch2024xyz', password: 'Ordentlich2025', password_confirm: 'Ordentlich2025' }, ['current']],
    ]) {
      await go(visitor, '/account/password');
      await press(visitor, values, 'change');
      assert.equal(visitor.status, 422, JSON.stringify(values));
      await expectPage(visitor, 'change-password');
      assert.ok(await visitor.exists('#error-summary'));
      for (const name of wrong) assert.ok(await visitor.exists(`#${name}[aria-invalid="true"]`), `${name} of ${JSON.stringify(values)}`);
      for (const secret of Object.values(values).filter((v) => v.length > 4)) assert.ok(!visitor.answer.text.includes(secret));
    }
    await expectPage(await attempt(person), 'top');
    assert.deepEqual(kinds(person.email), []);
  });

  it('wrong current passwords lock as failed logins do, and the page says until when', async () => {
    const person = await somebody();
    const visitor = await enter(person);
    for (let n = 0; n < 6; n += 1) {
      await go(visitor, '/account/password');
      await press(visitor, { current: `Falsch2024x${n}`, password: 'Ordentlich2025', password_confirm: 'Ordentlich2025' }, 'change');
      assert.equal(visitor.status, 422);
    }
    assert.match(await visitor.text('#error-summary'), /\d{4}年/);
    await expectPage(await attempt(person), 'login');
    await at.provider.advance(15 * 60 + 5);
    await expectPage(await attempt(person), 'top');
  });

  it('two changes at once: one wins, the other is told and changed nothing', async () => {
    const person = await somebody();
    const visitors = [await enter(person), await enter(person)];
    const fresh = ['Sakura2025one', 'Tsubaki2025uno'];
    const sent = [];
    for (const [n, visitor] of visitors.entries()) {
      await go(visitor, '/account/password');
      await visitor.fill({ current: person.password, password: fresh[n], password_confirm: fresh[n] });
      const { url, method, headers, body } = visitor.submission('change');
      sent.push(() => visitor.send(url, { method, headers: { ...headers, 'sec-fetch-site': 'same-origin' }, body }));
    }
    const answers = await Promise.all(sent.map((send) => send()));
    const won = answers.findIndex((a) => a.status === 303 && /\/done$/.test(a.headers.location));
    assert.ok(won >= 0, answers.map((a) => `${a.status} ${a.headers.location}`).join());
    const other = answers[1 - won];
    assert.ok(other.status === 409 || (other.status === 303 && /\/login/.test(other.headers.location)) || other.status === 403, `${other.status} ${other.headers.location}`);
    await expectPage(await attempt({ ...person, password: fresh[won] }), 'top');
    await expectPage(await attempt({ ...person, password: fresh[1 - won] }), 'login');
  });

  it('a change without the form’s token, or with that of another page, is refused', async () => {
    const person = await somebody();
    const visitor = await enter(person);
    await go(visitor, '/account/sessions');
    const foreign = await visitor.value('csrf');
    await go(visitor, '/account/password');
    await visitor.fill({ current: person.password, password: 'Ordentlich2025', password_confirm: 'Ordentlich2025' });
    for (const csrf of [undefined, '', foreign]) {
      const { url, method, headers, body } = visitor.submission('change', { csrf });
      assert.equal((await visitor.send(url, { method, headers, body })).status, 403);
    }
    await expectPage(await attempt(person), 'top');
  });

  it('C-SELF-2: a new address is proved by a link; the old one is told, stays until then, and is replaced', async () => {
    const person = await somebody();
    const fresh = newAddress('fresh');
    const elsewhere = await enter(person);
    const visitor = await enter(person);
    const before = await cookie(visitor);
    await go(visitor, '/account/mail');
    await expectPage(visitor, 'change-mail');
    await press(visitor, { mail: fresh, mail_confirm: fresh }, 'check');
    await expectPage(visitor, 'change-mail-sent');
    assert.match(await visitor.text('main'), new RegExp(fresh));
    const url = await link(fresh, '/account/mail/link/');
    await at.provider.mail.wait(person.email, 1);
    // mail scanners open it, and nothing has changed
    for (let n = 0; n < 5; n += 1) await new Visitor().visit(url);
    await expectPage(await attempt(person), 'top');

    await visitor.visit(url);
    assert.doesNotMatch(await visitor.url(), /link/, 'the secret is out of the address');
    await expectPage(visitor, 'confirm-link');
    assert.match(await visitor.text('#message'), new RegExp(fresh));
    await visitor.press('confirm');
    await confirmMessage(visitor);
    await expectPage(visitor, 'top');
    assert.notEqual(await cookie(visitor), before);
    await go(elsewhere, '/account');
    await expectPage(elsewhere, 'login');
    await expectPage(await attempt(person), 'login');
    await expectPage(await attempt({ ...person, login_id: fresh }), 'top');
    const again = new Visitor();
    await again.visit(url);
    assert.equal(again.status, 410);
    await expectPage(again, 'link-problem');

    // the old address takes it back
    const undo = await link(person.email, '/account/mail/undo/link/');
    const owner = new Visitor();
    await owner.visit(undo);
    await expectPage(owner, 'confirm-link');
    assert.match(await owner.text('#message'), new RegExp(person.email));
    await owner.press('undo');
    await confirmMessage(owner);
    await expectPage(owner, 'forgot');
    await go(visitor, '/account');
    await expectPage(visitor, 'login');
    await expectPage(await attempt(person), 'top');
    await expectPage(await attempt({ ...person, login_id: fresh }), 'login');
  });

  it('C-SELF-2: an address that somebody has gets the same page; its owner gets a mail, and nothing moves', async () => {
    const [person, other] = [await somebody(), await somebody()];
    const visitor = await enter(person);
    const fresh = newAddress('free');
    const pages = [];
    for (const mail of [other.email, fresh]) {
      await go(visitor, '/account/mail');
      await press(visitor, { mail, mail_confirm: mail }, 'check');
      pages.push(visitor.answer.text.replaceAll(mail, 'ADDRESS').replace(/value="[^"]*"/g, ''));
      assert.deepEqual(visitor.trail.map((a) => a.status), [303, 200]);
    }
    assert.equal(pages[0].replace(/data-(idle|absolute|until)[^ >]*/g, ''), pages[1].replace(/data-(idle|absolute|until)[^ >]*/g, ''));
    const told = await at.provider.mail.wait(other.email, 1);
    assert.equal(told.links.some((one) => one.includes('/link/')), false);
    await link(fresh, '/account/mail/link/');
  });

  it('C-SELF-2: what is no address, differs or is the present one is said beside the item, and kept', async () => {
    const person = await somebody();
    const visitor = await enter(person);
    for (const [mail, again, wrong] of [
      ['', '', 'mail'], ['no-address', 'no-address', 'mail'], ['a@example.jp', 'b@example.jp', 'mail_confirm'], [person.email, person.email, 'mail'],
    ]) {
      await go(visitor, '/account/mail');
      await press(visitor, { mail, mail_confirm: again }, 'check');
      assert.equal(visitor.status, 422, mail);
      assert.ok(await visitor.exists(`#${wrong}[aria-invalid="true"]`));
      assert.equal(await visitor.value('mail'), mail);
    }
  });

  it('C-SELF-2: the link lives for thirty minutes, and dies with a newer one or a new password', async () => {
    const person = await somebody();
    const visitor = await enter(person);
    const ask = async (mail) => {
      await go(visitor, '/account/mail');
      await press(visitor, { mail, mail_confirm: mail }, 'check');
      return link(mail, '/account/mail/link/');
    };
    const status = async (url) => {
      const somewhere = new Visitor();
      await somewhere.visit(url);
      return somewhere.status;
    };
    const first = await ask(newAddress('one'));
    const second = await ask(newAddress('two'));
    assert.equal(await status(first), 410);
    assert.equal(await status(second), 200);
    await go(visitor, '/account/password');
    await press(visitor, { current: person.password, password: 'Ordentlich2025', password_confirm: 'Ordentlich2025' }, 'change');
    await expectPage(visitor, 'message');
    assert.equal(await status(second), 410);
    const third = await ask(newAddress('three'));
    await at.provider.advance(30 * 60 - 20);
    assert.equal(await status(third), 200);
    await at.provider.advance(40);
    assert.equal(await status(third), 410);
  });

  it('two accounts completing a change to one address at once: one wins, the other is told', async () => {
    const people = [await somebody(), await somebody()];
    const fresh = newAddress('wanted');
    const visitors = [];
    for (const [n, person] of people.entries()) {
      const visitor = await enter(person);
      await go(visitor, '/account/mail');
      await press(visitor, { mail: fresh, mail_confirm: fresh }, 'check');
      const message = await at.provider.mail.wait(fresh, n + 1);
      await visitor.visit(message.links.find((one) => one.includes('/account/mail/link/')));
      await expectPage(visitor, 'confirm-link');
      visitors.push(visitor);
    }
    const answers = await Promise.all(visitors.map((visitor) => {
      const { url, method, headers, body } = visitor.submission('confirm');
      return visitor.send(url, { method, headers, body });
    }));
    assert.deepEqual(answers.map((a) => a.status).sort(), [303, 409]);
    const won = answers.findIndex((a) => a.status === 303);
    await expectPage(await attempt({ ...people[won], login_id: fresh }), 'top');
    await expectPage(await attempt(people[1 - won]), 'top');
  });

  it('a change of address and a copy of the data need a login that is not long ago, and go on after it', async () => {
    const person = await somebody();
    const visitor = await enter(person);
    await at.provider.advance(15 * 60 + 5);
    for (const [path, page] of [['/account/mail', 'change-mail'], ['/account/data', 'own-data']]) {
      await go(visitor, path);
      await expectPage(visitor, 'login');
      assert.ok(await visitor.exists('#reason'));
      await logIn(visitor, person);
      await expectPage(visitor, page);
      await at.provider.advance(15 * 60 + 5);
    }
  });

  it('sessions: devices are listed, this one marked; one can be ended, or all others', async () => {
    const person = await somebody();
    const agent = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0';
    const others = [];
    for (let n = 0; n < 3; n += 1) others.push(await signIn(new Visitor({ headers: { 'user-agent': agent } }), at.provider, person));
    const visitor = await enter(person);
    await go(visitor, '/account/sessions');
    await expectPage(visitor, 'sessions');
    assert.equal(await visitor.count('[data-session]'), 4);
    assert.match(await visitor.text('main'), /Firefox（Windows）/);
    assert.match(await visitor.text('main'), /127\.0\.0\.1/);
    assert.equal(await visitor.count('button[name=end]'), 3);
    await visitor.click('button[name=end]');
    await expectPage(visitor, 'sessions');
    assert.equal(await visitor.count('[data-session]'), 3);
    assert.ok(await visitor.exists('#done'));
    await visitor.press('end_others');
    assert.equal(await visitor.count('[data-session]'), 1);
    for (const other of others) {
      await go(other, '/account');
      await expectPage(other, 'login');
    }
    await go(visitor, '/account');
    await expectPage(visitor, 'account');
  });

  it('nobody ends another one’s session', async () => {
    const [person, other] = [await somebody(), await somebody()];
    const theirs = await enter(other);
    await go(theirs, '/account/sessions');
    const id = await theirs.attribute('[data-session]', 'data-session');
    await enter(person);
    const visitor = await enter(person);
    await go(visitor, '/account/sessions');
    const { url, method, headers, body } = visitor.submission(visitor.document.querySelector('button[name=end]'), { end: id });
    await visitor.send(url, { method, headers, body });
    await go(theirs, '/account');
    await expectPage(theirs, 'account');
  });

  it('connected services: what they may see is listed, and disconnecting ends their tokens', async () => {
    const person = await somebody();
    const visitor = await enter(person);
    const given = await tokens(visitor, at.provider, clients.third, { scope: 'openid profile email offline_access', prompt: 'consent' });
    assert.ok(given.refresh_token);

    await go(visitor, '/account/applications');
    await expectPage(visitor, 'connections');
    assert.equal(await visitor.count('[data-client]'), 1);
    assert.match(await visitor.text('main'), /メールアドレス/);
    await visitor.click('button[name=disconnect]');
    await expectPage(visitor, 'connections');
    assert.equal(await visitor.count('[data-client]'), 0);
    assert.ok(await visitor.exists('#done'));
    const answer = await refresh(at.provider, clients.third, given.refresh_token);
    assert.equal(answer.json.error, 'invalid_grant');
    assert.equal((await userinfo(at.provider, given.access_token)).status, 401);
    // the next time it asks again
    await assert.rejects(code(visitor, at.provider, clients.third, { scope: 'openid profile', prompt: 'none' }));
  });

  it('a copy of the data is JSON with what is known, and has no secrets', async () => {
    const person = await somebody({ student_ids: ['1TE55555'] });
    const visitor = await enter(person);
    await go(visitor, '/account/data');
    await expectPage(visitor, 'own-data');
    const { url, method, headers, body } = visitor.submission('download');
    const answer = await visitor.send(url, { method, headers, body });
    assert.equal(answer.status, 200);
    assert.match(answer.headers['content-type'], /application\/json/);
    assert.match(answer.headers['content-disposition'], /attachment; filename="certificate-own-data\.json"/);
    assert.match(answer.headers['cache-control'], /no-store/);
    const data = JSON.parse(answer.text);
    assert.equal(data.format, 'madoguchi-own-data/1');
    assert.equal(data.account.mail, person.email);
    assert.deepEqual(data.enrolments.map((e) => e.student_id), ['1TE55555']);
    assert.equal(data.sessions.filter((s) => s.this).length, 1);
    assert.ok(data.events.some((e) => e.action === 'signed_in' && e.by === 'self'));
    assert.ok(data.events.some((e) => e.action === 'account_created' && e.by === 'staff' && e.detail === undefined));
    assert.doesNotMatch(answer.text, /argon2|phc|token_hash|Ichiban2024x/);
    assert.deepEqual(Object.keys(data.account.credentials).sort(), ['password', 'second_password']);
    // without the form's token there is none
    const refused = await visitor.send(url, { method, headers, body: 'download=1' });
    assert.equal(refused.status, 403);
  });

  it('a copy of the data tells what was decided and how facts were verified, and never by whom', async () => {
    const { mail, reference } = await apply(new Visitor(), at.provider);
    const desk = await signIn(new Visitor(), at.provider, clerk);
    await openApplication(desk, at.provider, reference);
    await decide(desk, 'approve');
    const { password } = acceptedMail(await at.provider.mail.wait(mail, 3));
    const visitor = await attempt({ login_id: mail, password, second_password: '' });
    await setPasswords(visitor, own);
    await go(visitor, '/account/data');
    const { url, method, headers, body } = visitor.submission('download');
    const answer = await visitor.send(url, { method, headers, body });
    const data = JSON.parse(answer.text);
    const [application] = data.applications;
    assert.equal(application.reference, reference);
    assert.equal(application.answers.street, '千代田1-1');
    assert.deepEqual(application.decisions.map((d) => d.verdict), ['approve']);
    assert.deepEqual(application.documents.map((d) => d.item), ['document_front']);
    assert.ok(data.profile.verified.name.evidence.length > 0);
    const [{ id }] = await at.provider.database.rows(`SELECT id FROM accounts WHERE email = '${clerk.email}'`);
    assert.ok(!answer.text.includes(id) && !answer.text.includes(clerk.email), 'the clerk is not named');
  });

  it('nothing of the account opens to somebody who is not signed in', async () => {
    for (const path of ['', '/password', '/second-password', '/mail', '/mail/sent', '/sessions', '/applications', '/data']) {
      const visitor = new Visitor();
      await go(visitor, `/account${path}`);
      await expectPage(visitor, 'login');
    }
    for (const path of ['/mail/confirm', '/mail/undo']) {
      const visitor = new Visitor();
      await go(visitor, `/account${path}`);
      await expectPage(visitor, 'link-problem');
    }
  });
});

onEachDatabase('account of the residence tenant', { tenants: ['residence'] }, (at) => {
  const person = { login_id: 'RZ00000777', email: newAddress('resident'), password: 'Zairyuu2024kado' };

  it('R-SELF-2, R-SELF-3: no second password; a changed address is proved first and leaves the user ID alone', async () => {
    await at.provider.createAccount([person], 'residence');
    const visitor = await signIn(new Visitor(), at.provider, person, 'residence');
    const issuer = at.provider.issuer('residence');
    await visitor.visit(`${issuer}/account/second-password`);
    assert.equal(visitor.status, 404);
    await visitor.visit(`${issuer}/account/password`);
    assert.equal(await visitor.exists('#menu a[href$="/account/second-password"]'), false);
    const fresh = newAddress('moved');
    await visitor.visit(`${issuer}/account/mail`);
    await press(visitor, { mail: fresh, mail_confirm: fresh });
    const message = await at.provider.mail.wait(fresh, 1);
    await visitor.visit(message.links.find((one) => one.includes('/account/mail/link/')));
    await visitor.press('confirm');
    await confirmMessage(visitor);
    const told = await at.provider.mail.wait(fresh, 2);
    assert.doesNotMatch(told.text, /ログインID/);
    await signIn(new Visitor(), at.provider, person, 'residence');
  });

  const press = async (visitor, values) => {
    await visitor.fill(values);
    await visitor.press('check');
  };
});
