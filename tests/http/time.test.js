// Everything that ends by itself, with the program's clock moved from outside.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { until } from '../support/http.js';
import {
  acceptedMail, agree, apply, decide, expectPage, logIn, openApplication, reachForm, registrationLink, signIn,
} from '../support/journey.js';
import { clerk, graduate, newAddress } from '../support/people.js';
import { clients, code, redeem, refresh, signedIn, tokens, userinfo } from '../support/protocol.js';
import { everybody, everyClient, onEachDatabase } from '../support/suite.js';
import { Visitor } from '../support/visitor.js';

const minutes = (n) => n * 60;
const days = (n) => n * 86_400;

onEachDatabase('time', { accounts: everybody, clients: everyClient, clock: true }, (at) => {
  const attempt = async (person) => {
    const visitor = new Visitor();
    await visitor.visit(`${at.provider.issuer()}/login`);
    return logIn(visitor, person);
  };

  it('a registration link lives for thirty minutes and says so afterwards', async () => {
    const mail = newAddress('late');
    const visitor = new Visitor();
    await visitor.visit(`${at.provider.issuer()}/register`);
    await visitor.fill({ mail, mail_confirm: mail });
    await visitor.press('check');
    const link = await registrationLink(at.provider, mail);
    await at.provider.advance(minutes(30) - 20);
    const intime = new Visitor();
    await intime.visit(link);
    await expectPage(intime, 'terms');
    await at.provider.advance(40);
    const late = new Visitor();
    await late.visit(link);
    assert.equal(late.status, 410, late.describe());
    await expectPage(late, 'link-problem');
    const [choice] = await intime.choices('agree');
    await intime.fill({ agree: choice });
    await intime.press('agree');
    assert.notEqual(await intime.page(), 'form', 'the terms were opened in time, but agreed to too late');
  });

  it('a form that was opened in time may be filled in for longer than the link lives', async () => {
    const visitor = new Visitor();
    await reachForm(visitor, at.provider);
    await at.provider.advance(minutes(50));
    await visitor.visit(`${at.provider.issuer()}/register/form`);
    await expectPage(visitor, 'form');
  });

  it('a session ends thirty minutes after the last request, and the next page says why', async () => {
    const visitor = await signIn(new Visitor(), at.provider, graduate);
    await at.provider.advance(minutes(29));
    await visitor.visit(`${at.provider.issuer()}/account`);
    await expectPage(visitor, 'account');
    await at.provider.advance(minutes(29));
    await visitor.visit(`${at.provider.issuer()}/account`);
    await expectPage(visitor, 'account');
    await at.provider.advance(minutes(32));
    await visitor.visit(`${at.provider.issuer()}/account`);
    await expectPage(visitor, ['login', 'session-ended']);
    assert.match(await visitor.text('main'), /操作|時間|自動/);
    await visitor.visit(`${at.provider.issuer()}/account`);
    assert.notEqual(await visitor.page(), 'account', 'it stays ended');
  });

  it('a session ends after the absolute time however busy it is', async () => {
    const visitor = await signIn(new Visitor(), at.provider, graduate);
    let alive = 0;
    for (let n = 0; n < 60; n += 1) {
      await at.provider.advance(minutes(20));
      await visitor.visit(`${at.provider.issuer()}/account`);
      if ((await visitor.page()) !== 'account') break;
      alive += 20;
    }
    assert.ok(alive >= 60 && alive <= 24 * 60, `${alive} minutes`);
  });

  it('a POST after the session’s end is not carried out', async () => {
    const { reference } = await apply(new Visitor(), at.provider);
    const desk = await signedIn(at.provider, clerk);
    await openApplication(desk, at.provider, reference);
    const sent = desk.submission('approve');
    await at.provider.advance(minutes(31));
    const answer = await desk.send(sent.url, { ...sent, headers: { ...sent.headers, origin: at.provider.origin } });
    assert.ok([303, 403].includes(answer.status), `${answer.status}`);
    const [{ state }] = await at.provider.database.rows(`SELECT state FROM applications WHERE reference = '${reference}'`);
    assert.equal(state, 'submitted');
  });

  it('a lock is lifted by itself after the tenant’s time', async () => {
    const email = newAddress('lockedfor');
    const person = { login_id: email, email, password: 'Kagi2024sakura', second_password: 'Momiji77betsu' };
    await at.provider.createAccount(person);
    for (let n = 0; n < 6; n += 1) await attempt({ ...person, password: 'Wrong2024x' });
    await expectPage(await attempt(person), 'login');
    await at.provider.advance(minutes(16));
    await expectPage(await attempt(person), 'top');
  });

  it('an initial password is dead after seven days, alive a minute before', async () => {
    const { mail, reference } = await apply(new Visitor(), at.provider);
    const desk = await signedIn(at.provider, clerk);
    await openApplication(desk, at.provider, reference);
    await decide(desk, 'approve');
    const { password } = acceptedMail(await at.provider.mail.wait(mail, 3));
    const person = { login_id: mail, password, second_password: '' };
    await at.provider.advance(days(7) - 60);
    const intime = await attempt(person);
    await expectPage(intime, 'password-setting');
    await at.provider.advance(120);
    await expectPage(await attempt(person), 'login');
  });

  it('a code is dead after a minute, an access token after its time, and never earlier', async () => {
    const visitor = await signedIn(at.provider, graduate);
    const granted = await code(visitor, at.provider, clients.first);
    await at.provider.advance(62);
    const late = await redeem(at.provider, clients.first, granted);
    assert.equal(late.status, 400);
    assert.equal(late.json.error, 'invalid_grant');
    const got = await tokens(visitor, at.provider, clients.first);
    await at.provider.advance(got.expires_in - 5);
    assert.equal((await userinfo(at.provider, got.access_token)).status, 200);
    await at.provider.advance(10);
    const expired = await userinfo(at.provider, got.access_token);
    assert.equal(expired.status, 401);
    assert.match(expired.headers['www-authenticate'], /invalid_token/);
    assert.equal((await refresh(at.provider, clients.first, got.refresh_token)).status, 200);
  });

  it('max_age asks for a new login when the last one is too old, and auth_time tells the truth', async () => {
    const visitor = await signedIn(at.provider, graduate);
    await at.provider.advance(120);
    const { authorization, authorize } = await import('../support/protocol.js');
    const young = await authorize(visitor, at.provider, authorization(clients.first, { max_age: '600' }).parameters);
    assert.ok(young.location.startsWith(clients.first.redirect_uris[0]), young.location);
    const old = await authorize(visitor, at.provider, authorization(clients.first, { max_age: '60', prompt: 'none' }).parameters);
    assert.match(old.location, /error=login_required/);
  });

  it('an unfinished application and its pictures are gone after the draft’s life', async () => {
    const visitor = new Visitor();
    await reachForm(visitor, at.provider);
    await at.provider.advance(days(40));
    await visitor.visit(`${at.provider.issuer()}/register/form`);
    assert.notEqual(await visitor.page(), 'form');
  });

  it('a mail server that refuses for a while gets the mail later, once; no request waits for it; what it refuses for good is given up', async () => {
    const [patient, hopeless] = [newAddress('patient'), newAddress('hopeless')];
    let refused = 0;
    at.provider.mail.refuse = (to) => {
      if (to === hopeless) return 550;
      if (to !== patient || refused >= 2) return undefined;
      refused += 1;
      return 451;
    };
    for (const mail of [patient, hopeless]) {
      const started = Date.now();
      const visitor = new Visitor();
      await visitor.visit(`${at.provider.issuer()}/register`);
      await visitor.fill({ mail, mail_confirm: mail });
      await visitor.press('check');
      assert.ok(Date.now() - started < 3_000);
    }
    for (const count of [1, 2]) {
      await until(`refusal ${count}`, () => refused >= count);
      await at.provider.advance(minutes(20));
    }
    await at.provider.mail.wait(patient);
    assert.equal(at.provider.mail.to(patient).length, 1);
    const row = async (mail) => (await at.provider.database.rows(`SELECT attempts, sent_at, dead_at FROM outbox WHERE to_address = '${mail}'`))[0];
    await until('the mail to be marked as sent', async () => (await row(patient)).sent_at);
    await until('the other to be given up', async () => (await row(hopeless)).dead_at);
    at.provider.mail.refuse = () => undefined;
  });

  it('a clock that goes back an hour revives nothing and breaks nothing', async () => {
    const mail = newAddress('back');
    const visitor = new Visitor();
    await visitor.visit(`${at.provider.issuer()}/register`);
    await visitor.fill({ mail, mail_confirm: mail });
    await visitor.press('check');
    const link = await registrationLink(at.provider, mail);
    const person = await signIn(new Visitor(), at.provider, graduate);
    await at.provider.advance(-3_600);
    const early = new Visitor();
    await early.visit(link);
    assert.ok(early.status < 500);
    if ((await early.page()) === 'terms') await agree(early);
    await person.visit(`${at.provider.issuer()}/account`);
    assert.ok(person.status < 500);
    await at.provider.advance(3_600);
  });
});
