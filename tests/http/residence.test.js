// The residence system as configuration: kinds of user with their forms, approval, user IDs and menus; the outside check;
// the counter; messages and their codes.

import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, describe, it } from 'node:test';
import {
  agree, askForRegistration, decide, expectPage, fillForm, logIn, openApplication, reachForm, receptionReference, registrationLink, setPasswords,
  settingMail, signIn,
} from '../support/journey.js';
import { cardHolder, newAddress, officer, secondOfficer } from '../support/people.js';
import { Provider } from '../support/provider.js';
import { databases } from '../support/database.js';
import { until } from '../support/http.js';
import { clients, code, redeem, userinfo } from '../support/protocol.js';
import { onEachDatabase } from '../support/suite.js';
import { Visitor } from '../support/visitor.js';

const tenant = 'residence';
const counterApplicant = 'counter_applicant';
const ownPassword = 'Kawaguchi-mizuumi-88';

/** Registers somebody through all pages; gives address, reference number. */
async function register(provider, { kind = counterApplicant, changes = cardHolder, language = 'en' } = {}) {
  const visitor = new Visitor({ language });
  const mail = await reachForm(visitor, provider, { tenant, kind });
  await fillForm(visitor, changes);
  await visitor.press('check');
  await expectPage(visitor, 'check');
  await visitor.press('submit');
  return { visitor, mail, reference: await receptionReference(visitor) };
}

async function approve(provider, reference, by = officer) {
  const desk = new Visitor();
  await signIn(desk, provider, by, tenant);
  await openApplication(desk, provider, reference, tenant);
  await decide(desk, 'approve');
  return desk;
}

/** The person behind an accepted registration, with a password set by the mail's URL. */
async function settled(provider, mail, count) {
  const { login_id, link } = settingMail(await provider.mail.wait(mail, count));
  const person = new Visitor({ language: 'en' });
  await person.visit(link);
  await setPasswords(person, { password: ownPassword });
  await expectPage(person, 'message');
  return { login_id, password: ownPassword, person };
}

