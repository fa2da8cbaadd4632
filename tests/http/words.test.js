// What people are told: where staff help, what stands in a mail, one name for one thing, the step that one is at.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { before, it } from 'node:test';
import {
  agree, askForRegistration, decide, expectPage, fillForm, logIn, openApplication, reachForm, receptionReference, registrationLink,
  setPasswords, settingMail, signIn,
} from '../support/journey.js';
import { cardHolder, clerk, graduate, newAddress, officer } from '../support/people.js';
import { onEachDatabase } from '../support/suite.js';
import { Visitor } from '../support/visitor.js';

const tenant = 'residence';
const kind = 'counter_applicant';
const say = (language, ja, en) => (language === 'ja' ? ja : en);
/** The tenant's own sentence about its counter. */
const counter = (language) => say(language, /本人確認書類を持って、お近くの窓口へお越しください。/, /Come to the counter of the nearest office with your residence card/);

onEachDatabase('words of a counter', { tenants: [tenant] }, (at) => {
  const url = (path) => `${at.provider.issuer(tenant)}${path}`;
  // each database speaks one language, so that both are seen at the cost of one
  const language = at.kind === 'sqlite' ? 'ja' : 'en';
  const visitor = () => new Visitor({ language });
  before(async () => {
    await at.provider.createAccount([officer], tenant);
  });
  let number = 0;
  const somebody = async () => {
    number += 1;
    const person = { login_id: `RZ000001${String(number).padStart(2, '0')}`, password: 'Residence2024x', email: newAddress('words') };
    await at.provider.createAccount({ ...person, kind_of_user: kind, claims: { name: 'PARK MINJUN', birthdate: '1993-05-06' }, locale: language }, tenant);
    return person;
  };
  const lock = async (person) => {
    const locked = visitor();
    await locked.visit(url('/login'));
    for (let n = 0; n < 10; n += 1) await logIn(locked, { login_id: person.login_id, password: 'wrong wrong wrong' });
  };
  const reset = async (person, password) => {
    const had = at.provider.mail.to(person.email).length;
    const recovering = visitor();
    await recovering.visit(url('/forgot'));
    await recovering.fill({ login_id: person.login_id, mail: person.email });
    await recovering.press('send');
    const { links } = await at.provider.mail.wait(person.email, had + 1);
    await recovering.visit(links.find((one) => one.includes('/forgot/link/')));
    await recovering.fill({ password, password_confirm: password });
    await recovering.press('set');
    await expectPage(recovering, 'message');
    return recovering;
  };

  it('R-LOGIN-2: the login page and the page of forgotten passwords send whoever is locked out, or has no user ID, to the counter', async () => {
    for (const path of ['/login', `/login?kind=${kind}`, '/forgot']) {
      const page = visitor();
      await page.visit(url(path));
      const note = await page.text('#staff_help');
      assert.match(note, counter(language), path);
      assert.match(note, say(language, /ユーザーIDを忘れた方、アカウントがロックされた方/, /forgotten your user ID or your account is locked/), path);
    }
  });

  it('R-LOGIN-2: the mail about a lock, and new passwords that do not lift it, say so and send to the counter', async () => {
    const person = await somebody();
    await lock(person);
    const told = await at.provider.mail.wait(person.email, 1);
    assert.match(told.text.replace(/\s+/g, language === 'ja' ? '' : ' '), counter(language));
    assert.doesNotMatch(told.text, /To open it again|停止を解く/);
    const done = await reset(person, 'Hakone-onsen-2025');
    assert.match(await done.text('main'), counter(language));
    assert.match(await done.text('main'), say(language, /ロックされたまま/, /is locked/));
    assert.doesNotMatch(await done.text('main'), say(language, /新しいパスワードでログインしてください/, /Log in with it now/));
    // and it is true
    const locked = visitor();
    await locked.visit(url('/login'));
    await logIn(locked, { login_id: person.login_id, password: 'Hakone-onsen-2025' });
    await expectPage(locked, 'login');
    await at.provider.must(['account', 'unlock', '--tenant', tenant, person.login_id]);
    await done.visit(url('/forgot/done'));
    assert.match(await done.text('main'), say(language, /新しいパスワードでログインしてください/, /Log in with it now/));
    assert.doesNotMatch(await done.text('main'), counter(language));
  });

  it('R-FORGOT-1: new passwords of an account that is not locked say nothing of a lock', async () => {
    const done = await reset(await somebody(), 'Hakone-onsen-2026');
    assert.match(await done.text('main'), say(language, /新しいパスワードでログインしてください/, /Log in with it now/));
    assert.doesNotMatch(await done.text('main'), counter(language));
  });

  it('R-REG-1: the reception page promises what comes: a URL to set the password, no initial password; and the mail names the user ID as the login page does', async () => {
    const person = visitor();
    const mail = await reachForm(person, at.provider, { tenant, kind });
    // the tenant's label, where it has one
    await fillForm(person, { ...cardHolder, phone: '', name_roman: '', nationality: '' });
    await person.press('check');
    const said = await person.text('#error-summary');
    assert.match(said, say(language, /連絡先の電話番号を入力/, /Contact number/));
    assert.match(said, say(language, /氏名（ローマ字）を入力/, /Name in Latin letters/));
    assert.doesNotMatch(said, /your phone number/);
    // where the tenant has none, the field's own sentence
    assert.match(said, say(language, /国籍・地域/, /Enter your nationality or region\./));
    // R-ERR-1: the stable codes, once each, lead to the list
    const codes = person.document.querySelectorAll('.summary__codes a').map((a) => [a.text.replace(/[\s(（].*$/, ''), a.getAttribute('href')]);
    assert.deepEqual(codes, [['required', `${new URL(url('/messages')).pathname}#required`]]);
    const list = visitor();
    await list.visit(url('/messages'));
    assert.ok(await list.exists('tr[data-code="required"] [id="required"]'));
    await fillForm(person, cardHolder);
    await person.press('check');
    await person.press('submit');
    const reference = await receptionReference(person);
    const next = await person.text('.what-next');
    assert.match(next, say(language, /URLでパスワードを設定/, /set your password at the URL/));
    assert.doesNotMatch(next, /初期パスワード|initial password/);

    const desk = visitor();
    await signIn(desk, at.provider, officer, tenant);
    await openApplication(desk, at.provider, reference, tenant);
    await decide(desk, 'approve');
    const message = await at.provider.mail.wait(mail, 3);
    assert.match(message.text, say(language, /ユーザーID/, /User ID:/));
    assert.doesNotMatch(message.text, /ログインID|Login ID/);
    const { login_id: id, link } = settingMail(message);

    // no initial password on the page of the URL; its message is said once
    await person.visit(link);
    await expectPage(person, 'password-setting');
    assert.doesNotMatch(await person.text('main .page__head'), /初期パスワード|initial password/);
    await setPasswords(person, { password: 'Kawaguchi-mizuumi-88' });
    await expectPage(person, 'message');
    await person.visit(url('/password-setting/done'));
    await expectPage(person, 'top');

    // one name for one thing on the account page, and the mark beside what was verified
    await person.visit(url('/account'));
    const rows = Object.fromEntries(person.document.querySelectorAll('.rows__row').map((row) => [row.querySelector('dt').text.trim(), row.querySelector('dd')]));
    assert.equal(rows[say(language, 'ユーザーID', 'User ID')]?.text.trim(), id);
    const verified = Object.keys(rows).filter((label) => rows[label].querySelector('[data-verified] time[datetime]'));
    assert.deepEqual(verified, say(language, ['氏名（カタカナ）', '氏名（ローマ字）', '生年月日'], ['Name in katakana', 'Name in Latin letters', 'Date of birth']), Object.keys(rows).join('|'));
    assert.match(rows[verified[0]].text, say(language, /確認済み/, /Verified/));
    const word = say(language, '利用者情報の変更', 'Change user information');
    const ways = person.document.querySelectorAll('#main a[href$="/account/profile"], #menu a[href$="/account/profile"]').map((a) => a.text.trim());
    assert.deepEqual(ways, [word, word]);
    await person.click('#main a[href$="/account/profile"]');
    assert.equal(await person.text('h1'), word);
  });

  it('R-PAGE-1: every page that changes something of the account shows process, step and the way home', async () => {
    const person = visitor();
    const somebodyElse = await somebody();
    await signIn(person, at.provider, somebodyElse, tenant);
    for (const [path, process, now] of [
      ['/account/password', say(language, 'パスワードの変更', 'Change password'), '1'],
      ['/account/mail', say(language, 'メールアドレスの変更', 'Change mail address'), '1'],
      ['/account/mail/sent', say(language, 'メールアドレスの変更', 'Change mail address'), '2'],
      ['/account/profile', say(language, '利用者情報の変更', 'Change of user information'), '1'],
    ]) {
      await person.visit(url(path));
      assert.equal((await person.text('.steps__process')).trim(), process, path);
      assert.equal((await person.text('[aria-current=step] .steps__number')).trim(), now, path);
      assert.equal(await person.attribute('#home', 'href'), new URL(url('/')).pathname, path);
    }
    // to the end of one
    await person.visit(url('/account/password'));
    await person.fill({ current: somebodyElse.password, password: 'Kamakura-daibutsu-7', password_confirm: 'Kamakura-daibutsu-7' });
    await person.press('change');
    await expectPage(person, 'message');
    assert.equal((await person.text('[aria-current=step] .steps__number')).trim(), '2');
    assert.ok(await person.exists('#home'));
  });

  it('R-PAGE-3: without scripts, going back shows the page as it is now and logs nobody out; the old page’s form, when it is sent, does', async () => {
    const person = visitor();
    const one = await somebody();
    await signIn(person, at.provider, one, tenant);
    await person.visit(url('/account/profile'));
    const old = person.answer;
    await person.fill({ phone: '03-1234-5678' });
    await person.press('check');
    await expectPage(person, 'message');
    // Back asks for the page before: a visitor without scripts cannot be told from one who follows a link
    await person.visit(url('/account/profile'));
    await expectPage(person, 'form');
    assert.ok(await person.exists('#menu'), 'still logged in');
    // a browser that kept the page shows it as it was; its form is a step that is over
    person.show(old);
    await person.fill({ phone: '03-1234-5679' });
    await person.press('check');
    assert.equal(person.status, 409, person.describe());
    await expectPage(person, 'invalid-operation');
    assert.match(await person.text('main'), say(language, /ログアウト/, /logged out/));
    await person.visit(url('/account'));
    await expectPage(person, 'login');
  });

  it('R-REG-1: a corporate number is thirteen digits, in any width; the message says how many', async () => {
    const person = visitor();
    await reachForm(person, at.provider, { tenant, kind: 'organization_staff' });
    const staff = {
      employer_name: '株式会社見本', employer_postal_code: '100-0001', employer_prefecture: '東京都', employer_city: '千代田区', employer_street: '千代田1-1',
      name: '会社 一郎', name_kana: 'カイシャ イチロウ', corporate_number: '123456789012',
    };
    await fillForm(person, staff);
    await person.press('check');
    await expectPage(person, 'form');
    assert.equal(await person.attribute('#error-summary li', 'data-code'), 'digits');
    assert.match(await person.text('#error-summary'), say(language, /法人番号を13桁の数字で/, /Corporate number: enter 13 digits/));
    await person.fill({ corporate_number: '１２３４５６７８９０１２３' });
    await person.press('check');
    await expectPage(person, 'check');
    assert.match(await person.text('main'), /1234567890123/);
  });

  it('R-PAGE-5: check warns of a session that ends before thirty minutes, and refuses nothing', async () => {
    const folder = await at.provider.applyTenant(tenant);
    const fine = await at.provider.cli(['check', folder]);
    assert.equal(fine.code, 0, fine.stderr);
    assert.doesNotMatch(fine.stdout, /warning/);
    const file = path.join(folder, 'tenant.toml');
    await writeFile(file, (await readFile(file, 'utf8')).replace('idle = "30m"', 'idle = "29m"'));
    const warned = await at.provider.cli(['check', folder]);
    assert.equal(warned.code, 0, warned.stderr);
    assert.match(warned.stdout, /^warning .*tenant\.toml: session\.idle is 29 minutes/m);
  });

  it('a tenant that names no counter sends people to its help desk', async () => {
    await at.provider.applyTenant(tenant, async (files) => {
      const settings = await files.read('tenant.toml');
      assert.match(settings, /^counter = /m);
      await files.write('tenant.toml', settings.replace(/^counter = .*\n/m, ''));
    });
    const page = visitor();
    await page.visit(url('/login'));
    assert.match(await page.text('#staff_help'), say(language, /この画面の下にあるお問い合わせ先へ/, /help desk at the foot of this page/));
    await at.provider.applyTenant(tenant);
  });
});

onEachDatabase('words of a university', { accounts: [clerk, graduate] }, (at) => {
  const url = (path) => `${at.provider.issuer()}${path}`;

  it('a lock that ends by itself needs no counter, and who logs in with a mail address has no user ID', async () => {
    for (const path of ['/login', '/forgot']) {
      const page = new Visitor();
      await page.visit(url(path));
      assert.ok(!(await page.exists('#staff_help')), path);
    }
  });

  it('C-MENU-1, R-PAGE-1: another student ID number, another second password: process, step and the way home; the account page names one address', async () => {
    const person = new Visitor({ language: 'en' });
    await signIn(person, at.provider, graduate);
    for (const [path, process] of [['/account/student-id', 'Additional student ID number'], ['/account/second-password', 'Change second password']]) {
      await person.visit(url(path));
      assert.equal((await person.text('.steps__process')).trim(), process, path);
      assert.ok(await person.exists('#home'), path);
    }
    await person.visit(url('/account/student-id'));
    await person.press('send');
    await expectPage(person, 'message');
    assert.equal((await person.text('[aria-current=step] .steps__number')).trim(), '2');
    await person.visit(url('/account'));
    assert.doesNotMatch(await person.text('main'), /Login ID|User ID/);
    await person.visit(url('/password-setting/done'));
    await expectPage(person, 'top', 'no passwords were set');
  });

  it('C-RESULT-1, C-REG-10: the reception page promises the initial password that comes, and the mail says which address to log in with', async () => {
    const person = new Visitor({ language: 'en' });
    const mail = newAddress('initial');
    await person.visit(url('/register'));
    await askForRegistration(person, mail);
    await person.visit(await registrationLink(at.provider, mail));
    await agree(person);
    await fillForm(person);
    await person.press('check');
    await person.press('submit');
    const reference = await receptionReference(person);
    assert.match(await person.text('.what-next'), /initial password/);
    const desk = new Visitor();
    await signIn(desk, at.provider, clerk);
    await openApplication(desk, at.provider, reference);
    await decide(desk, 'approve');
    const message = await at.provider.mail.wait(mail, 3);
    assert.match(message.text, /Mail address to log in with:\r?\n/);
    assert.ok(message.text.includes(mail));
  });
});
