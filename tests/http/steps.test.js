// Each step of a process belongs to its own process: none is repeated, skipped or mixed with another's. What is over
// answers 409, changes nothing and leads to the step that is right; where the tenant says so, it also logs out.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { post, request } from '../support/http.js';
import { agree, expectPage, fillForm, logIn, openResubmission, reachForm, receptionReference, registrationLink, setPasswords, signIn } from '../support/journey.js';
import { graduate, newAddress } from '../support/people.js';
import { authorization, authorize, clients, redeem, responseOf } from '../support/protocol.js';
import { everybody, everyClient, onEachDatabase } from '../support/suite.js';
import { Visitor } from '../support/visitor.js';

onEachDatabase('steps', { accounts: everybody, clients: everyClient, tenants: ['certificate', 'residence'] }, (at) => {
  const resident = { login_id: 'RZ00000077', email: 'resident@example.jp', password: 'Residence2024x' };
  /** Sends what a page had ready, whatever the page is now. */
  const send = (visitor, sent) => visitor.send(sent.url, { ...sent, headers: { ...sent.headers, origin: at.provider.origin } });
  const expectInvalid = (answer, { signedOut = false } = {}) => {
    assert.equal(answer.status, 409, `${answer.status} ${answer.location ?? ''}`);
    assert.match(answer.text, /data-page="invalid-operation"/);
    assert.match(answer.text, /data-error-code="invalid_operation"/);
    assert.equal(/戻る」などの操作/.test(answer.text), signedOut, 'whether it says that you were logged out');
  };
  const count = async (table) => Number((await at.provider.database.rows(`SELECT count(*) AS n FROM ${table}`))[0].n);
  const person = async (more = {}, tenant = 'certificate') => {
    const email = newAddress('steps');
    const somebody = { login_id: email, email, password: 'Ashioto2024x', second_password: 'Momiji77betsu', ...more };
    await at.provider.createAccount(somebody, tenant);
    return somebody;
  };
  let residentMade;
  const residentSignedIn = async () => {
    residentMade ??= Promise.all([
      at.provider.createAccount(resident, 'residence'),
      at.provider.registerClient(clients.third, 'residence'),
    ]);
    await residentMade;
    return signIn(new Visitor(), at.provider, resident, 'residence');
  };

  it('the registration’s steps in order only: each later page without the ones before leads back, and nothing is handed in', async () => {
    const before = await count('applications');
    const visitor = new Visitor();
    const mail = newAddress('skipping');
    await visitor.visit(`${at.provider.issuer()}/register`);
    await visitor.fill({ mail, mail_confirm: mail });
    await visitor.press('check');
    for (const path of ['/register/form', '/register/check']) {
      await visitor.visit(`${at.provider.issuer()}${path}`);
      assert.equal(visitor.status, 409, path);
    }
    await visitor.visit(await registrationLink(at.provider, mail));
    await expectPage(visitor, 'terms');
    await visitor.visit(`${at.provider.issuer()}/register/check`);
    assert.equal(visitor.status, 409, 'the terms are not agreed to yet');
    await visitor.visit(`${at.provider.issuer()}/register/terms`);
    await agree(visitor);
    await visitor.visit(`${at.provider.issuer()}/register/check`);
    await expectPage(visitor, 'form', 'the form is not filled in yet');
    await visitor.visit(`${at.provider.issuer()}/register/reception`);
    await expectPage(visitor, 'form');
    assert.equal(await count('applications'), before);
  });

  it('a step that was sent before, sent again from the old page: 409 with the way to the right one, and the first result stands', async () => {
    const visitor = new Visitor();
    await reachForm(visitor, at.provider);
    await fillForm(visitor);
    const form = visitor.submission('check');
    await visitor.press('check');
    const submit = visitor.submission('submit');
    await visitor.press('submit');
    const reference = await receptionReference(visitor);
    const [applications, mails] = [await count('applications'), await count('outbox')];
    for (const stale of [form, submit]) {
      const answer = await send(visitor, stale);
      expectInvalid(answer);
      visitor.show(answer);
      await visitor.press('ok');
      assert.equal(await receptionReference(visitor), reference, 'nothing is lost');
    }
    for (const path of ['/register/form', '/register/check']) {
      await visitor.visit(`${at.provider.issuer()}${path}`);
      await expectPage(visitor, 'reception', 'Back shows the right step');
    }
    assert.deepEqual([await count('applications'), await count('outbox')], [applications, mails]);
  });

  it('two applications in one browser: the first one’s forms do not write into the second', async () => {
    const visitor = new Visitor();
    await reachForm(visitor, at.provider);
    await fillForm(visitor, { building: '一つ目の建物' });
    const firstForm = visitor.submission('check');
    await visitor.press('check');
    const firstSubmit = visitor.submission('submit');
    const second = await reachForm(visitor, at.provider);
    await fillForm(visitor, { building: '二つ目の建物' });
    await visitor.press('check');
    const before = await count('applications');
    expectInvalid(await send(visitor, firstForm));
    expectInvalid(await send(visitor, firstSubmit));
    assert.equal(await count('applications'), before);
    const [{ answers }] = await at.provider.database.rows(`SELECT answers FROM drafts WHERE email = '${second}'`);
    assert.match(answers, /二つ目の建物/);
    await visitor.visit(`${at.provider.issuer()}/register/check`);
    await visitor.press('submit');
    await receptionReference(visitor);
  });

  it('what was changed in another window is not handed in by a page that shows something else', async () => {
    const visitor = new Visitor();
    await reachForm(visitor, at.provider);
    await fillForm(visitor, { building: '前の建物' });
    await visitor.press('check');
    const shown = visitor.submission('submit');
    await visitor.press('back');
    await visitor.fill({ building: '後の建物' });
    await visitor.press('check');
    await expectPage(visitor, 'check');
    const answer = await send(visitor, shown);
    expectInvalid(answer);
    visitor.show(answer);
    await visitor.press('ok');
    await expectPage(visitor, 'check');
    assert.match(await visitor.text(), /後の建物/);
  });

  it('two first logins in one browser: passwords are set for the one whose page it is, or for nobody', async () => {
    const visitor = new Visitor();
    const own = { password: 'Hajimari2025x', second_password: 'Owari99betsu' };
    const people = [];
    for (let n = 0; n < 2; n += 1) people.push(await person({ password: undefined, second_password: undefined, initial_password: 'Hajimete2024x' }));
    const pages = [];
    for (const { login_id: id } of people) {
      await visitor.visit(`${at.provider.issuer()}/login`);
      await logIn(visitor, { login_id: id, password: 'Hajimete2024x', second_password: '' });
      await expectPage(visitor, 'password-setting');
      await visitor.fill({ password: own.password, password_confirm: own.password, second_password: own.second_password, second_password_confirm: own.second_password });
      pages.push(visitor.submission('set'));
    }
    expectInvalid(await send(visitor, pages[0]));
    const states = async () => (await at.provider.database.rows(`SELECT state FROM accounts WHERE email IN ('${people[0].email}', '${people[1].email}') ORDER BY created_at, email`)).map((row) => row.state);
    assert.deepEqual(await states(), ['provisioned', 'provisioned']);
    await visitor.visit(`${at.provider.issuer()}/password-setting`);
    assert.ok((await visitor.html()).includes(people[1].login_id), 'the page is the second one’s');
    await setPasswords(visitor, own);
    expectInvalid(await send(visitor, pages[1]));
    assert.deepEqual((await states()).sort(), ['active', 'provisioned']);
  });

  it('two forgotten passwords in one browser do not mix', async () => {
    const visitor = new Visitor();
    const people = [await person(), await person()];
    const own = { password: 'Wasureta2025x', second_password: 'Kotoba99betsu' };
    const pages = [];
    for (const { email } of people) {
      await visitor.visit(`${at.provider.issuer()}/forgot`);
      await visitor.fill({ mail: email });
      await visitor.press('send');
      const { links } = await at.provider.mail.wait(email);
      await visitor.visit(links.find((link) => link.includes('/forgot/link/')));
      await visitor.fill({ password: own.password, password_confirm: own.password, second_password: own.second_password, second_password_confirm: own.second_password });
      pages.push(visitor.submission('set'));
    }
    expectInvalid(await send(visitor, pages[0]));
    for (const one of people) await expectPage(await logIn(await new Visitor().visit(`${at.provider.issuer()}/login`), one), 'top', 'neither has new passwords');
    const done = await send(visitor, pages[1]);
    assert.equal(done.status, 303);
    expectInvalid(await send(visitor, pages[1]));
  });

  it('a consent that was given is not given again: 409, and only where the tenant says so the session is over', async () => {
    for (const [tenant, visitor, signedOut] of [
      ['certificate', await signIn(new Visitor(), at.provider, graduate), false], ['residence', await residentSignedIn(), true],
    ]) {
      const { parameters } = authorization(clients.third, { scope: 'openid', prompt: 'consent' });
      const asked = await authorize(visitor, at.provider, parameters, { tenant });
      visitor.show(asked);
      await expectPage(visitor, 'consent');
      const allow = visitor.submission('allow');
      const given = await send(visitor, allow);
      assert.ok(responseOf(given).get('code'));
      const grants = await count('grants');
      // looking at what is over logs nobody out: other sites could make a browser do it
      const resumed = await visitor.send(`${at.provider.issuer(tenant)}/authorize/resume?flow=${allow.entries.find(([name]) => name === 'flow')[1]}`);
      expectInvalid(resumed);
      expectInvalid(await send(visitor, allow), { signedOut });
      assert.equal(await count('grants'), grants);
      await visitor.visit(`${at.provider.issuer(tenant)}/account`);
      await expectPage(visitor, signedOut ? 'login' : 'account', tenant);
    }
  });

  it('R-PAGE-3: that the browser went back is told by the page, with its own form value: logged out there, shown the right step here', async () => {
    const here = await signIn(new Visitor(), at.provider, graduate);
    assert.equal(await here.exists('#went-back'), false, 'this tenant has no such rule');
    const there = await residentSignedIn();
    const entries = async (visitor) => Object.fromEntries(await Promise.all(['csrf', 'page'].map(async (name) => [name, await visitor.attribute(`#went-back [name=${name}]`, 'value')])));
    const told = await entries(there);
    const url = `${at.provider.issuer('residence')}/back`;
    const cookie = there.jar.header('127.0.0.1');
    for (const [fields, headers] of [[{ ...told, csrf: 'A'.repeat(43) }, {}], [{ ...told, page: 'account' }, {}], [told, { origin: 'https://evil.example' }], [told, { 'sec-fetch-site': 'cross-site' }]]) {
      const answer = await post(url, fields, { cookie, origin: at.provider.origin, ...headers });
      assert.equal(answer.status, 403);
    }
    assert.equal((await request(url, { headers: { cookie } })).status, 405);
    await there.visit(`${at.provider.issuer('residence')}/account`);
    await expectPage(there, 'account', 'a forged report logs nobody out');
    const ended = await post(url, told, { cookie, origin: at.provider.origin });
    expectInvalid(ended, { signedOut: true });
    await there.visit(`${at.provider.issuer('residence')}/account`);
    await expectPage(there, 'login');
    const events = await at.provider.database.rows("SELECT count(*) AS n FROM audit WHERE tenant = 'residence' AND action = 'signed_out'");
    assert.ok(Number(events[0].n) >= 1);

    const csrf = await here.attribute('[name=csrf]', 'value');
    const same = await post(`${at.provider.issuer()}/back`, { csrf, page: 'top' }, { cookie: here.jar.header('127.0.0.1'), origin: at.provider.origin });
    expectInvalid(same);
    await here.visit(`${at.provider.issuer()}/account`);
    await expectPage(here, 'account');
  });

  it('two windows with two authorization requests: both end right, whichever is finished first', async () => {
    const visitor = new Visitor();
    const requests = [authorization(clients.first), authorization(clients.public)];
    const pages = [];
    for (const { parameters } of requests) {
      const asked = await authorize(visitor, at.provider, parameters);
      await visitor.visit(asked.location);
      await visitor.fill({ login_id: graduate.login_id, password: graduate.password, second_password: graduate.second_password });
      pages.push({ url: await visitor.url(), sent: visitor.submission('login') });
    }
    const through = async (answer, { parameters }) => {
      let current = answer;
      while (current.location && !current.location.startsWith(parameters.redirect_uri)) current = await visitor.send(current.location);
      const response = responseOf(current);
      assert.equal(response.get('state'), parameters.state);
      return response.get('code');
    };
    const codes = [];
    codes[1] = await through(await send(visitor, pages[1].sent), requests[1]);
    // the other window: looked at again it goes on by itself; sent as it stood it is a login like any other
    codes[0] = await through(await send(visitor, pages[0].sent), requests[0]);
    for (const [n, client] of [clients.first, clients.public].entries()) {
      const { verifier, parameters } = requests[n];
      assert.equal((await redeem(at.provider, client, { code: codes[n], verifier, parameters })).status, 200);
    }
    const third = authorization(clients.first);
    const waiting = new Visitor();
    const asked = await authorize(waiting, at.provider, third.parameters);
    await signIn(waiting, at.provider, graduate);
    const answer = await waiting.send(asked.location);
    assert.match(answer.location, /\/authorize\/resume/, 'the login page of a request that waits goes on when somebody is signed in');
    assert.ok(responseOf(await waiting.send(answer.location)).get('code'));
    await waiting.visit(asked.location);
    await expectPage(waiting, 'top', 'Back to the login page of a request that is answered');
  });
});