onEachDatabase('residence', { tenants: [tenant], accounts: [] }, (at) => {
  const url = (path) => `${at.provider.issuer(tenant)}${path}`;
  before(async () => {
    await at.provider.createAccount([officer, secondOfficer], tenant);
    await at.provider.createAccount({
      login_id: 'RZ00000077', email: 'known@example.jp', password: 'Residence2024x', kind_of_user: counterApplicant,
      claims: { name: 'NGUYEN THI LAN', 'name#ja-Kana-JP': 'グエン ティ ラン', birthdate: '1990-04-02' },
    }, tenant);
    await at.provider.registerClient(clients.first, tenant);
  });

  it('R-HOME-1: the home page has language, notices, and for each kind of user a Login and a Register button', async () => {
    const visitor = new Visitor({ language: 'ja' });
    await visitor.visit(url('/'));
    await expectPage(visitor, 'home');
    assert.equal(await visitor.count('.door'), 2);
    const doors = visitor.document.querySelectorAll('.door').map((door) => door.querySelectorAll('a').map((a) => a.getAttribute('href')));
    for (const [login, registration] of doors) {
      assert.match(login, /\/login\?kind=/);
      assert.match(registration, /\/register\?kind=/);
    }
    assert.match(await visitor.text('.aside'), /システムの点検による停止/);
    assert.ok(await visitor.exists('.notices time[datetime="2026-04-01"]'));
    assert.ok(await visitor.exists('select[name=lang]'));
    await visitor.fill({ lang: 'en' });
    await visitor.press('switch_lang');
    assert.match(await visitor.text('.aside'), /Maintenance/);
    await visitor.visit(url('/login?kind=organization_staff'));
    assert.match(await visitor.text('.card'), /Staff member of an affiliated organization/);
    assert.match(await visitor.text('label[for=login_id]'), /User ID/);
  });

  it('R-HOME-1: a tenant without notices says so', async () => {
    await at.provider.applyTenant(tenant, async (files) => {
      const settings = await files.read('tenant.toml');
      const begin = settings.indexOf('[[home.notices]]');
      await files.write('tenant.toml', settings.slice(0, begin) + settings.slice(settings.indexOf('[[home.tiles]]')));
    });
    const visitor = new Visitor({ language: 'en' });
    await until('the page without notices', async () => {
      await visitor.visit(url('/notices'));
      return /There are no notices/.test(await visitor.text());
    });
    await expectPage(visitor, 'notices');
    await visitor.visit(url('/'));
    assert.match(await visitor.text('.aside'), /There are no notices/);
    await at.provider.applyTenant(tenant);
    await until('the notices again', async () => {
      await visitor.visit(url('/notices'));
      return /Maintenance/.test(await visitor.text());
    });
  });

  it('R-REG-1: who registers without having said as what is asked, and the choice decides on the form', async () => {
    const visitor = new Visitor({ language: 'en' });
    await visitor.visit(url('/register'));
    assert.deepEqual(await visitor.choices('kind'), [counterApplicant, 'organization_staff']);
    const mail = newAddress('undecided');
    await askForRegistration(visitor, mail);
    assert.equal(visitor.trail[0].status, 422, visitor.describe());
    assert.ok(await visitor.exists('#error-summary [data-code="register.kind_missing"]'));
    assert.equal(await visitor.value('mail'), mail, 'what was typed is kept');
    await visitor.fill({ kind: 'organization_staff' });
    await visitor.press('check');
    await expectPage(visitor, 'register-sent');
    await visitor.visit(await registrationLink(at.provider, mail));
    await agree(visitor);
    const fields = await visitor.fields();
    assert.ok(fields.includes('corporate_number') && !fields.includes('residence_card_number'), fields.join());
    await visitor.visit(url('/register?kind=nobody'));
    assert.deepEqual(await visitor.choices('kind'), [counterApplicant, 'organization_staff'], 'an unknown kind is asked for again');
  });

  it('R-PAGE-1: process and step, Required, errors at the top and “!” beside each item; Confirm goes on only without errors; Back and Back to Homepage', async () => {
    const visitor = new Visitor({ language: 'en' });
    await reachForm(visitor, at.provider, { tenant, kind: counterApplicant });
    assert.match(await visitor.text('.steps__process'), /New registration/);
    assert.match(await visitor.text('[aria-current=step]'), /Your details/);
    assert.equal(await visitor.attribute('#home', 'href'), new URL(url('/')).pathname);
    assert.ok((await visitor.count('.tag--required')) >= 8);
    await fillForm(visitor, { ...cardHolder, nationality: '', phone: '12' });
    await visitor.press('check');
    assert.equal(visitor.trail[0].status, 422);
    await expectPage(visitor, 'form');
    const marked = visitor.document.querySelectorAll('.field:has(.mark)').map((field) => field.querySelector('input').getAttribute('name'));
    assert.deepEqual(marked, ['nationality', 'phone']);
    assert.deepEqual(visitor.document.querySelectorAll('#error-summary [data-code]').map((item) => item.getAttribute('data-code')), ['required', 'phone.format']);
    assert.equal(await visitor.value('name_roman'), cardHolder.name_roman);
    await visitor.fill({ nationality: 'Mexico', phone: '03-1234-5678' });
    await visitor.press('check');
    await expectPage(visitor, 'check');
    await visitor.press('back');
    await expectPage(visitor, 'form');
    assert.equal(await visitor.count('.mark'), 0);
    for (const [path, step] of [['/forgot', 'Who you are'], ['/forgot/sent', 'Mail sent']]) {
      await visitor.visit(url(path));
      assert.match(await visitor.text('[aria-current=step]'), new RegExp(step), path);
      assert.ok(await visitor.exists('#home'), path);
    }
  });

  it('R-PAGE-2: what does not match the residence card marks all items, and the message does not say which', async () => {
    const visitor = new Visitor({ language: 'en' });
    await reachForm(visitor, at.provider, { tenant, kind: counterApplicant });
    await fillForm(visitor, { ...cardHolder, birth_date_day: '28' });
    await visitor.press('check');
    assert.equal(visitor.trail[0].status, 422);
    await expectPage(visitor, 'form');
    const items = visitor.document.querySelectorAll('#application .field:not(.field--fixed)');
    assert.ok(items.length >= 10);
    assert.ok(items.every((item) => item.querySelector('.mark')), 'every item carries “!”');
    assert.equal(await visitor.count('.field__error'), 0, 'none has words of its own');
    assert.equal(await visitor.count('#error-summary li'), 1);
    assert.equal(await visitor.attribute('#error-summary li', 'data-code'), 'verification.card-not-matched');
    assert.doesNotMatch(await visitor.text('#error-summary'), /birth|date of/i);
    assert.equal(await visitor.value('birth_date_day'), '28', 'what was typed is kept');
    const [{ n }] = await at.provider.database.rows('SELECT count(*) AS n FROM applications');
    await visitor.fill({ birth_date_day: '29' });
    await visitor.press('check');
    await expectPage(visitor, 'check');
    const [{ n: still }] = await at.provider.database.rows('SELECT count(*) AS n FROM applications');
    assert.equal(Number(still), Number(n), 'nothing was handed in so far');
    assert.ok(!at.provider.log.includes(cardHolder.residence_card_number), 'the log has no personal data');
    assert.match(at.provider.log, /verif/);
  });

  it('R-REG-1, R-LOGIN-1, R-MENU-1, R-MAIL-1: registered, approved, user ID by mail, password by URL, login, menu with disabled tiles', async () => {
    const { mail, reference } = await register(at.provider);
    await approve(at.provider, reference);
    const message = await at.provider.mail.wait(mail, 3);
    assert.match(message.from, /@residence\.example\.jp$/);
    assert.match(message.headers.get('content-type')?.value ?? 'text/plain', /text\/plain/);
    const { login_id: id, password } = await settled(at.provider, mail, 3);
    assert.match(id, /^RZ[0-9]{8}$/);
    const person = new Visitor({ language: 'en' });
    await person.visit(url(`/login?kind=${counterApplicant}`));
    assert.ok((await person.exists('#forgot')) && (await person.exists('a[href="https://www.residence.example.jp/"]')));
    await logIn(person, { login_id: id, password: 'not this one at all' });
    await expectPage(person, 'login');
    assert.equal(person.trail[0].status, 422);
    assert.equal(await person.attribute('#error-summary li', 'data-code'), 'login.failed_user_id');
    assert.equal(await person.value('login_id'), id);
    await logIn(person, { login_id: id.toLowerCase(), password });
    await expectPage(person, 'top');
    const closed = person.document.querySelectorAll('.tile--closed').map((tile) => tile.text.replace(/\s+/g, ' '));
    assert.equal(closed.length, 3, closed.join('|'));
    assert.ok(closed.every((text) => /Not available/.test(text)), 'not by colour alone');
    assert.equal(person.document.querySelectorAll('.tile--closed [aria-disabled="true"]').length, 3);
  });

  it('R-REG-1: another kind has its own pattern of user IDs and needs two reviewers', async () => {
    const { mail, reference } = await register(at.provider, {
      kind: 'organization_staff',
      changes: { employer_name: '株式会社見本', employer_postal_code: '100-0001', employer_prefecture: '東京都', employer_city: '千代田区', employer_street: '千代田1-1', name: '会社 一郎', name_kana: 'カイシャ イチロウ' },
    });
    await approve(at.provider, reference, officer);
    assert.equal(at.provider.mail.to(mail).length, 2, 'one of two has approved');
    await approve(at.provider, reference, secondOfficer);
    const { login_id: id } = await settled(at.provider, mail, 3);
    assert.match(id, /^SK[0-9]{8}$/);
  });

  it('R-REG-1: approved without a reviewer where the outside authority confirmed, and kept for one where somebody else may be the person', async () => {
    await at.provider.applyTenant(tenant, async (files) => {
      const settings = await files.read('tenant.toml');
      await files.write('tenant.toml', settings.replace('verify_applicant = true', 'verify_applicant = true\napproval = "automatic_when_verified"'));
    });
    try {
      const wang = { ...cardHolder, name_roman: 'WANG XIAOMING', name_kana: '', birth_date_year: '1995', birth_date_month: '1', birth_date_day: '30', residence_card_number: 'EF34567890GH' };
      const first = await register(at.provider, { changes: wang });
      settingMail(await at.provider.mail.wait(first.mail, 3));
      const desk = new Visitor({ language: 'en' });
      await signIn(desk, at.provider, officer, tenant);
      await desk.visit(url('/desk?state=approved'));
      await desk.click(`[data-reference="${first.reference}"] a`);
      assert.match(await desk.text(), /by the outside check/);
      const second = await register(at.provider, { changes: wang });
      const [{ state }] = await at.provider.database.rows(`SELECT state FROM applications WHERE reference = '${second.reference}'`);
      assert.equal(state, 'submitted', 'the same person a second time is for a reviewer');
    } finally {
      await at.provider.applyTenant(tenant);
    }
  });

  it('R-REG-1: many approvals at once give each person another user ID', async () => {
    const registered = [];
    for (let n = 0; n < 4; n += 1) registered.push(await register(at.provider));
    const desks = await Promise.all(registered.map(async ({ reference }) => {
      const desk = new Visitor();
      await signIn(desk, at.provider, officer, tenant);
      return openApplication(desk, at.provider, reference, tenant);
    }));
    await Promise.all(desks.map((desk) => decide(desk, 'approve')));
    const ids = await Promise.all(registered.map(async ({ mail }) => settingMail(await at.provider.mail.wait(mail, 3)).login_id));
    assert.equal(new Set(ids).size, 4);
    const [{ n }] = await at.provider.database.rows("SELECT count(*) AS n FROM user_ids WHERE pattern = 'RZ00000000'");
    assert.ok(Number(n) >= 4);
  });

  it('R-REG-1: when every user ID of the pattern is given out, the reviewer is told, and nothing is half done; a free one is found among many', async () => {
    await at.provider.applyTenant(tenant, async (files) => {
      const settings = await files.read('tenant.toml');
      await files.write('tenant.toml', settings.replace('user_id_pattern = "RZ00000000"', 'user_id_pattern = "AB000000"'));
    });
    try {
      await at.provider.database.execute(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 999999) INSERT INTO user_ids (tenant, pattern, number, given_at) SELECT '${tenant}', 'AB000000', i, 0 FROM n`);
      const { mail, reference } = await register(at.provider);
      const desk = await approve(at.provider, reference);
      assert.equal(desk.status, 409, desk.describe());
      assert.equal(await desk.attribute('#error-summary li', 'data-code'), 'decision_no_user_ids');
      const [{ state }] = await at.provider.database.rows(`SELECT state FROM applications WHERE reference = '${reference}'`);
      assert.equal(state, 'submitted');
      await at.provider.database.execute("DELETE FROM user_ids WHERE pattern = 'AB000000' AND number = 4711");
      await approve(at.provider, reference);
      const message = await at.provider.mail.wait(mail, 3);
      assert.match(message.text, /AB004711/);
    } finally {
      await at.provider.applyTenant(tenant);
    }
  });

  it('R-FORGOT-1: user ID and address, the same answer for unknown ones, a mail with a URL, a new password', async () => {
    const ask = async (login_id, mail) => {
      const visitor = new Visitor({ language: 'en' });
      await visitor.visit(url('/forgot'));
      await visitor.fill({ login_id, mail });
      await visitor.press('send');
      await expectPage(visitor, 'forgot-sent');
      assert.match(await visitor.text('h1'), /User information confirmation complete/);
      assert.ok(await visitor.exists('#login'), 'back to the login page');
      return visitor;
    };
    const known = await ask('RZ00000077', 'known@example.jp');
    const unknown = await ask('RZ00000078', 'known@example.jp');
    const other = await ask('RZ00000077', 'other@example.jp');
    const plain = (visitor) => visitor.answer.text.replace(/name="csrf" value="[^"]*"/g, '');
    assert.equal(plain(known), plain(unknown));
    assert.equal(plain(known), plain(other));
    const message = await at.provider.mail.wait('known@example.jp', 1);
    await known.visit(message.links.find((link) => link.includes('/forgot/link/')));
    await expectPage(known, 'forgot-reset');
    await known.fill({ password: 'Hakone-onsen-2025', password_confirm: 'Hakone-onsen-2025' });
    await known.press('set');
    await expectPage(known, 'message');
    const person = new Visitor();
    await signIn(person, at.provider, { login_id: 'RZ00000077', password: 'Hakone-onsen-2025' }, tenant);
    await expectPage(person, 'top');
    assert.equal(at.provider.mail.to('other@example.jp').length, 0);
  });

  it('R-LOGIN-2: failures lock until the counter unlocks; what was checked is recorded; the user ID is told only after that', async () => {
    const mail = newAddress('locked');
    await at.provider.createAccount({
      login_id: 'RZ00000088', email: mail, password: 'Residence2024x', kind_of_user: counterApplicant,
      claims: { name: 'PARK MINJUN', 'name#ja-Kana-JP': 'パク ミンジュン', birthdate: '1993-05-06' },
    }, tenant);
    const person = new Visitor({ language: 'en' });
    await person.visit(url('/login'));
    for (let n = 0; n < 10; n += 1) await logIn(person, { login_id: 'RZ00000088', password: 'wrong wrong wrong' });
    await logIn(person, { login_id: 'RZ00000088', password: 'Residence2024x' });
    await expectPage(person, 'login');
    const told = await at.provider.mail.wait(mail, 1);
    assert.match(told.text, /ログイン|log/i);

    const clerk = new Visitor({ language: 'en' });
    await signIn(clerk, at.provider, officer, tenant);
    const find = async (q, birth_date = '') => {
      await clerk.visit(url('/counter'));
      await expectPage(clerk, 'counter');
      await clerk.visit(url(`/counter?${new URLSearchParams({ q, birth_date })}`));
    };
    for (const [q, birth] of [['park minjun'], ['パク'], ['ぱく みんじゅん'], ['RZ00000088'], ['ｒｚ００００００８８'], [mail], ['', '1993/5/6'], ['park', '平成5年5月6日']]) {
      await find(q, birth);
      assert.equal(await clerk.count('.counter-people__item'), 1, `${q} ${birth}`);
      assert.doesNotMatch(clerk.answer.text, q === 'RZ00000088' ? /$^/ : />[^<]*RZ00000088/, 'the list tells no user ID');
    }
    await find('nobody at all');
    assert.match(await clerk.text(), /Nobody was found/);
    await find('', '1993-13-01');
    assert.equal(clerk.status, 422);
    await find('park minjun', '1990-01-01');
    assert.equal(await clerk.count('.counter-people__item'), 0, 'both must fit');
    await find('park');
    await clerk.click('.counter-people__in');
    await expectPage(clerk, 'counter-person');
    assert.match(await clerk.text('#standing'), /Locked/);
    assert.doesNotMatch(await clerk.text(), /RZ00000088/);
    assert.ok(!clerk.answer.text.includes(mail), 'the address is hidden');

    await clerk.press('unlock');
    assert.equal(clerk.trail[0].status, 422, 'nothing without saying what was checked');
    await clerk.fill({ document: 'other' });
    await clerk.press('unlock');
    assert.equal(await clerk.attribute('#error-summary li', 'data-code'), 'counter_note_missing');
    await clerk.fill({ document: 'residence_card', note: '電話番号も確認' });
    await clerk.press('unlock');
    assert.equal(clerk.trail[0].status, 303);
    assert.match(await clerk.text('#done'), /unlocked/);
    await clerk.fill({ document: 'passport' });
    await clerk.press('tell');
    assert.equal(await clerk.text('#user_id'), 'RZ00000088');

    await logIn(person, { login_id: 'RZ00000088', password: 'Residence2024x' });
    await expectPage(person, 'top');
    await at.provider.mail.wait(mail, 3);
    const rows = await at.provider.database.rows("SELECT action, actor, detail FROM audit WHERE action IN ('account_unlocked', 'user_id_told') ORDER BY seq");
    const details = rows.map(({ action, detail }) => [action, typeof detail === 'string' ? JSON.parse(detail) : detail]);
    assert.deepEqual(details.slice(-2), [
      ['account_unlocked', { checked: 'residence_card', lifted: true, note: '電話番号も確認' }],
      ['user_id_told', { checked: 'passport', note: '' }],
    ]);
    assert.ok(rows.every(({ actor }) => actor), 'who did it stands there');
    // another clerk did not record anything, so is told nothing
    const other = new Visitor({ language: 'en' });
    await signIn(other, at.provider, secondOfficer, tenant);
    await other.visit(await clerk.url());
    assert.equal(await other.exists('#user_id'), false);
  });

  it('R-LOGIN-2: nobody serves themself or staff, and nobody else comes to the counter', async () => {
    const clerk = new Visitor({ language: 'en' });
    await signIn(clerk, at.provider, officer, tenant);
    for (const [q, code] of [[officer.email, /yourself/], [secondOfficer.email, /staff account/]]) {
      await clerk.visit(url(`/counter?${new URLSearchParams({ q })}`));
      await clerk.click('.counter-people__in');
      assert.match(await clerk.text('#refused'), code);
      assert.equal(await clerk.exists('#unlock'), false);
    }
    await clerk.visit(url('/counter?q=nguyen'));
    await clerk.click('.counter-people__in');
    const sent = clerk.submission('tell', { document: 'passport' });
    const own = await at.provider.database.rows(`SELECT id FROM accounts WHERE email = '${officer.email}'`);
    const target = new URL(sent.url);
    target.pathname = target.pathname.replace(/acc_[^/?]+/, own[0].id);
    const answer = await clerk.send(target.href, { ...sent, headers: { ...sent.headers, origin: at.provider.origin } });
    assert.equal(answer.status, 403, answer.text.slice(0, 300));
    assert.match(answer.text, /counter_own_account/);
    const applicant = new Visitor();
    await signIn(applicant, at.provider, { login_id: 'RZ00000088', password: 'Residence2024x' }, tenant);
    await applicant.visit(url('/counter'));
    assert.equal(applicant.status, 403);
    const nobody = new Visitor();
    await nobody.visit(url('/counter'));
    await expectPage(nobody, 'login');
  });

  it('R-MENU-1: relying parties are told the kind of user and the functions that it may use', async () => {
    const person = new Visitor();
    await signIn(person, at.provider, { login_id: 'RZ00000088', password: 'Residence2024x' }, tenant);
    const granted = await code(person, at.provider, clients.first, { scope: 'openid entitlements' }, { tenant });
    const { json: answer } = await redeem(at.provider, clients.first, granted, {}, { tenant });
    const { json } = await userinfo(at.provider, answer.access_token, tenant);
    assert.equal(json.kind_of_user, counterApplicant);
    assert.deepEqual(json.entitlements, ['certificate', 'user_information']);
  });

  it('addresses are found by prefecture without a script, and as JSON for it', async () => {
    const visitor = new Visitor({ language: 'en' });
    await reachForm(visitor, at.provider, { tenant, kind: counterApplicant });
    await visitor.press('search_city');
    assert.match(await visitor.text('[data-city] [data-result]'), /Choose the prefecture first/);
    await visitor.fill({ prefecture: '沖縄県' });
    await visitor.press('search_city');
    await expectPage(visitor, 'form');
    const cities = await visitor.choices('city_choice');
    assert.ok(cities.includes('那覇市') && cities.some((city) => city.includes('与那国町')), cities.join());
    assert.ok(!cities.some((city) => city.includes('札幌')));
    await visitor.fill({ city_choice: '那覇市' });
    await visitor.press('save');
    assert.equal(await visitor.value('city'), '那覇市');
    const csrf = await visitor.attribute('#application [name=csrf]', 'value');
    const answer = await visitor.send(url('/register/municipalities'), {
      method: 'POST', body: new URLSearchParams({ csrf, prefecture: '沖縄県' }).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded', origin: at.provider.origin },
    });
    assert.ok(JSON.parse(answer.text).places.some(({ city, label }) => city === '那覇市' && /Naha/.test(label)));
  });

  it('R-ERR-1: every message stands in a list, in each language', async () => {
    const codes = {};
    for (const language of ['ja', 'en']) {
      const visitor = new Visitor({ language });
      await visitor.visit(url('/messages'));
      await expectPage(visitor, 'messages');
      codes[language] = visitor.document.querySelectorAll('tr[data-code]').map((row) => row.getAttribute('data-code'));
      assert.ok(codes[language].length > 80);
      for (const code of ['required', 'login.failed_user_id', 'verification.card-not-matched', 'counter_note_missing', 'register.kind_missing']) {
        assert.ok(codes[language].includes(code), code);
      }
      assert.doesNotMatch(await visitor.text('main'), /%\{/);
    }
    assert.deepEqual(codes.ja, codes.en);
  });
});

for (const kind of databases) {
  describe(`R-PAGE-2: a verifier over HTTP (${kind})`, () => {
    let provider;
    let service;
    let answer = { status: 200, body: { result: 'verified' } };
    const asked = [];
    before(async () => {
      service = http.createServer((request, response) => {
        let body = '';
        request.on('data', (chunk) => { body += chunk; });
        request.on('end', () => {
          asked.push({ authorization: request.headers.authorization, body: JSON.parse(body) });
          if (answer.hang) return;
          response.writeHead(answer.status, { 'content-type': 'application/json' });
          response.end(JSON.stringify(answer.body));
        });
      });
      await new Promise((resolve) => service.listen(0, '127.0.0.1', resolve));
      provider = await Provider.prepare({
        database: kind,
        tenants: [tenant],
        settings: { verifiers: { residence: { csv: undefined, url: `http://127.0.0.1:${service.address().port}/verify`, fields: ['residence_card_number', 'birth_date_year'], timeout: '2s' } } },
        env: { MADOGUCHI_VERIFIERS__RESIDENCE__SECRET: 'very-secret-token' },
      });
      await provider.start();
    }, { timeout: 120_000 });
    after(async () => {
      await provider?.end();
      service?.closeAllConnections();
      service?.close();
    });

    it('asks with the secret and only what it is to be told; a mismatch marks all; down or slow keeps everything and says when to come again', async () => {
      const visitor = new Visitor({ language: 'en' });
      await reachForm(visitor, provider, { tenant, kind: counterApplicant });
      answer = { status: 200, body: { result: 'not_matched', code: 'card-not-matched' } };
      await fillForm(visitor, cardHolder);
      await visitor.press('check');
      assert.equal(visitor.trail[0].status, 422);
      assert.equal(await visitor.attribute('#error-summary li', 'data-code'), 'verification.card-not-matched');
      assert.deepEqual(asked[0], { authorization: 'Bearer very-secret-token', body: { tenant, answers: { birth_date_year: '1992', residence_card_number: 'AB12345678CD' } } });
      for (const down of [{ status: 500, body: {} }, { status: 200, body: { result: 'perhaps' } }, { hang: true }]) {
        answer = down;
        await visitor.press('check');
        assert.equal(visitor.status, 503, JSON.stringify(down));
        assert.ok(Number(visitor.answer.headers['retry-after']) > 0);
        await expectPage(visitor, 'form');
        assert.equal(await visitor.attribute('#error-summary li', 'data-code'), 'verification.unavailable');
        assert.equal(await visitor.count('.field .mark'), 0, 'no item is wrong');
        assert.equal(await visitor.value('residence_card_number'), 'AB12345678CD', 'nothing typed is lost');
      }
      answer = { status: 200, body: { result: 'verified' } };
      await visitor.press('check');
      await expectPage(visitor, 'check');
      await visitor.press('submit');
      await receptionReference(visitor);
      assert.ok(!provider.log.includes('AB12345678CD') && !provider.log.includes('very-secret-token'));
      const metrics = await new Visitor().send(`http://127.0.0.1:${provider.managementPort}/metrics`);
      for (const result of ['verified', 'not_matched', 'unavailable']) assert.match(metrics.text, new RegExp(`applicant_verifications_total\\{[^}]*result="${result}"`));
    });
  });
}

describe('residence by the command line', () => {
  it('check names the tenant whose applicants nobody verifies, and a verifier that cannot be', async () => {
    const provider = await Provider.prepare({ database: 'sqlite', tenants: [], settings: { verifiers: { residence: { csv: '/nowhere/cards.csv' } } } });
    try {
      const { root } = await import('../support/provider.js');
      const wrong = await provider.cli(['check', `${root}/tenants/residence`]);
      assert.notEqual(wrong.code, 0);
      assert.match(wrong.stderr, /verifiers: residence\.csv: \/nowhere\/cards\.csv/);
      const missing = await provider.cli(['check', `${root}/tenants/certificate`]);
      assert.doesNotMatch(missing.stderr, /certificate.*verifiers/);
    } finally {
      await provider.end();
    }
  });
});
