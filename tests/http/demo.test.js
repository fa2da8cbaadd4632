// `madoguchi demo`: what somebody meets who clones the repository and types one command.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { request, until } from '../support/http.js';
import { acceptedMail, apply, decide, expectPage, logIn, openApplication, setPasswords } from '../support/journey.js';
import { startDemo } from '../support/provider.js';
import { Visitor } from '../support/visitor.js';

describe('demo', () => {
  let demo;
  before(async () => {
    demo = await startDemo();
  });
  after(async () => {
    await demo?.end();
  });

  const login = async (tenant, person) => {
    const visitor = new Visitor();
    await visitor.visit(`${demo.origin}/t/${tenant}/login`);
    await logIn(visitor, person);
    return visitor;
  };

  it('prints every address and account', () => {
    for (const part of [
      '/t/certificate', '/t/residence', '/dev/mail', 'graduate@example.jp', 'Graduate2024', 'Certificate2024', 'newcomer@example.jp', 'Initial2024',
      'RZ00000001', 'Residence2024', 'clerk@example.jp', 'clerk2@example.jp', 'it@example.jp', 'Counter2024', 'Register2024', 'demo-rp',
    ]) assert.ok(demo.log.includes(part), `${part} in\n${demo.log}`);
  });

  for (const [who, tenant, login_id, password, second_password, page] of [
    ['the graduate', 'certificate', 'graduate@example.jp', 'Graduate2024', 'Certificate2024', 'top'],
    ['the newcomer', 'certificate', 'newcomer@example.jp', 'Initial2024', '', 'password-setting'],
    ['the resident', 'residence', 'RZ00000001', 'Residence2024', undefined, 'top'],
    ['a clerk', 'certificate', 'clerk@example.jp', 'Counter2024', 'Register2024', ['top', 'desk-queue']],
    ['the second clerk', 'certificate', 'clerk2@example.jp', 'Counter2024', 'Register2024', ['top', 'desk-queue']],
    ['tenant IT', 'certificate', 'it@example.jp', 'Counter2024', 'Register2024', 'top'],
    ['a clerk of the residence tenant', 'residence', 'clerk@example.jp', 'Counter2024', undefined, ['top', 'desk-queue']],
  ]) {
    it(`${who} logs in`, async () => {
      await expectPage(await login(tenant, { login_id, password, second_password }), page);
    });
  }

  it('an application, its approval and its mails can be played through with the mailbox', async () => {
    const mailbox = {
      issuer: (tenant = 'certificate') => `${demo.origin}/t/${tenant}`,
      origin: demo.origin,
      mail: {
        to: () => [],
        async wait(address, count = 1) {
          return until(`mail ${count} to ${address}`, async () => {
            const mails = (await request(`${demo.origin}/dev/mail.json`)).json.filter(({ to }) => String(to).includes(address)).reverse();
            return mails[count - 1];
          });
        },
      },
    };
    const { mail, reference } = await apply(new Visitor(), mailbox, { mail: `played${process.pid}@example.jp` });
    const clerk = await login('certificate', { login_id: 'clerk@example.jp', password: 'Counter2024', second_password: 'Register2024' });
    await openApplication(clerk, mailbox, reference);
    await decide(clerk, 'approve');
    const { password } = acceptedMail(await mailbox.mail.wait(mail, 3));
    const visitor = await login('certificate', { login_id: mail, password, second_password: '' });
    await setPasswords(visitor, { password: 'Asobi2024sakura', second_password: 'Momiji77betsu' });
    await expectPage(visitor, 'message');
  });

  it('the mailbox gives tenant, addresses, subject, text, links and time, newest first', async () => {
    const mails = (await request(`${demo.origin}/dev/mail.json`)).json;
    assert.ok(mails.length >= 3);
    for (const key of ['tenant', 'to', 'from', 'subject', 'text', 'links', 'sent_at']) assert.ok(key in mails[0], key);
    const times = mails.map(({ sent_at: at }) => (typeof at === 'number' ? at : Date.parse(at)));
    assert.deepEqual(times, [...times].sort((a, b) => b - a));
    const page = new Visitor();
    await page.visit(`${demo.origin}/dev/mail`);
    assert.equal(page.status, 200);
    assert.ok((await page.count('a[href]')) > 0);
  });

  it('the certificate app logs a graduate in and takes an order', async () => {
    const app = /(http:\/\/(?:localhost|127\.0\.0\.1):\d+)\S*/g;
    const origins = [...new Set([...demo.log.matchAll(app)].map(([, origin]) => origin))].filter((origin) => origin !== demo.origin);
    assert.ok(origins.length >= 2, 'two apps');
    const visitor = new Visitor();
    await visitor.visit(`${origins[0]}/login`);
    await expectPage(visitor, 'login');
    await logIn(visitor, { login_id: 'graduate@example.jp', password: 'Graduate2024', second_password: 'Certificate2024' });
    for (let step = 0; step < 3 && (await visitor.url()).startsWith(demo.origin); step += 1) {
      if (await visitor.exists('#allow')) await visitor.press('allow');
      else if (await visitor.exists('#choose')) {
        const [enrolment] = await visitor.choices('enrolment');
        await visitor.fill({ enrolment });
        await visitor.press('choose');
      }
    }
    assert.ok((await visitor.url()).startsWith(origins[0]), visitor.describe());
    assert.equal(visitor.status, 200);
  });

  it('starts again on its own data within two seconds, without harm', async () => {
    await demo.stop();
    demo.log = '';
    const started = Date.now();
    await demo.start();
    assert.ok(Date.now() - started < 4_000, `${Date.now() - started} ms in a debug build`);
    await expectPage(await login('certificate', { login_id: 'graduate@example.jp', password: 'Graduate2024', second_password: 'Certificate2024' }), 'top');
    assert.ok((await request(`${demo.origin}/dev/mail.json`)).json.length >= 3, 'the mailbox is kept');
  });
});
