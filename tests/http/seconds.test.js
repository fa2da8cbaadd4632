// Everything that has an end lives until that second and is dead in it, with the program's clock moved from outside.

import assert from 'node:assert/strict';
import { before, it } from 'node:test';
import { request } from '../support/http.js';
import { expectPage, fillForm, logIn, reachForm, signIn } from '../support/journey.js';
import { kinds, somebody } from '../support/links.js';
import { clerk } from '../support/people.js';
import { authorization, authorize, clients, code, redeem, refresh, responseOf, signedIn, tokens, userinfo } from '../support/protocol.js';
import { everyClient, onEachDatabase } from '../support/suite.js';
import { Visitor } from '../support/visitor.js';

/** Result mails with a URL to set the passwords, so that this kind of link is there too. */
const withUrl = async ({ read, write }) => {
  await write('tenant.toml', (await read('tenant.toml')).replace(/(\[initial_credential\]\nkind = )"password"/, '$1"setting_url"'));
};

onEachDatabase('seconds', { accounts: [clerk], clients: everyClient, clock: true, edit: withUrl }, (at) => {
  const rows = (sql) => at.provider.database.rows(sql);
  const page = (path) => `${at.provider.issuer()}${path}`;
  const end = async (sql) => Number(Object.values((await rows(sql))[0])[0]);
  /** Before its end it lives, and nothing but the clock is in between; at its end it does not. */
  const livesUntil = async (second, alive, { early = 3 } = {}) => {
    assert.ok(second > 1_600_000_000, `${second}`);
    await at.provider.clockTo(second - early);
    assert.equal(await alive(), true, `${early} seconds before its end`);
    await at.provider.clockTo(second);
    assert.equal(await alive(), false, 'in the second of its end');
  };

  for (const kind of kinds) {
    it(`the link of a mail (${kind.purpose}), looked at and sent`, async () => {
      const desk = await signIn(new Visitor(), at.provider, clerk);
      const { link } = await kind.make(at.provider, desk);
      const second = await end(`SELECT expires_at FROM one_time WHERE purpose = '${kind.purpose}' ORDER BY created_at DESC, expires_at DESC LIMIT 1`);
      const early = await new Visitor().visit(link);
      await expectPage(early, kind.first);
      await livesUntil(second, async () => (await (await new Visitor().visit(link)).page()) === kind.first);
      const before = await rows('SELECT count(consumed_at) AS n FROM one_time');
      if (kind.button === 'agree') await early.fill({ agree: 'yes' });
      if (kind.button === 'set') await early.fill({ password: 'Osokatta2025x', password_confirm: 'Osokatta2025x', second_password: 'Kaede99nibanme', second_password_confirm: 'Kaede99nibanme' });
      await early.press(kind.button);
      assert.ok([409, 410].includes(early.status), `a page that was opened in time is sent too late: ${early.describe()}`);
      assert.deepEqual(await rows('SELECT count(consumed_at) AS n FROM one_time'), before);
    });
  }

  it('an initial password, and the ticket that it gives', async () => {
    const person = await somebody(at.provider, { password: undefined, second_password: undefined, initial_password: 'Hajimete2024x' });
    const enter = async () => logIn(await new Visitor().visit(page('/login')), { login_id: person.login_id, password: 'Hajimete2024x', second_password: '' });
    const holder = await enter();
    await expectPage(holder, 'password-setting');
    const ticket = await end("SELECT expires_at FROM one_time WHERE purpose = 'set_credentials' ORDER BY created_at DESC LIMIT 1");
    await livesUntil(ticket, async () => (await (await holder.visit(page('/password-setting'))).page()) === 'password-setting');
    const second = await end(`SELECT c.expires_at FROM credentials c JOIN accounts a ON a.id = c.account AND a.tenant = c.tenant WHERE a.email = '${person.email}' AND c.kind = 'initial'`);
    await livesUntil(second, async () => (await (await enter()).page()) === 'password-setting', { early: 6 });
  });

  it('a session: thirty minutes after the last request and never before, and its last end however busy it is', async () => {
    const person = await somebody(at.provider);
    const [early, late] = [await signedIn(at.provider, person), await signedIn(at.provider, person)];
    const seen = async () => end("SELECT max(last_seen_at) FROM sessions WHERE ended_at IS NULL");
    const from = await seen();
    await at.provider.clockTo(from + 1800 - 1);
    await early.visit(page('/account'));
    await expectPage(early, 'account');
    // what is not written down exactly counts for the person, up to five seconds
    await at.provider.clockTo(from + 1800 + 5);
    await late.visit(page('/account'));
    await expectPage(late, 'login');
    await early.visit(page('/account'));
    await expectPage(early, 'account', 'it was used in between');

    const busy = await signedIn(at.provider, person);
    const last = await end('SELECT max(expires_at) FROM sessions');
    for (let moment = (await seen()) + 1700; moment < last - 3; moment += 1700) {
      await at.provider.clockTo(moment);
      await busy.visit(page('/account'));
      await expectPage(busy, 'account');
    }
    await livesUntil(last, async () => (await (await busy.visit(page('/account'))).page()) === 'account');
    assert.match(await busy.text('#reason'), /12時間/);
    const kept = await request(page('/session'), { headers: { cookie: busy.jar.header('127.0.0.1') } });
    assert.equal(kept.status, 401, 'and it is not made longer');
  });

  it('a lock', async () => {
    const person = await somebody(at.provider);
    const attempt = async (values) => logIn(await new Visitor().visit(page('/login')), values);
    for (let n = 0; n < 5; n += 1) await attempt({ ...person, password: 'Wrong2024x' });
    const until = await end('SELECT max(locked_until) FROM attempts');
    await at.provider.clockTo(until - 4);
    await expectPage(await attempt(person), 'login', 'the right values do not help yet');
    await at.provider.clockTo(until);
    await expectPage(await attempt(person), 'top');
  });

  it('a code, an access token, a refresh token, a parked request', async () => {
    const person = await somebody(at.provider);
    const visitor = await signedIn(at.provider, person);
    const granted = [await code(visitor, at.provider, clients.first), await code(visitor, at.provider, clients.first)];
    const dies = await end('SELECT min(code_expires_at) FROM (SELECT code_expires_at FROM grants ORDER BY created_at DESC LIMIT 2) g');
    await at.provider.clockTo(dies - 3);
    const held = await redeem(at.provider, clients.first, granted[0]);
    assert.equal(held.status, 200);
    await at.provider.clockTo(dies + 1);
    assert.equal((await redeem(at.provider, clients.first, granted[1])).json.error, 'invalid_grant');
    const tokenEnd = (which) => end(`SELECT expires_at FROM tokens WHERE kind = '${which}' ORDER BY created_at DESC LIMIT 1`);
    const [accessEnd, refreshEnd] = [await tokenEnd('access'), await tokenEnd('refresh')];
    await livesUntil(accessEnd, async () => (await userinfo(at.provider, held.json.access_token)).status === 200);
    await at.provider.clockTo(refreshEnd);
    assert.equal((await refresh(at.provider, clients.first, held.json.refresh_token)).json.error, 'invalid_grant');
    const again = await tokens(await signedIn(at.provider, person), at.provider, clients.first);
    const nextEnd = await tokenEnd('refresh');
    await at.provider.clockTo(nextEnd - 3);
    assert.equal((await refresh(at.provider, clients.first, again.refresh_token)).status, 200);

    const waiting = new Visitor();
    const asked = await authorize(waiting, at.provider, authorization(clients.first).parameters);
    const parked = await end('SELECT max(expires_at) FROM interactions');
    await livesUntil(parked, async () => (await (await waiting.visit(asked.location)).exists('#deny')));
    await logIn(waiting, person);
    assert.equal(waiting.status, 400, 'the request is too old, and nobody is sent anywhere');
    const silent = await authorize(waiting, at.provider, authorization(clients.first, { prompt: 'none' }).parameters);
    assert.ok(responseOf(silent).get('code'), 'but whoever logged in is logged in');
  });

  it('a draft', async () => {
    const visitor = new Visitor();
    const mail = await reachForm(visitor, at.provider);
    await fillForm(visitor);
    await visitor.press('check');
    const second = await end(`SELECT expires_at FROM drafts WHERE email = '${mail}'`);
    await livesUntil(second, async () => (await (await visitor.visit(page('/register/check'))).page()) === 'check');
  });
});
