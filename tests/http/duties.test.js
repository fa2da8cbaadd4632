// What somebody owes before anything else goes on: own passwords, and new terms. Each is asked for wherever one turns, is
// still there after a crash, and then what was wanted goes on.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { until } from '../support/http.js';
import { apply, confirmMessage, decide, expectPage, logIn, openApplication, setPasswords, signIn } from '../support/journey.js';
import { clerk, graduate, newAddress } from '../support/people.js';
import { authorization, authorize, clients, code, redeem, refresh, responseOf, tokens } from '../support/protocol.js';
import { everybody, everyClient, onEachDatabase } from '../support/suite.js';
import { Visitor } from '../support/visitor.js';

onEachDatabase('duties', { accounts: everybody, clients: everyClient, tenants: ['certificate', 'residence'] }, (at) => {
  let version = 1;
  /** The tenant's terms get another version, in the running program. */
  const newTerms = async (tenant = 'certificate') => {
    version += 1;
    const next = `2030-01-${String(version).padStart(2, '0')}`;
    await at.provider.applyTenant(tenant, async ({ read, write }) => {
      await write('tenant.toml', (await read('tenant.toml')).replace(/terms_version = ".*"/, `terms_version = "${next}"`));
    });
    const probe = await somebody({}, tenant);
    await until(`version ${next} to be in force`, async () => {
      await at.provider.database.execute(`DELETE FROM accepted_terms WHERE version = '${next}'`);
      const visitor = new Visitor();
      await enter(visitor, probe, tenant);
      return (await visitor.page()) === 'new-terms' && (await visitor.value('version')) === next;
    }, { every: 200 });
    return next;
  };
  const own = { password: 'Kiyaku2024sakura', second_password: 'Momiji77betsu' };
  const somebody = async (more = {}, tenant = 'certificate') => {
    const email = newAddress('owing');
    const values = tenant === 'residence' ? { password: own.password } : own;
    const person = { login_id: tenant === 'residence' ? `RZ9${String(Date.now() % 1e7).padStart(7, '0')}` : email, email, ...values, ...more };
    await at.provider.createAccount(person, tenant);
    return person;
  };
  const enter = async (visitor, person, tenant = 'certificate') => {
    await visitor.visit(`${at.provider.issuer(tenant)}/login`);
    return logIn(visitor, person);
  };
  const accepted = async (person) => (await at.provider.database.rows(
    `SELECT t.version FROM accepted_terms t JOIN accounts a ON a.tenant = t.tenant AND a.id = t.account WHERE a.email = '${person.email}' ORDER BY t.version`,
  )).map((row) => row.version);
  const account = (tenant = 'certificate') => `${at.provider.issuer(tenant)}/account`;

  for (const tenant of ['certificate', 'residence']) {
    it(`${tenant}: new terms are asked for at the next login, stand before every page, and lead on to the one that was asked for`, async () => {
      const person = await somebody({}, tenant);
      const before = await enter(new Visitor(), person, tenant);
      const next = await newTerms(tenant);
      await before.visit(account(tenant));
      await expectPage(before, 'account', 'who is in the middle of something is not disturbed');

      const visitor = new Visitor();
      await visitor.visit(account(tenant));
      await logIn(visitor, person);
      await expectPage(visitor, 'new-terms');
      assert.match(await visitor.url(), /\/terms\?to=%2Faccount/);
      assert.equal(await visitor.count('.menu__panel li a'), 1, 'the menu leads out and nowhere else');
      for (const path of ['/', '/account', '/register', '/desk', '/forgot']) {
        await visitor.visit(`${at.provider.issuer(tenant)}${path}`);
        await expectPage(visitor, 'new-terms');
      }
      for (const [path, page] of [['/notices', 'notices'], ['/manual', 'manual'], ['/logout', 'logout'], ['/nowhere', 'not-found']]) {
        await visitor.visit(`${at.provider.issuer(tenant)}${path}`);
        await expectPage(visitor, page);
      }
      await visitor.visit(account(tenant));
      await visitor.press('agree');
      assert.equal(visitor.status, 422, 'a choice is needed');
      assert.ok(await visitor.exists('#agree_yes[aria-invalid="true"]'));
      await visitor.fill({ agree: 'yes' });
      await visitor.press('agree');
      await expectPage(visitor, 'account');
      assert.ok((await accepted(person)).includes(next));
      const [{ detail }] = await at.provider.database.rows(`SELECT l.detail FROM audit l JOIN accounts a ON a.tenant = l.tenant AND a.id = l.subject WHERE a.email = '${person.email}' AND l.action = 'terms_accepted'`);
      assert.equal(JSON.parse(detail).version, next);

      const again = await enter(new Visitor(), person, tenant);
      await expectPage(again, 'top', 'asked once');
    });
  }

  it('an authorization request waits for the terms and goes on; prompt=none hears interaction_required; refreshing goes on', async () => {
    const person = await somebody();
    const earlier = await enter(new Visitor(), person);
    const held = await tokens(earlier, at.provider, clients.first);
    await newTerms();
    const visitor = new Visitor();
    const { parameters, verifier } = authorization(clients.first);
    const asked = await authorize(visitor, at.provider, parameters);
    await visitor.visit(asked.location);
    await visitor.fill({ login_id: person.login_id, password: person.password, second_password: person.second_password });
    const sent = visitor.submission('login');
    let answer = await visitor.send(sent.url, { ...sent, headers: { ...sent.headers, origin: at.provider.origin } });
    for (let hops = 0; answer.location && hops < 4; hops += 1) answer = await visitor.send(answer.location);
    visitor.show(answer);
    await expectPage(visitor, 'new-terms');

    const silent = await authorize(visitor, at.provider, authorization(clients.first, { prompt: 'none' }).parameters);
    assert.equal(responseOf(silent).get('error'), 'interaction_required');
    const codes = await at.provider.database.rows(`SELECT count(*) AS n FROM grants g JOIN accounts a ON a.tenant = g.tenant AND a.id = g.account WHERE a.email = '${person.email}'`);
    assert.equal(Number(codes[0].n), 1, 'no code but the earlier one');
    assert.equal((await refresh(at.provider, clients.first, held.refresh_token)).status, 200, 'what was given before goes on');

    await visitor.fill({ agree: 'yes' });
    const yes = visitor.submission('agree');
    answer = await visitor.send(yes.url, { ...yes, headers: { ...yes.headers, origin: at.provider.origin } });
    while (!answer.location.startsWith(parameters.redirect_uri)) answer = await visitor.send(answer.location);
    const response = responseOf(answer);
    assert.equal(response.get('state'), parameters.state);
    assert.equal((await redeem(at.provider, clients.first, { code: response.get('code'), verifier, parameters })).status, 200);
  });

  it('who does not agree logs out, and is asked again; agreeing in one browser frees the other; a repeated yes changes nothing', async () => {
    const person = await somebody();
    await newTerms();
    const first = await enter(new Visitor(), person);
    await expectPage(first, 'new-terms');
    await first.press('decline');
    await first.press('logout');
    await expectPage(first, 'logged-out');
    const [one, two] = [await enter(new Visitor(), person), await enter(new Visitor(), person)];
    await expectPage(one, 'new-terms');
    await expectPage(two, 'new-terms');
    await one.fill({ agree: 'yes' });
    const repeated = one.submission('agree');
    await one.press('agree');
    await expectPage(one, 'top');
    await two.visit(account());
    await expectPage(two, 'account');
    const answer = await one.send(repeated.url, { ...repeated, headers: { ...repeated.headers, origin: at.provider.origin } });
    assert.equal(answer.status, 409);
    assert.match(answer.text, /data-page="invalid-operation"/);
    const events = await at.provider.database.rows(`SELECT count(*) AS n FROM audit l JOIN accounts a ON a.tenant = l.tenant AND a.id = l.subject WHERE a.email = '${person.email}' AND l.action = 'terms_accepted'`);
    assert.equal(Number(events[0].n), 1);
  });

  it('terms that change while somebody reads them are shown again', async () => {
    const person = await somebody();
    await newTerms();
    const visitor = await enter(new Visitor(), person);
    await expectPage(visitor, 'new-terms');
    const newest = await newTerms();
    await visitor.fill({ agree: 'yes' });
    await visitor.press('agree');
    assert.equal(visitor.status, 422);
    await expectPage(visitor, 'new-terms');
    assert.equal(await visitor.value('version'), newest);
    await visitor.fill({ agree: 'yes' });
    await visitor.press('agree');
    await expectPage(visitor, 'top');
  });

  it('after kill -9 each duty is where it was: new terms by the same cookie, passwords by the same ticket; then the way goes on', async () => {
    const owing = await somebody();
    const newcomer = await somebody({ password: undefined, second_password: undefined, initial_password: 'Hajimete2024x', terms_version: '' });
    await newTerms();
    const reader = await enter(new Visitor(), owing);
    await expectPage(reader, 'new-terms');
    const setter = new Visitor();
    await enter(setter, { login_id: newcomer.login_id, password: 'Hajimete2024x', second_password: '' });
    await expectPage(setter, 'password-setting');
    await at.provider.kill();
    await at.provider.start();
    await reader.visit(account());
    await expectPage(reader, 'new-terms');
    await setter.visit(`${at.provider.issuer()}/password-setting`);
    await setPasswords(setter, own);
    await confirmMessage(setter);
    await expectPage(setter, 'new-terms', 'one duty after the other');
    for (const visitor of [reader, setter]) {
      await visitor.fill({ agree: 'yes' });
      await visitor.press('agree');
    }
    await expectPage(reader, 'account');
    await expectPage(setter, 'top');
  });

  it('a student ID to be chosen belongs to one request: others are answered, and after kill -9 that one goes on with its choice', async () => {
    const visitor = await signIn(new Visitor(), at.provider, graduate);
    if ((await visitor.page()) === 'new-terms') {
      await visitor.fill({ agree: 'yes' });
      await visitor.press('agree');
    }
    const one = { claims: JSON.stringify({ id_token: { student_id: { essential: true } } }) };
    const { parameters, verifier } = authorization(clients.first, one);
    visitor.show(await authorize(visitor, at.provider, parameters));
    await expectPage(visitor, 'enrolment-choice');
    const parked = `${at.provider.issuer()}/authorize/resume?flow=${await visitor.value('flow')}`;
    const choice = visitor.answer;
    const silent = await authorize(visitor, at.provider, authorization(clients.first, { ...one, prompt: 'none' }).parameters);
    assert.match(responseOf(silent).get('error'), /interaction_required|account_selection_required/, 'no token without the choice');
    assert.ok((await code(visitor, at.provider, clients.first)).code, 'a request that asks for no choice is answered');

    await at.provider.kill();
    await at.provider.start();
    const [, wanted] = graduate.student_ids;
    await visitor.visit(parked);
    await expectPage(visitor, 'enrolment-choice', 'the request is still there');
    // the page that was open before
    visitor.show(choice);
    await visitor.press('choose');
    assert.equal(visitor.status, 422, 'it still wants its choice');
    const [, second] = await visitor.choices('enrolment');
    await visitor.fill({ enrolment: second });
    const sent = visitor.submission('choose');
    let answer = await visitor.send(sent.url, { ...sent, headers: { ...sent.headers, origin: at.provider.origin } });
    for (let hops = 0; !answer.location.startsWith(parameters.redirect_uri) && hops < 4; hops += 1) answer = await visitor.send(answer.location);
    const response = responseOf(answer);
    assert.equal(response.get('state'), parameters.state);
    const { json } = await redeem(at.provider, clients.first, { code: response.get('code'), verifier, parameters });
    assert.equal(JSON.parse(Buffer.from(json.id_token.split('.')[1], 'base64url')).student_id, wanted);
  });

  it('an administrator says which terms somebody agreed to: those in force, others, or none', async () => {
    const inForce = await newTerms();
    for (const [terms, page, kept] of [[undefined, 'top', [inForce]], ['2019-04-01', 'new-terms', ['2019-04-01']], ['', 'new-terms', []]]) {
      const person = await somebody(terms === undefined ? {} : { terms_version: terms });
      assert.deepEqual(await accepted(person), kept);
      await expectPage(await enter(new Visitor(), person), page);
    }
    const bad = await at.provider.cli(['account', 'create', '--tenant', 'certificate', '--file', await at.provider.file('bad.json', { login_id: 'bad@example.jp', ...own, terms_version: 7 })]);
    assert.equal(bad.code, 1);
    assert.match(bad.stderr + bad.stdout, /\/terms_version/);
  });

  it('an applicant’s agreement becomes the account’s', async () => {
    const { mail, reference } = await apply(new Visitor(), at.provider);
    const [{ terms_version: agreed }] = await at.provider.database.rows(`SELECT terms_version FROM applications WHERE reference = '${reference}'`);
    const desk = await enter(new Visitor(), clerk);
    if ((await desk.page()) === 'new-terms') {
      await desk.fill({ agree: 'yes' });
      await desk.press('agree');
    }
    await openApplication(desk, at.provider, reference);
    await decide(desk, 'approve');
    assert.deepEqual(await accepted({ email: mail }), [agreed]);
  });

  it('a code that was asked for is not given while passwords are owed', async () => {
    const newcomer = await somebody({ password: undefined, second_password: undefined, initial_password: 'Hajimete2024x' });
    const visitor = new Visitor();
    await enter(visitor, { login_id: newcomer.login_id, password: 'Hajimete2024x', second_password: '' });
    await expectPage(visitor, 'password-setting');
    const silent = await authorize(visitor, at.provider, authorization(clients.first, { prompt: 'none' }).parameters);
    assert.equal(responseOf(silent).get('error'), 'login_required');
    await visitor.visit(account());
    await expectPage(visitor, 'login');
    await visitor.visit(`${at.provider.issuer()}/password-setting`);
    await setPasswords(visitor, own);
    await confirmMessage(visitor);
    assert.ok((await code(visitor, at.provider, clients.first)).code);
  });
});
