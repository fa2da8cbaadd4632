// A forgotten password: asked for on a page, set anew by the link of a mail.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { confirmMessage, expectPage, logIn, signIn } from '../support/journey.js';
import { clerk, newAddress } from '../support/people.js';
import { authorization, clients } from '../support/protocol.js';
import { everyClient, onEachDatabase } from '../support/suite.js';
import { Visitor } from '../support/visitor.js';

onEachDatabase('forgotten passwords', { accounts: [clerk], clients: everyClient, clock: true }, (at) => {
  const old = { password: 'Wasureta2024x', second_password: 'Kotoba77betsu' };
  const fresh = { password: 'Atarashii2025', second_password: 'Momiji88futatsu' };

  const somebody = async (values = old) => {
    const mail = newAddress('forgetful');
    await at.provider.createAccount([{ login_id: mail, email: mail, ...values }]);
    return mail;
  };
  const attempt = async (mail, values) => {
    const visitor = new Visitor();
    await visitor.visit(`${at.provider.issuer()}/login`);
    return logIn(visitor, { login_id: mail, ...values });
  };
  const ask = async (mail, visitor = new Visitor()) => {
    await visitor.visit(`${at.provider.issuer()}/forgot`);
    await expectPage(visitor, 'forgot');
    await visitor.fill({ mail });
    await visitor.press('send');
    return visitor;
  };
  const link = async (mail, count = 1) => {
    const message = await at.provider.mail.wait(mail, count);
    return message.links.find((one) => one.includes('/forgot/link/')) ?? assert.fail(message.text);
  };
  const set = async (visitor, { password, second_password: second }) => {
    await expectPage(visitor, 'forgot-reset');
    await visitor.fill({ password, password_confirm: password, second_password: second, second_password_confirm: second });
    await visitor.press('set');
    return visitor;
  };

  it('from the login page to new passwords; the old ones and every session are over, and nobody is logged in', async () => {
    const mail = await somebody();
    const elsewhere = await attempt(mail, old);
    await expectPage(elsewhere, 'top');
    const asking = await ask(mail);
    await expectPage(asking, 'forgot-sent');
    const url = await link(mail);
    // opened as often as mail scanners like, and nothing has changed
    for (let n = 0; n < 5; n += 1) await new Visitor().visit(url);
    await elsewhere.visit(`${at.provider.issuer()}/account`);
    await expectPage(elsewhere, 'account');

    const visitor = new Visitor();
    await visitor.visit(url);
    assert.doesNotMatch(await visitor.url(), /link/, 'the secret is out of the address');
    await set(visitor, fresh);
    await confirmMessage(visitor);
    await expectPage(visitor, 'login');
    await elsewhere.visit(`${at.provider.issuer()}/account`);
    await expectPage(elsewhere, 'login');
    await expectPage(await attempt(mail, old), 'login');
    await expectPage(await attempt(mail, fresh), 'top');
    const told = await at.provider.mail.wait(mail, 2);
    assert.doesNotMatch(told.text, /forgot\/link/);
  });

  it('an unknown address has the same answer, and no mail', async () => {
    const known = await ask(await somebody());
    const nobody = newAddress('nobody');
    const unknown = await ask(nobody);
    const plain = (visitor) => visitor.answer.text.replace(/value="[^"]*"/g, '');
    assert.equal(plain(unknown), plain(known));
    assert.deepEqual(unknown.trail.map((a) => a.status), known.trail.map((a) => a.status));
    await at.provider.mail.wait(await somebody().then(async (mail) => (await ask(mail), mail)), 1);
    assert.equal(at.provider.mail.messages.filter((m) => m.to.includes(nobody)).length, 0);
  });

  it('two browsers with one link: the first sets the passwords, the second is told and changes nothing', async () => {
    const mail = await somebody();
    await ask(mail);
    const url = await link(mail);
    const browsers = [new Visitor(), new Visitor()];
    for (const visitor of browsers) await visitor.visit(url);
    await set(browsers[0], fresh);
    await expectPage(browsers[0], 'message');
    await set(browsers[1], { password: 'Okurete2025ne', second_password: 'Kaede99nibanme' });
    assert.equal(browsers[1].status, 409);
    await expectPage(browsers[1], 'invalid-operation');
    await expectPage(await attempt(mail, fresh), 'top');
    const third = new Visitor();
    await third.visit(url);
    assert.equal(third.status, 410);
    await expectPage(third, 'link-problem');
  });

  it('broken rules are named and the link stays', async () => {
    const mail = await somebody();
    await ask(mail);
    const visitor = new Visitor();
    await visitor.visit(await link(mail));
    for (const values of [old, { password: 'kurz', second_password: fresh.second_password }, { password: fresh.password, second_password: fresh.password }]) {
      await set(visitor, values);
      assert.equal(visitor.status, 422);
      assert.ok(await visitor.exists('#error-summary'));
    }
    await set(visitor, fresh);
    await expectPage(visitor, 'message');
  });

  it('the link lives for thirty minutes and says so afterwards', async () => {
    const mail = await somebody();
    await ask(mail);
    const url = await link(mail);
    const intime = new Visitor();
    await at.provider.advance(30 * 60 - 20);
    await intime.visit(url);
    await expectPage(intime, 'forgot-reset');
    await at.provider.advance(40);
    const late = new Visitor();
    await late.visit(url);
    assert.equal(late.status, 410);
    await expectPage(late, 'link-problem');
    await set(intime, fresh);
    await expectPage(intime, 'link-problem');
  });

  it('an initial password that has expired is mended', async () => {
    const mail = await somebody({ initial_password: 'Initial2024x' });
    await at.provider.advance(8 * 86_400);
    await expectPage(await attempt(mail, { password: 'Initial2024x', second_password: '' }), 'login');
    await ask(mail);
    const visitor = new Visitor();
    await visitor.visit(await link(mail));
    await set(visitor, fresh);
    await expectPage(visitor, 'message');
    await expectPage(await attempt(mail, fresh), 'top');
  });

  it('a login that a relying party asked for goes on afterwards', async () => {
    const mail = await somebody();
    const visitor = new Visitor();
    const asked = authorization(clients.first);
    const discovery = JSON.parse((await visitor.send(`${at.provider.issuer()}/.well-known/openid-configuration`)).text);
    await visitor.visit(`${discovery.authorization_endpoint}?${new URLSearchParams(asked.parameters)}`);
    await expectPage(visitor, 'login');
    await visitor.click('#forgot');
    await visitor.fill({ mail });
    await visitor.press('send');
    await visitor.visit(await link(mail));
    await set(visitor, fresh);
    await confirmMessage(visitor);
    await expectPage(visitor, 'login');
    assert.match(await visitor.url(), /flow=/);
  });

  it('what is missing or no address is said beside the item', async () => {
    for (const typed of ['', 'no-address', 'a@b', 'a@example.jp,b@example.jp', 'a@example.jp\r\nBcc: b@example.jp']) {
      const visitor = await ask(typed);
      assert.equal(visitor.status, 422, JSON.stringify(typed));
      assert.ok(await visitor.exists('#mail[aria-invalid="true"]'));
      assert.ok(await visitor.exists('#error-summary'));
    }
  });

  it('the page of another browser\'s message is not shown', async () => {
    const visitor = new Visitor();
    await visitor.visit(`${at.provider.issuer()}/forgot/done`);
    await expectPage(visitor, 'forgot');
    await signIn(visitor, at.provider, clerk);
    await visitor.visit(`${at.provider.issuer()}/forgot/reset`);
    assert.equal(visitor.status, 404);
  });
});
