// The residence system in real Chromium, as its manual shows it: home page, registration that first does not match the
// residence card, approval, mail, password by URL, login, menu, the menu app and back, lockout and the counter, a
// forgotten password.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ChromiumVisitor, browserForThisFile } from '../support/chromium.js';
import { databases } from '../support/database.js';
import { freePort, request, until } from '../support/http.js';
import {
  agree, askForRegistration, confirmMessage, decide, expectPage, fillForm, logIn, openApplication, receptionReference, registrationLink, setPasswords,
  settingMail, signIn,
} from '../support/journey.js';
import { cardHolder, newAddress, officer, secondOfficer } from '../support/people.js';
import { codesAreListed, errorsAtTheTop, hasBack, markedItems, requiredItems, showsStep } from '../support/process-page.js';
import { inBothLanguages, ways } from '../support/suite.js';
import { Provider, program } from '../support/provider.js';

browserForThisFile();

const tenant = 'residence';
const secret = 'menu-app-secret-of-the-tests';

/** The example app as a program of its own. */
async function startApp(issuer, port) {
  const child = spawn(path.join(path.dirname(program), 'residence-app'), [], {
    env: { ...process.env, ISSUER: issuer, CLIENT_ID: 'menu-app', CLIENT_SECRET: secret, PUBLIC_URL: `http://127.0.0.1:${port}`, LISTEN: `127.0.0.1:${port}` },
    stdio: 'ignore',
  });
  await until('the app to answer', async () => (await request(`http://127.0.0.1:${port}/`, { timeout: 1_000 })).status === 200, { timeout: 20_000 });
  return child;
}

