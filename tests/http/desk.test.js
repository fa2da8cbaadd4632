// The review desk: who may look, who may decide, and that a decision happens once.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  acceptedMail, agree, apply, decide, expectPage, fillDecision, fillForm, logIn, openApplication, openResubmission, receptionReference, setPasswords,
} from '../support/journey.js';
import { clerk, graduate, newAddress, secondClerk } from '../support/people.js';
import { clients, signedIn, tokens, verified } from '../support/protocol.js';
import { everybody, everyClient, onEachDatabase } from '../support/suite.js';
import { Visitor } from '../support/visitor.js';

onEachDatabase('review desk', { accounts: everybody, clients: everyClient }, (at) => {
  const deskOf = (person, language) => signedIn(at.provider, person, { language });
  const applyOnce = (options) => apply(new Visitor(), at.provider, options);
  const opened = async (person, reference, language) => openApplication(await deskOf(person, language), at.provider, reference);
  const submission = (desk, button, extra) => {
    const sent = desk.submission(button, extra);
    return { ...sent, headers: { ...sent.headers, origin: at.provider.origin } };
  };

  it('only staff open the desk: a visitor is asked to log in, a graduate gets nothing', async () => {
    const nobody = new Visitor();
    await nobody.visit(`${at.provider.issuer()}/desk`);
    await expectPage(nobody, 'login');
    const person = await deskOf(graduate);
    await person.visit(`${at.provider.issuer()}/desk`);
    assert.ok([403, 404].includes(person.status), person.describe());
    assert.equal(await person.count('[data-reference]'), 0);
  });

  it('the queue shows state, age and reference, and can be searched by name, kana and reference', async () => {
    const { reference } = await applyOnce({ changes: { name: '探索 花子', name_kana: 'タンサク ハナコ' } });
    await applyOnce();
    const desk = await deskOf(clerk);
    await desk.visit(`${at.provider.issuer()}/desk`);
    assert.ok((await desk.count('[data-reference]')) >= 2);
    const field = (await desk.fields()).find((name) => ['q', 'search', 'query'].includes(name));
    assert.ok(field, 'a search box');
    for (const words of ['探索', 'タンサク', 'たんさく', reference, reference.toLowerCase()]) {
      await desk.visit(`${at.provider.issuer()}/desk?${field}=${encodeURIComponent(words)}`);
      assert.ok(await desk.exists(`[data-reference="${reference}"]`), words);
    }
    await desk.visit(`${at.provider.issuer()}/desk?${field}=${encodeURIComponent("' OR 1=1 --")}`);
    assert.equal(desk.status, 200);
    assert.equal(await desk.count('[data-reference]'), 0);
    await desk.visit(`${at.provider.issuer()}/desk?${field}=%25`);
    assert.equal(await desk.count('[data-reference]'), 0, 'a percent sign is no wildcard');
  });

  it('markup in what was typed is text at the desk', async () => {
    const { reference } = await applyOnce({ changes: { building: '<script id="planted">alert(1)</script>', remarks: '<img id="planted" src=x onerror=alert(1)>' } });
    const desk = await opened(clerk, reference);
    assert.equal(await desk.exists('#planted'), false);
    assert.ok((await desk.text()).includes('<script id="planted">'));
  });

  it('the roster’s record stands beside what was typed, with differences marked', async () => {
    const roster = '学籍番号,氏名,フリガナ,生年月日\r\n1TE77777,名簿 太郎,メイボ タロウ,1990-04-02\r\n';
    const file = await at.provider.file('roster.csv', roster);
    await at.provider.must(['roster', 'import', '--tenant', 'certificate', '--file', file]);
    const { reference } = await applyOnce({ changes: { student_id: '1TE77777', school_name: '名簿 次郎', school_name_kana: 'メイボ タロウ' } });
    const desk = await opened(clerk, reference);
    assert.match(await desk.text(), /名簿 太郎/);
    const marked = desk.document.querySelectorAll('.compare__row--different').map((row) => row.text.replace(/\s+/g, ' '));
    assert.ok(marked.some((row) => /名簿 次郎.*名簿 太郎/.test(row)), `the difference is marked: ${marked.join(' | ')}`);
  });

  it('a likely duplicate of an existing account is shown', async () => {
    const { reference } = await applyOnce({ changes: { name: '鈴木 一子', name_kana: 'スズキ カズコ', birth_date_year: '1988', birth_date_month: '7', birth_date_day: '9', student_id: '1TE10234' } });
    const desk = await opened(clerk, reference);
    assert.ok((await desk.text()).includes(graduate.email), 'the account of the same person');
  });

  it('approval makes one account, mails an initial password, and the first login sets the passwords', async () => {
    const { mail, reference } = await applyOnce();
    await decide(await opened(clerk, reference), 'approve');
    const message = await at.provider.mail.wait(mail, 3);
    const { password, link } = acceptedMail(message);
    assert.ok(password.length >= 12, 'long enough');
    assert.ok(link.startsWith(at.provider.origin), link);
    const visitor = new Visitor();
    await visitor.visit(link);
    await expectPage(visitor, 'login');
    await logIn(visitor, { login_id: mail, password, second_password: '' });
    await setPasswords(visitor, { password: 'Shonin2024sakura', second_password: 'Momiji77betsu' });
    await expectPage(visitor, 'message');
    const again = await deskOf({ login_id: mail, password: 'Shonin2024sakura', second_password: 'Momiji77betsu' });
    const { id_token: jwt } = await tokens(again, at.provider, clients.first, { scope: 'openid profile email' });
    const { payload } = await verified(at.provider, jwt, clients.first);
    assert.equal(payload.iss, at.provider.issuer());
    const [{ n }] = await at.provider.database.rows(`SELECT count(*) AS n FROM accounts WHERE email_key = '${mail}'`);
    assert.equal(Number(n), 1);
    const dump = JSON.stringify(await at.provider.database.rows('SELECT * FROM outbox'));
    assert.ok(!dump.includes(password) && !dump.includes(Buffer.from(password).toString('base64')), 'the initial password is not kept after delivery');
    assert.ok(!at.provider.log.includes(password));
  });

  it('rejection needs a reason, which is in the mail', async () => {
    const { mail, reference } = await applyOnce();
    const desk = await opened(clerk, reference);
    await decide(desk, 'reject', { reason: '' });
    assert.equal(desk.trail[0].status, 422, desk.describe());
    await decide(desk, 'reject', { reason: '名簿に記録がありませんでした。' });
    const message = await at.provider.mail.wait(mail, 3);
    assert.match(message.text, /名簿に記録がありませんでした。/);
    assert.doesNotMatch(message.text, /初期パスワード/);
  });

  it('resubmission reopens the form filled in with only the questioned items marked; the new version is decided anew', async () => {
    const { mail, reference } = await applyOnce({ changes: { building: '前の建物' } });
    await decide(await opened(clerk, reference), 'resubmit', { reason: '次を直してください。', items: { street: '番地がありません。' } });
    const message = await at.provider.mail.wait(mail, 3);
    assert.match(message.text, /番地がありません。/);
    const visitor = new Visitor();
    const link = await openResubmission(visitor, message);
    assert.match(await visitor.text('#building'), /前の建物/);
    const open = visitor.document.querySelectorAll('form:has(#check) input:not([type=hidden]):not([readonly]):not([disabled]), form:has(#check) select:not([disabled])')
      .map((node) => node.getAttribute('name')).filter((name) => name !== 'lang');
    assert.deepEqual([...new Set(open)], ['street'], 'only the questioned item can be changed');
    assert.match(await visitor.text(), /番地がありません。/);
    await visitor.fill({ street: '千代田9-9-9' });
    await visitor.press('check');
    await expectPage(visitor, 'check');
    await visitor.press('submit');
    assert.equal(await receptionReference(visitor), reference, 'the same application');
    const again = new Visitor();
    await again.visit(link);
    assert.ok([400, 404, 410].includes(again.status), again.describe());
    const desk = await opened(clerk, reference);
    assert.match(await desk.text(), /千代田9-9-9/);
    await decide(desk, 'approve');
    acceptedMail(await at.provider.mail.wait(mail, 5));
  });

  it('a resubmission must name an item', async () => {
    const { reference } = await applyOnce();
    const desk = await opened(clerk, reference);
    await decide(desk, 'resubmit', { reason: '直してください。' });
    assert.equal(desk.trail[0].status, 422, desk.describe());
  });

  it('nobody gets a second account because the first was overlooked: who resembles somebody is approved when it is said whose account it is', async () => {
    const accounts = async (mail) => Number((await at.provider.database.rows(`SELECT count(*) AS n FROM accounts WHERE email_key = '${mail}'`))[0].n);
    const first = await applyOnce();
    await decide(await opened(clerk, first.reference), 'approve');
    for (const language of ['ja', 'en']) {
      const { mail, reference } = await applyOnce();
      const desk = await opened(clerk, reference, language);
      assert.deepEqual((await desk.choices('account')).slice(-1), ['new']);
      await desk.fill({ reason: '書きかけ' });
      await desk.press('approve');
      assert.equal(desk.trail[0].status, 422, desk.describe());
      assert.match(await desk.text('#account-error'), language === 'ja' ? /同じ人/ : /look like/);
      assert.equal(await desk.value('reason'), '書きかけ', 'what was typed is kept');
      assert.equal(await accounts(mail), 0);
      await decide(desk, 'approve');
      assert.equal(await accounts(mail), 1);
    }
  });

  it('a decision on a version that was resubmitted in between is refused with 409 and changes nothing', async () => {
    const { mail, reference } = await applyOnce();
    const stale = await opened(secondClerk, reference);
    const old = submission(stale, 'approve');
    await decide(await opened(clerk, reference), 'resubmit', { items: { street: '番地' } });
    const visitor = new Visitor();
    await openResubmission(visitor, await at.provider.mail.wait(mail, 3));
    await visitor.fill({ street: '千代田2-2' });
    await visitor.press('check');
    await visitor.press('submit');
    await expectPage(visitor, 'reception');
    const answer = await stale.send(old.url, old);
    assert.equal(answer.status, 409, answer.text.slice(0, 300));
    await opened(clerk, reference);
    const rows = await at.provider.database.rows(`SELECT d.verdict FROM decisions d JOIN applications a ON a.id = d.application AND a.tenant = d.tenant WHERE a.reference = '${reference}'`);
    assert.deepEqual(rows.map(({ verdict }) => verdict), ['request_correction']);
  });

  it('approve, reject and resubmit at once by two clerks: one decision, one account at most, one mail', async () => {
    for (let round = 0; round < 6; round += 1) {
      const { mail, reference } = await applyOnce();
      const desks = [await opened(clerk, reference), await opened(secondClerk, reference)];
      for (const desk of desks) await fillDecision(desk, { reason: '同時に決めました。' });
      const sends = [];
      for (const desk of desks) for (const button of ['approve', 'reject', 'approve', 'reject']) sends.push([desk, submission(desk, button)]);
      const answers = await Promise.all(sends.map(([desk, sent]) => desk.send(sent.url, sent)));
      const statuses = answers.map(({ status }) => status);
      assert.ok(statuses.every((status) => [303, 409, 503].includes(status)), statuses.join());
      assert.ok(statuses.includes(303));
      const rows = await at.provider.database.rows(`SELECT d.verdict FROM decisions d JOIN applications a ON a.id = d.application AND a.tenant = d.tenant WHERE a.reference = '${reference}'`);
      assert.equal(rows.length, 1, 'one decision');
      const [{ n }] = await at.provider.database.rows(`SELECT count(*) AS n FROM accounts WHERE email_key = '${mail}'`);
      assert.equal(Number(n), rows[0].verdict === 'approve' ? 1 : 0);
      await at.provider.mail.wait(mail, 3);
      const [{ k }] = await at.provider.database.rows(`SELECT count(*) AS k FROM outbox WHERE to_address LIKE '%${mail}%'`);
      assert.equal(Number(k), 3, 'link, receipt and result: one mail of each');
    }
  });

  it('nobody decides on an application of their own, also when it came from another address', async () => {
    const mine = { ...clerk, login_id: newAddress('insider'), claims: { name: '内部 一郎', birthdate: '1970-01-01' } };
    mine.email = mine.login_id;
    await at.provider.createAccount(mine);
    const desk = await deskOf(mine);
    // the clerk applies for a second account, in the same browser as the desk's session
    const other = newAddress('secondself');
    await desk.visit(`${at.provider.issuer()}/register`);
    await desk.fill({ mail: other, mail_confirm: other });
    await desk.press('check');
    const mail = await at.provider.mail.wait(other);
    await desk.visit(mail.links.find((one) => one.includes('/register/link/')));
    await agree(desk);
    await fillForm(desk, { name: '内部 一郎', name_kana: 'ナイブ イチロウ', birth_date_year: '1970', birth_date_month: '1', birth_date_day: '1' });
    await desk.press('check');
    await desk.press('submit');
    const reference = await receptionReference(desk);
    await openApplication(desk, at.provider, reference);
    if (await desk.exists('#approve')) {
      await decide(desk, 'approve');
      assert.ok([403, 409, 422].includes(desk.trail[0].status), desk.describe());
    }
    const rows = await at.provider.database.rows(`SELECT state FROM applications WHERE reference = '${reference}'`);
    assert.equal(rows[0].state, 'submitted');
    await decide(await opened(secondClerk, reference), 'approve');
  });

  it('a decision needs the form token, our origin and the reviewer’s role', async () => {
    const { reference } = await applyOnce();
    const desk = await opened(clerk, reference);
    for (const [extra, headers] of [[{ csrf: undefined }, {}], [{ csrf: 'A'.repeat(43) }, {}], [{}, { origin: 'https://evil.example' }], [{}, { 'sec-fetch-site': 'cross-site' }]]) {
      const sent = submission(desk, 'approve', extra);
      const answer = await desk.send(sent.url, { ...sent, headers: { ...sent.headers, ...headers } });
      assert.equal(answer.status, 403);
    }
    const good = submission(desk, 'approve');
    const person = await deskOf(graduate);
    await person.visit(`${at.provider.issuer()}/account`);
    const answer = await person.send(good.url, good);
    assert.ok([403, 404].includes(answer.status), `${answer.status}`);
    const rows = await at.provider.database.rows(`SELECT state FROM applications WHERE reference = '${reference}'`);
    assert.equal(rows[0].state, 'submitted');
  });

  it('an application of another tenant, an unknown and a malformed id look the same', async () => {
    const { reference } = await applyOnce();
    const desk = await opened(clerk, reference);
    const url = new URL(await desk.url());
    const id = url.pathname.split('/').pop();
    const unknown = [id.replace(/.$/, (c) => (c === '2' ? '3' : '2')), 'x', '../../etc', "' OR 1=1"].map((one) => `${at.provider.issuer()}/desk/applications/${encodeURIComponent(one)}`);
    for (const one of unknown) assert.equal((await desk.send(one)).status, 404, one);
    await at.provider.applyTenant('residence');
    assert.notEqual((await desk.send(url.href.replace('/t/certificate/', '/t/residence/'))).status, 200);
  });

  it('every opening and every decision is in the audit log with its actor', async () => {
    const { reference } = await applyOnce();
    await decide(await opened(clerk, reference), 'approve');
    const rows = await at.provider.database.rows(`SELECT e.action, e.actor FROM audit e JOIN applications a ON e.subject = a.id WHERE a.reference = '${reference}' ORDER BY e.seq`);
    const actions = rows.map(({ action }) => action);
    for (const action of ['application_submitted', 'application_viewed', 'application_decided']) assert.ok(actions.includes(action), `${action} in ${actions}`);
    assert.ok(rows.find(({ action }) => action === 'application_decided').actor.includes('acc'), 'an account decided');
  });

  it('a decision taken is shown to whoever opens the application afterwards, without buttons', async () => {
    const { reference } = await applyOnce();
    const desk = await opened(clerk, reference);
    const url = await desk.url();
    await decide(desk, 'reject', { reason: '記録がありません。' });
    const other = await deskOf(secondClerk);
    await other.visit(url);
    assert.equal(other.status, 200);
    assert.equal(await other.exists('#approve'), false);
    assert.match(await other.text(), /記録がありません。/);
  });
});
