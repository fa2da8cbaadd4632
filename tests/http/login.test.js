// The login page: what it gives away (nothing), what it sets, what it refuses.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { post, request } from '../support/http.js';
import { expectPage, logIn, setPasswords, signIn } from '../support/journey.js';
import { clerk, graduate, newAddress } from '../support/people.js';
import { authorization, authorize, clients, signedIn } from '../support/protocol.js';
import { everybody, everyClient, onEachDatabase } from '../support/suite.js';
import { Visitor } from '../support/visitor.js';
import { sameForOutsiders } from '../support/outside.js';

/** An account made at the command line that has an initial password only, as after an approval. */
async function withInitialPassword(provider) {
  const email = newAddress('fresh');
  await provider.createAccount({ login_id: email, email, initial_password: 'Initial2024x', claims: { name: '新井 新' } });
  return { login_id: email, email, password: 'Initial2024x', second_password: '' };
}

onEachDatabase('login', { accounts: everybody, clients: everyClient }, (at) => {
  /** Somebody on whom a test may fail to log in, without locking those whom the other tests log in. */
  const victim = async () => {
    const email = newAddress('victim');
    const account = { ...graduate, login_id: email, email, student_ids: [] };
    await at.provider.createAccount(account);
    return account;
  };
  const attempt = async (values) => {
    const visitor = new Visitor();
    await visitor.visit(`${at.provider.issuer()}/login`);
    await logIn(visitor, values);
    return visitor;
  };

  it('shows three inputs, the ways to recovery and registration, and the language', async () => {
    const visitor = new Visitor();
    await visitor.visit(`${at.provider.issuer()}/login`);
    assert.equal(visitor.status, 200);
    await expectPage(visitor, 'login');
    for (const selector of ['input[name=login_id]', 'input[name=password]', 'input[name=second_password]', 'button#login[name=login]', '#forgot', '#register', 'select[name=lang]']) {
      assert.ok(await visitor.exists(selector), selector);
    }
    assert.equal(await visitor.attribute('input[name=password]', 'type'), 'password');
    assert.equal(await visitor.attribute('input[name=second_password]', 'type'), 'password');
    assert.match(await visitor.attribute('input[name=login_id]', 'autocomplete'), /username/);
    assert.equal(await visitor.attribute('input[name=password]', 'autocomplete'), 'current-password');
    assert.equal(await visitor.attribute('input[name=password]', 'maxlength'), undefined, 'passwords may be pasted at any length');
  });

  it('the residence tenant, which uses one password, has no second one on its page', async () => {
    await at.provider.applyTenant('residence');
    const visitor = new Visitor();
    await visitor.visit(`${at.provider.issuer('residence')}/login`);
    await expectPage(visitor, 'login');
    assert.equal(await visitor.exists('[name=second_password]'), false);
  });

  it('three right values lead to the top page, and the session cookie is new', async () => {
    const visitor = new Visitor();
    await visitor.visit(`${at.provider.issuer()}/login`);
    const before = await visitor.cookies();
    await logIn(visitor, graduate);
    assert.equal(visitor.trail[0].status, 303, 'a POST is answered with 303');
    await expectPage(visitor, 'top');
    const after = await visitor.cookies();
    assert.ok(after['certificate-session'], Object.keys(after).join());
    assert.notEqual(after['certificate-session'], before['certificate-session']);
  });

  it('a session cookie planted before login gives nothing and is replaced at login', async () => {
    const visitor = new Visitor();
    visitor.jar.of('127.0.0.1').set('certificate-session', 'A'.repeat(43));
    await visitor.visit(`${at.provider.issuer()}/account`);
    await expectPage(visitor, 'login');
    await logIn(visitor, graduate);
    assert.notEqual((await visitor.cookies())['certificate-session'], 'A'.repeat(43));
  });

  it('unknown, wrong first, wrong second, missing second, swapped and initial-password accounts get byte-equal answers', async () => {
    const fresh = await withInitialPassword(at.provider);
    const known = await victim();
    const cases = {
      unknown: { login_id: newAddress('nobody'), password: 'Graduate2024x', second_password: 'Certificate2024x' },
      'wrong first': { ...known, password: 'Graduate2024wrong' },
      'wrong second': { ...known, second_password: 'Certificate2024wrong' },
      'missing second': { ...known, second_password: '' },
      'missing first': { ...known, password: '' },
      swapped: { ...known, password: known.second_password, second_password: known.password },
      'wrong initial password': { ...fresh, password: 'Initial2024wrong' },
      'not an address': { login_id: 'nobody-at-all', password: 'Graduate2024x', second_password: 'Certificate2024x' },
    };
    const answers = {};
    for (const [name, values] of Object.entries(cases)) answers[name] = (await attempt(values)).trail;
    sameForOutsiders(answers, Object.values(cases).map(({ login_id: id }) => id));
    const [first] = answers.unknown;
    assert.equal(first.status, 422);
    assert.match(first.text, /id="error-summary"/);
    assert.equal(first.cookies.some(({ name, value }) => name === 'certificate-session' && value), false, 'no session');
  });

  it('the login ID is shown again after a failure, passwords never', async () => {
    const known = await victim();
    const visitor = await attempt({ ...known, password: 'Wrong2024secret', second_password: 'Wrong2024other' });
    assert.equal(await visitor.value('login_id'), known.login_id);
    assert.doesNotMatch(visitor.answer.text, /Wrong2024/);
  });

  it('case and width of the mail address do not matter, those of the passwords do', async () => {
    const known = await victim();
    const wide = known.login_id.replace(/^[a-z]+/, (name) => [...name].map((c) => String.fromCharCode(c.charCodeAt(0) + 0xfee0)).join('')).toUpperCase();
    const forgiving = await attempt({ ...known, login_id: ` ${wide} ` });
    await expectPage(forgiving, 'top');
    const strict = await attempt({ ...known, password: known.password.toLowerCase() });
    await expectPage(strict, 'login');
  });

  it('a password of 10,000 characters is refused quickly and without an error of the server', async () => {
    const started = Date.now();
    const visitor = await attempt({ ...(await victim()), password: 'A1a'.repeat(3_334) });
    assert.ok([413, 422].includes(visitor.status), `${visitor.status}`);
    assert.ok(Date.now() - started < 3_000);
  });

  it('markup, controls and NUL in the login ID are shown as text or refused, never as markup', async () => {
    for (const id of ['"><script>alert(1)</script>', "'\"><img src=x onerror=alert(1)>", 'a\u0000b@example.jp', 'a\r\nSet-Cookie: x=1', '\u202eevil@example.jp', '{{7*7}}${7*7}']) {
      const visitor = await attempt({ login_id: id, password: 'x', second_password: 'y' });
      assert.ok([400, 422].includes(visitor.status), `${visitor.status} for ${JSON.stringify(id)}`);
      assert.doesNotMatch(visitor.answer.text, /<script>alert|<img src=x/);
      assert.equal(visitor.answer.headers['set-cookie']?.some((line) => line.startsWith('x=1')) ?? false, false);
    }
  });

  it('an initial password with an empty second one opens the setting of passwords and nothing else', async () => {
    const fresh = await withInitialPassword(at.provider);
    const visitor = await attempt(fresh);
    await expectPage(visitor, 'password-setting');
    for (const path of ['/account', '/desk', '/']) {
      await visitor.visit(`${at.provider.issuer()}${path}`);
      assert.notEqual(await visitor.page(), 'top', `${path} does not open the account`);
    }
    const silent = authorization(clients.first, { prompt: 'none' });
    const answer = await authorize(visitor, at.provider, silent.parameters);
    assert.match(answer.location ?? '', /error=(login|interaction)_required/, 'no code before the passwords are set');
    const again = await attempt(fresh);
    await expectPage(again, 'password-setting');
    await setPasswords(again, { password: 'Kawaranai2024', second_password: 'Betsuno77Kotoba' });
    await expectPage(again, 'message');
    const spent = await attempt(fresh);
    await expectPage(spent, 'login');
    const login = await attempt({ ...fresh, password: 'Kawaranai2024', second_password: 'Betsuno77Kotoba' });
    await expectPage(login, 'top');
  });

  it('two browsers with the same initial password: one sets the passwords, the other is told so and changes nothing', async () => {
    const fresh = await withInitialPassword(at.provider);
    const browsers = [await attempt(fresh), await attempt(fresh)];
    const wanted = [{ password: 'Sakura2024one', second_password: 'Momiji77futatsu' }, { password: 'Tsubaki2024uno', second_password: 'Kaede88nibanme' }];
    const told = [];
    for (const [n, visitor] of browsers.entries()) {
      await setPasswords(visitor, wanted[n]);
      told.push(await visitor.page());
    }
    assert.equal(told.filter((page) => page === 'message').length, 1, told.join());
    for (const [n, values] of wanted.entries()) await expectPage(await attempt({ ...fresh, ...values }), told[n] === 'message' ? 'top' : 'login');
  });

  for (const [why, values] of Object.entries({
    'seven characters': { password: 'Short1a', second_password: 'Another2024' },
    'no upper case': { password: 'lower2024case', second_password: 'Another2024' },
    'no lower case': { password: 'UPPER2024CASE', second_password: 'Another2024' },
    'no digit': { password: 'NoDigitsHere', second_password: 'Another2024' },
    'a symbol': { password: 'Symbol-2024', second_password: 'Another2024' },
    'full width': { password: 'Ｆｕｌｌ２０２４ｗ', second_password: 'Another2024' },
    'a space': { password: 'With Space1', second_password: 'Another2024' },
    'the initial password': { password: 'Initial2024x', second_password: 'Another2024' },
    'the initial password as second': { password: 'Another2024', second_password: 'Initial2024x' },
    'both the same': { password: 'Same2024same', second_password: 'Same2024same' },
    'a second password that is too short': { password: 'Proper2024', second_password: 'Ab1' },
    'nothing typed': { password: '', second_password: '' },
  })) {
    it(`setting passwords refuses ${why}, says so beside the item and changes nothing`, async () => {
      at.fresh ??= await withInitialPassword(at.provider);
      const visitor = await attempt(at.fresh);
      await setPasswords(visitor, values);
      assert.equal(visitor.trail[0].status, 422, visitor.describe());
      await expectPage(visitor, 'password-setting');
      assert.ok(await visitor.exists('#error-summary'));
      assert.ok((await visitor.count('[aria-invalid="true"]')) >= 1);
      for (const secret of Object.values(values).filter(Boolean)) assert.ok(!visitor.answer.text.includes(secret), 'passwords are not shown again');
      await expectPage(await attempt(at.fresh), 'password-setting');
    });
  }

  it('setting passwords refuses repetitions that differ', async () => {
    const fresh = await withInitialPassword(at.provider);
    const visitor = await attempt(fresh);
    await visitor.fill({ password: 'Proper2024a', password_confirm: 'Proper2024b', second_password: 'Other2024a', second_password_confirm: 'Other2024a' });
    await visitor.press('set');
    assert.equal(visitor.status, 422);
    assert.ok(await visitor.exists('[name=password_confirm][aria-invalid=true], [name=password][aria-invalid=true]'));
  });

  it('a POST without a form token, with another session’s, or from another origin is refused and signs nobody in', async () => {
    const visitor = new Visitor();
    await visitor.visit(`${at.provider.issuer()}/login`);
    await visitor.fill({ login_id: graduate.login_id, password: graduate.password, second_password: graduate.second_password });
    const good = visitor.submission('login');
    const stranger = new Visitor();
    await stranger.visit(`${at.provider.issuer()}/login`);
    const foreign = await stranger.value('csrf');
    const cases = {
      'no token': [visitor.submission('login', { csrf: undefined }), {}],
      'an empty token': [visitor.submission('login', { csrf: '' }), {}],
      'another browser’s token': [visitor.submission('login', { csrf: foreign }), {}],
      'an origin elsewhere': [good, { origin: 'https://evil.example' }],
      'the null origin': [good, { origin: 'null' }],
      'another port of the host': [good, { origin: 'http://127.0.0.1:1' }],
      'a cross-site fetch': [good, { 'sec-fetch-site': 'cross-site' }],
    };
    for (const [why, [sent, headers]] of Object.entries(cases)) {
      const answer = await visitor.send(sent.url, { ...sent, headers: { ...sent.headers, ...headers } });
      assert.equal(answer.status, 403, why);
      assert.equal(answer.cookies.some(({ name, value }) => name === 'certificate-session' && value), false, why);
    }
  });

  it('other media types and methods are refused', async () => {
    const visitor = new Visitor();
    await visitor.visit(`${at.provider.issuer()}/login`);
    for (const type of ['text/plain', 'application/json', 'multipart/form-data; boundary=x']) {
      const answer = await visitor.send(`${at.provider.issuer()}/login`, { method: 'POST', headers: { 'content-type': type, origin: at.provider.origin }, body: '{"login_id":"x"}' });
      assert.ok([400, 403, 415, 422].includes(answer.status), `${type}: ${answer.status}`);
    }
    for (const method of ['PUT', 'DELETE', 'PATCH']) assert.equal((await visitor.send(`${at.provider.issuer()}/login`, { method })).status, 405);
  });

  it('a repeated field is refused', async () => {
    const visitor = new Visitor();
    await visitor.visit(`${at.provider.issuer()}/login`);
    await visitor.fill({ login_id: graduate.login_id, password: graduate.password, second_password: graduate.second_password });
    const { url, entries, headers } = visitor.submission('login');
    const body = new URLSearchParams([...entries, ['login_id', clerk.login_id]]).toString();
    const answer = await visitor.send(url, { method: 'POST', headers: { ...headers, origin: at.provider.origin }, body });
    assert.ok([400, 422].includes(answer.status), `${answer.status}`);
  });

  it('logging out ends the session on the server, not only the cookie', async () => {
    const visitor = await signedIn(at.provider, graduate);
    const { 'certificate-session': cookie } = await visitor.cookies();
    await visitor.visit(`${at.provider.issuer()}/logout`);
    await visitor.press('logout');
    assert.ok(await visitor.exists('#logged_out'));
    const thief = new Visitor();
    thief.jar.of('127.0.0.1').set('certificate-session', cookie);
    await thief.visit(`${at.provider.issuer()}/account`);
    await expectPage(thief, 'login');
  });

  it('opening the logout page by GET ends nothing', async () => {
    const visitor = await signedIn(at.provider, graduate);
    await visitor.visit(`${at.provider.issuer()}/logout`);
    await visitor.visit(`${at.provider.issuer()}/account`);
    assert.notEqual(await visitor.page(), 'login');
  });

  it('cookies are HttpOnly, SameSite, without a domain, opaque, and hold nothing of the request', async () => {
    const visitor = new Visitor();
    const { parameters } = authorization(clients.first, { state: 'STATE-CANARY', nonce: 'NONCE-CANARY' });
    const set = [];
    let answer = await authorize(visitor, at.provider, parameters);
    set.push(...answer.cookies);
    while (answer.location) {
      answer = await visitor.send(answer.location);
      set.push(...answer.cookies);
    }
    visitor.show(answer);
    await visitor.fill({ login_id: graduate.login_id, password: graduate.password, second_password: graduate.second_password });
    const sent = visitor.submission('login');
    set.push(...(await visitor.send(sent.url, { ...sent, headers: { ...sent.headers, origin: at.provider.origin } })).cookies);
    assert.ok(set.some(({ name }) => name === 'certificate-session'), set.map(({ name }) => name).join());
    for (const { name, value, attributes, line } of set) {
      assert.ok(attributes.httponly, line);
      assert.match(String(attributes.samesite), /^(Lax|Strict)$/i, line);
      assert.equal(attributes.domain, undefined, line);
      assert.equal(attributes.path, '/', line);
      for (const plain of [value, Buffer.from(value, 'base64url').toString('latin1')]) assert.doesNotMatch(plain, /CANARY|first-app/, name);
    }
  });

  it('one tenant’s session is unknown at the other', async () => {
    const visitor = await signedIn(at.provider, graduate);
    const { 'certificate-session': cookie } = await visitor.cookies();
    visitor.jar.of('127.0.0.1').set('residence-session', cookie);
    await visitor.visit(`${at.provider.issuer('residence')}/account`);
    await expectPage(visitor, 'login');
  });

  it('hundreds of cookies, doubled cookies and broken ones do no harm', async () => {
    const login = `${at.provider.issuer()}/login`;
    for (const cookie of [
      Array.from({ length: 200 }, (_, n) => `c${n}=v`).join('; '),
      `certificate-session=${'A'.repeat(43)}; certificate-session=${'B'.repeat(43)}`,
      `certificate-session=${'x'.repeat(6_000)}`,
      'certificate-session=%00%ff; =; ;;; a',
      'certificate-session="quoted"',
    ]) {
      const answer = await request(login, { headers: { cookie } });
      assert.ok([200, 400, 431].includes(answer.status), `${answer.status}`);
    }
  });

  it('five failures lock the identifier, known or not, with the same answer as before; the right values no longer help', async () => {
    const email = newAddress('locked');
    const known = { login_id: email, email, password: 'Kagi2024sakura', second_password: 'Momiji77betsu' };
    await at.provider.createAccount(known);
    const unknown = { login_id: newAddress('unknown'), password: 'Kagi2024sakura', second_password: 'Momiji77betsu' };
    const answers = {};
    for (let n = 0; n < 6; n += 1) {
      answers[`known ${n}`] = (await attempt({ ...known, password: 'Wrong2024x' })).trail;
      answers[`unknown ${n}`] = (await attempt({ ...unknown, password: 'Wrong2024x' })).trail;
    }
    answers['known, right values'] = (await attempt(known)).trail;
    answers['unknown, same values'] = (await attempt(unknown)).trail;
    sameForOutsiders(answers, [known.login_id, unknown.login_id]);
    const mail = await at.provider.mail.wait(email);
    assert.ok(mail.subject, 'the owner is told by mail');
    assert.equal(at.provider.mail.to(unknown.login_id).length, 0, 'nobody is written to for an unknown identifier');
    await at.provider.must(['account', 'unlock', '--tenant', 'certificate', email]);
    await expectPage(await attempt(known), 'top');
  });

  it('a hundred parallel guesses verify no more than the threshold allows', async () => {
    const email = newAddress('guessed');
    const known = { login_id: email, email, password: 'Ateru2024sakura', second_password: 'Momiji77betsu' };
    await at.provider.createAccount(known);
    const visitor = new Visitor();
    await visitor.visit(`${at.provider.issuer()}/login`);
    await visitor.fill({ login_id: email, password: 'Guess2024z', second_password: 'Guess2024z' });
    const { url, headers, body } = visitor.submission('login');
    const cookie = visitor.jar.header('127.0.0.1');
    const send = () => request(url, { method: 'POST', body, headers: { ...headers, cookie, origin: at.provider.origin } });
    const statuses = (await Promise.all(Array.from({ length: 100 }, send))).map(({ status }) => status);
    assert.ok(statuses.every((status) => [422, 429, 503].includes(status)), [...new Set(statuses)].join());
    assert.ok(statuses.includes(422));
    const locked = await attempt(known);
    await expectPage(locked, 'login');
  });

  it('signing in works straight away for everybody else while one identifier is locked', async () => {
    await expectPage(await signIn(new Visitor(), at.provider, graduate), 'top');
  });

  it('a page for people answers JSON accepting clients and crawlers without failing', async () => {
    for (const accept of ['application/json', '*/*', '']) {
      assert.equal((await request(`${at.provider.issuer()}/login`, { headers: { accept } })).status, 200);
    }
    const head = await request(`${at.provider.issuer()}/login`, { method: 'HEAD' });
    assert.equal(head.status, 200);
    assert.equal(head.bytes.length, 0);
  });

  it('neither log nor answers hold a password that was typed', async () => {
    await attempt({ ...(await victim()), password: 'CANARYpw2024', second_password: 'CANARYsp2024' });
    await post(`${at.provider.issuer()}/login`, { login_id: 'x', password: 'CANARYpw2024' });
    assert.doesNotMatch(at.provider.log, /CANARY(pw|sp)2024|Graduate2024x|Certificate2024x/);
  });
});