for (const kind of databases) {
  describe(`residence in Chromium (${kind})`, () => {
    let provider;
    let app;
    let menu;
    const url = (where) => `${provider.issuer(tenant)}${where}`;
    before(async () => {
      provider = await Provider.prepare({ database: kind, tenants: [tenant] });
      await provider.createAccount([officer, secondOfficer], tenant);
      const port = await freePort();
      menu = `http://127.0.0.1:${port}`;
      await provider.registerClient({
        client_id: 'menu-app', client_secret: secret, client_name: 'Residence menu', 'client_name#ja': '在留メニュー', first_party: true,
        redirect_uris: [`${menu}/callback`], post_logout_redirect_uris: [`${menu}/logged-out`], initiate_login_uri: `${menu}/login`, client_uri: `${menu}/`,
        application_type: 'native',
      }, tenant);
      await provider.start();
      app = await startApp(provider.issuer(tenant), port);
    }, { timeout: 120_000 });
    after(async () => {
      app?.kill();
      await provider?.end();
    });

    for (const [language, javascript] of ways(kind)) {
      it(`R-HOME-1, R-PAGE-1, R-PAGE-2, R-REG-1, R-LOGIN-1, R-LOGIN-2, R-MENU-1, R-FORGOT-1, R-MAIL-1: ${language}, JavaScript ${javascript ? 'on' : 'off'}: from the home page to the menu app, the counter and a new password`, { timeout: 300_000 }, async () => {
        const mail = newAddress(`${language}${javascript ? 'js' : 'nojs'}`);
        const person = await ChromiumVisitor.open({ language: language === 'ja' ? 'en' : 'ja', javascript });
        const desk = await ChromiumVisitor.open({ language, javascript });
        const inLanguage = async () => assert.equal(await person.attribute('html', 'lang'), language, await person.describe());
        const say = (ja, en) => (language === 'ja' ? ja : en);
        const step = (now, name, all = 5, process = say('利用登録', 'New registration')) => showsStep(person, language, { process, step: name, now, all });
        try {
          // the home page: language, notices, the doors of each kind of user
          await person.visit(url('/'));
          await expectPage(person, 'home');
          await person.fill({ lang: language });
          if ((await person.attribute('html', 'lang')) !== language) await person.press('switch_lang');
          await inLanguage();
          assert.match(await person.text('.aside'), say(/点検/, /Maintenance/));
          assert.equal(await person.count('.door'), 2);
          await person.click('.door:first-child a[href*="/register?kind=counter_applicant"]');

          // mail address, terms
          await expectPage(person, 'register');
          assert.match(await person.text('.kind'), say(/窓口で申請/, /office counter/));
          await step(1, say('メール', 'Mail address'));
          await hasBack(person, language);
          assert.deepEqual(await requiredItems(person, language), ['mail', 'mail_confirm']);
          await person.press('check');
          await expectPage(person, 'register', 'no way on while something is wrong');
          await errorsAtTheTop(person);
          assert.deepEqual(await markedItems(person), ['mail', 'mail_confirm']);
          await askForRegistration(person, mail);
          await step(1, say('メール', 'Mail address'));
          await person.visit(await registrationLink(provider, mail));
          await step(2, say('規約', 'Terms'));
          await agree(person);
          await expectPage(person, 'form');
          await inLanguage();
          await step(3, say('入力', 'Your details'));
          await hasBack(person, language);

          // nothing filled in: what is required, and nothing else, carries “!”
          const required = await requiredItems(person, language);
          assert.ok(required.includes('residence_card_number') && !required.includes('building'), required.join());
          await person.press('check');
          await expectPage(person, 'form', 'no way on while something is wrong');
          await errorsAtTheTop(person);
          assert.deepEqual(await markedItems(person), required);

          // user information: the city is searched for; first nothing matches the card
          await fillForm(person, { ...cardHolder, postal_code: '900-0001', prefecture: '沖縄県', city: '', birth_date_year: '1996' });
          if (javascript) {
            await person.view.locator('#search_city').click();
            await person.view.locator('[data-city] select').selectOption('那覇市');
          } else {
            await person.press('search_city');
            await person.fill({ city_choice: '那覇市' });
            await person.click('button[name=save][value=city]');
          }
          assert.equal(await person.value('city'), '那覇市');
          await person.press('check');
          await expectPage(person, 'form');
          const items = await person.count('#application .field:not(.field--fixed)');
          assert.equal(await person.count('#application .field:not(.field--fixed) .mark'), items, 'all items carry “!”');
          assert.equal(await person.attribute('#error-summary li', 'data-code'), 'verification.card-not-matched');
          await errorsAtTheTop(person);
          await person.fill({ birth_date_year: '1992' });
          await person.press('check');
          await expectPage(person, 'check');
          await inLanguage();
          await step(4, say('確認', 'Check'));
          await hasBack(person, language);
          await person.press('back');
          await expectPage(person, 'form');
          assert.equal(await person.value('city'), '那覇市', 'Back loses nothing');
          await person.press('check');
          await expectPage(person, 'check');
          await person.press('submit');
          const reference = await receptionReference(person);
          await step(5, say('完了', 'Done'));
          assert.match(await person.text('.what-next'), say(/URLでパスワードを設定/, /set your password at the URL/), 'what the mail will bring');
          assert.doesNotMatch(await person.text('.what-next'), /初期パスワード|initial password/);
          await person.press('home');
          await expectPage(person, 'home');

          // approved
          await signIn(desk, provider, officer, tenant);
          await openApplication(desk, provider, reference, tenant);
          await decide(desk, 'approve');
          const message = await provider.mail.wait(mail, 3);
          assert.equal(/[ぁ-ん]{3}/.test(message.text), language === 'ja', 'the mail is in the page’s language');
          const { login_id: id, link } = settingMail(message);

          // the password by the mail's URL, and the menu
          await person.visit(link);
          await step(2, say('パスワード', 'Password'), 3, say('パスワードの設定', 'Set your password'));
          const password = 'Kawaguchi-mizuumi-88';
          await setPasswords(person, { password });
          await confirmMessage(person);
          await expectPage(person, 'top');
          await inLanguage();
          assert.equal(await person.count('.tile [aria-disabled="true"]'), 3);
          await person.visit(url('/logout'));
          await person.press('logout');

          // login: the error on the same page, then in
          await person.visit(url('/'));
          await person.click('.door:first-child a[href*="/login?kind=counter_applicant"]');
          await expectPage(person, 'login');
          const agency = person.view.locator('main a[href="https://www.residence.example.jp/"]');
          assert.ok(await agency.isVisible());
          assert.match(await agency.textContent(), say(/在留窓口庁/, /Residence Services Agency/));
          const home = person.view.getByRole('link', { name: say('ホームへ戻る', 'Back to the home page'), exact: true });
          await Promise.all([person.view.waitForNavigation({ waitUntil: 'load' }), home.click()]);
          await expectPage(person, 'home');
          await person.visit(url('/login?kind=counter_applicant'));
          await logIn(person, { login_id: id, password: 'not this password' });
          await expectPage(person, 'login');
          assert.equal(await person.attribute('#error-summary li', 'data-code'), 'login.failed_user_id');
          await logIn(person, { login_id: id, password });
          await expectPage(person, 'top');

          // the menu app: what this kind of user may use, the account and back
          await person.visit(`${menu}/`);
          if ((await person.attribute('html', 'lang')) !== language) {
            await person.fill({ lang: language });
            await person.click('.language button');
          }
          await person.click('#login');
          assert.match(await person.text('h1'), say(/メニュー/, /Menu/), await person.describe());
          assert.match(await person.text('dl'), say(/利用者の区分\s*在留資格認定証明書/, /Kind of user\s*Applicant for an electronically issued/));
          for (const closed of ['enter_individually', 'enter_multiple', 'search']) assert.equal(await person.attribute(`#${closed}`, 'aria-disabled'), 'true');
          assert.equal(await person.attribute('#certificate', 'aria-disabled'), null);
          await person.click('#account');
          await expectPage(person, 'account');
          await inLanguage();
          assert.match(await person.text('#back_to_app'), say(/在留メニュー/, /Residence menu/));
          await person.visit(url('/'));
          await person.click('#back_to_app');
          assert.equal(await person.url(), `${menu}/`);
          await person.visit(url('/logout'));
          await person.press('logout');

          // locked; the counter unlocks and tells the user ID
          await person.visit(url('/login'));
          for (let n = 0; n < 10; n += 1) await logIn(person, { login_id: id, password: 'wrong wrong wrong' });
          await logIn(person, { login_id: id, password });
          await expectPage(person, 'login');
          await desk.visit(url('/counter'));
          await desk.fill({ q: mail });
          await desk.press('search');
          await desk.click('.counter-people__in');
          await expectPage(desk, 'counter-person');
          assert.ok(await desk.exists('.standing--locked'));
          assert.ok(!(await desk.html()).includes(id), 'not told before a check');
          await desk.fill({ document: 'residence_card', note: say('本人の話と一致', 'agrees with what was said') });
          await desk.press('unlock');
          await desk.fill({ document: 'residence_card' });
          await desk.press('tell');
          assert.equal(await desk.text('#user_id'), id);
          const served = await provider.database.rows(`SELECT l.action, s.login_id AS actor, l.detail FROM audit l JOIN accounts a ON a.tenant = l.tenant AND a.id = l.subject JOIN accounts s ON s.tenant = l.tenant AND s.id = l.actor
            WHERE a.email = '${mail}' AND l.action IN ('account_unlocked', 'user_id_told') ORDER BY l.seq`);
          assert.deepEqual(served.map(({ detail, ...line }) => ({ ...line, ...JSON.parse(detail) })), [
            { action: 'account_unlocked', actor: officer.login_id, checked: 'residence_card', lifted: true, note: say('本人の話と一致', 'agrees with what was said') },
            { action: 'user_id_told', actor: officer.login_id, checked: 'residence_card', note: '' },
          ]);
          await logIn(person, { login_id: id, password });
          await expectPage(person, 'top');
          await person.visit(url('/logout'));
          await person.press('logout');

          // forgotten
          await person.visit(url('/login'));
          await person.click('#forgot');
          await step(1, say('利用者の確認', 'Who you are'), 4, say('パスワードの再設定', 'Forgotten password'));
          assert.deepEqual(await requiredItems(person, language), ['login_id', 'mail']);
          await person.fill({ login_id: id, mail });
          await person.press('send');
          await expectPage(person, 'forgot-sent');
          await inLanguage();
          await step(2, say('メールの送信', 'Mail sent'), 4, say('パスワードの再設定', 'Forgotten password'));
          const mails = await until('the recovery mail', () => provider.mail.to(mail).find(({ links }) => links.some((one) => one.includes('/forgot/link/'))));
          await person.visit(mails.links.find((one) => one.includes('/forgot/link/')));
          await step(3, say('新しいパスワード', 'New password'), 4, say('パスワードの再設定', 'Forgotten password'));
          await person.fill({ password: 'Hakone-onsen-2025', password_confirm: 'Hakone-onsen-2025' });
          await person.press('set');
          await person.press('ok');
          await expectPage(person, 'login');
          await logIn(person, { login_id: id, password: 'Hakone-onsen-2025' });
          await expectPage(person, 'top');

          // every mail on the way: the tenant's sender, plain text, one language
          const received = provider.mail.to(mail);
          assert.ok(received.length >= 7, received.map(({ subject }) => subject).join(' | '));
          for (const { subject, sender, from, headers, text } of received) {
            assert.deepEqual([from, sender], ['no-reply@residence.example.jp', 'no-reply@residence.example.jp'], subject);
            assert.equal(headers.get('content-type').value, 'text/plain', subject);
            assert.equal(/[ぁ-ん]{3}/.test(subject + text), language === 'ja', `${subject}\n${text}`);
          }

          assert.deepEqual([...person.complaints, ...desk.complaints], [], 'no script error, no breach of the content security policy');
          assert.deepEqual([...person.foreign, ...desk.foreign], [], 'nothing is fetched from elsewhere');
        } finally {
          await person.close();
          await desk.close();
        }
      });
    }

    inBothLanguages('R-ERR-1: every page leads to the list of messages, and each code that a page shows stands there', { kind, timeout: 120_000 }, async (language, javascript) => {
      const person = await ChromiumVisitor.open({ language, javascript });
      const shown = new Set();
      const look = async (name) => {
        await expectPage(person, name);
        assert.equal(await person.attribute('html', 'lang'), language);
        for (const code of await codesAreListed(person)) shown.add(code);
      };
      try {
        for (const [path, name] of [['/', 'home'], ['/notices', 'notices'], ['/login', 'login'], ['/register?kind=counter_applicant', 'register'], ['/forgot', 'forgot'], ['/nowhere', 'not-found'], ['/register/link/AAAA', 'link-problem'], ['/authorize?client_id=nobody', 'error']]) {
          await person.visit(url(path));
          await look(name);
        }
        await person.visit(url('/login'));
        await logIn(person, { login_id: 'RZ00000000', password: 'not this password' });
        await look('login');
        await person.visit(url('/register'));
        await person.press('check');
        await look('register');
        await person.visit(url('/forgot'));
        await person.press('send');
        await look('forgot');
        await person.visit(url('/register?kind=counter_applicant'));
        const mail = newAddress('codes');
        await askForRegistration(person, mail);
        await look('register-sent');
        await person.visit(await registrationLink(provider, mail));
        await person.press('agree');
        await look('terms');
        await agree(person);
        await look('form');
        await person.press('check');
        await look('form');
        await fillForm(person, cardHolder);
        await person.fill({ postal_code: '1', phone: 'x' });
        await person.press('check');
        await look('form');
        await signIn(person, provider, officer, tenant);
        for (const [path, name, button] of [['/account/password', 'change-password', 'change'], ['/account/mail', 'change-mail', 'check'], ['/account/profile', 'form', 'check']]) {
          await person.visit(url(path));
          await person.press(button);
          await look(name);
        }
        await person.visit(url('/messages'));
        await look('messages');
        assert.ok((await person.count('tr[data-code]')) > 80);
        assert.ok(shown.size >= 15, [...shown].join());
      } finally {
        await person.close();
      }
    });

    it('nothing of these pages is wider than a narrow screen', async () => {
      const person = await ChromiumVisitor.open({ language: 'en', width: 320 });
      for (const where of ['/', '/login?kind=counter_applicant', '/register', '/messages', '/notices']) {
        await person.visit(url(where));
        const over = await person.view.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.ok(over <= 0, `${where} is ${over} pixels too wide`);
      }
      await signIn(person, provider, officer, tenant);
      for (const where of ['/counter', '/counter?q=garcia']) {
        await person.visit(url(where));
        const over = await person.view.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.ok(over <= 0, `${where} is ${over} pixels too wide`);
      }
      await person.close();
    });
  });
}
