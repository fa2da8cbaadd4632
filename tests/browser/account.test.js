// What somebody who is signed in finds at the gear, in Chromium: the menu, the top page, the manual, other passwords,
// another mail address. With scripts and without, at a desk and on a phone.

import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { ChromiumVisitor, browserForThisFile } from '../support/chromium.js';
import { databases } from '../support/database.js';
import { apply, confirmMessage, expectPage, logIn, signIn } from '../support/journey.js';
import { newAddress } from '../support/people.js';
import { Provider } from '../support/provider.js';
import { inBothLanguages } from '../support/suite.js';
import { Visitor } from '../support/visitor.js';

browserForThisFile();

const own = { password: 'Haguruma2024x', second_password: 'Tebiki77betsu' };
const words = (language, ja, en) => (language === 'ja' ? ja : en);

for (const kind of databases) {
  describe(`the account in Chromium (${kind})`, () => {
    let provider;
    before(async () => {
      provider = await Provider.prepare({ database: kind, tenants: ['certificate', 'residence'] });
      await provider.start();
    }, { timeout: 120_000 });
    after(async () => { await provider?.end(); });

    const page = (path, tenant) => `${provider.issuer(tenant)}${path}`;
    const somebody = async () => {
      const email = newAddress('gear');
      await provider.createAccount([{ login_id: email, email, claims: { name: '歯車 花子' }, ...own }]);
      return { login_id: email, email, ...own };
    };
    const withBrowser = async (options, use) => {
      const visitor = await ChromiumVisitor.open(options);
      try {
        await use(visitor);
        assert.deepEqual(visitor.complaints, [], 'no script error, no breach of the content security policy');
        assert.deepEqual(visitor.foreign, []);
      } finally {
        await visitor.close();
      }
    };
    /** Opens the gear and chooses an entry by its words. */
    const choose = async (visitor, name) => {
      await visitor.view.locator('#menu > summary').click();
      const entry = visitor.view.getByRole('link', { name, exact: true }).and(visitor.view.locator('#menu a'));
      await entry.waitFor({ state: 'visible' });
      await Promise.all([visitor.view.waitForNavigation({ waitUntil: 'load' }), entry.click()]);
    };
    const entries = (language) => words(
      language,
      ['トップページ', '操作マニュアル', '個人情報の変更', 'メールアドレスの変更', '学籍番号の追加登録', 'パスワードの変更', '第二パスワードの変更', 'ログイン中の端末', '連携しているサービス', '自分のデータの取得', 'ログアウト'],
      ['Top page', 'Manual', 'Personal setting', 'Change mail address', 'Register additional student ID number', 'Change password', 'Change second password', 'Where you are logged in', 'Connected services', 'Download your data', 'Log out'],
    );
    const linkTo = async (mail, part, count = 1) => {
      const message = await provider.mail.wait(mail, count);
      return message.links.find((one) => one.includes(part)) ?? assert.fail(message.text);
    };

    for (const javascript of [true, false]) {
      const scripts = javascript ? 'with scripts' : 'without scripts';

      inBothLanguages(`C-MENU-1: the gear is on every signed-in page, at a desk and on a phone, ${scripts}`, { kind, timeout: 120_000 }, async (language) => {
        const person = await somebody();
        for (const width of [1280, 375]) {
          await withBrowser({ language, javascript, width, height: 800 }, async (visitor) => {
            await signIn(visitor, provider, person);
            for (const path of ['/', '/manual', '/account', '/account/mail', '/account/password', '/account/second-password', '/account/sessions', '/account/applications', '/account/data', '/account/profile', '/account/student-id', '/logout']) {
              await visitor.visit(page(path));
              assert.equal(visitor.status, 200, path);
              const gear = visitor.view.locator('#menu > summary');
              assert.ok(await gear.isVisible(), path);
              assert.ok((await gear.boundingBox()).height >= 44, 'large enough for a finger');
              assert.ok(await gear.locator('svg.icon--gear').isVisible());
              assert.equal(await visitor.view.locator('#menu a').first().isVisible(), false, 'closed at first');
              await gear.click();
              assert.deepEqual((await visitor.view.locator('#menu a').allTextContents()).map((t) => t.trim()), entries(language));
              const panel = await visitor.view.locator('.menu__panel').boundingBox();
              assert.ok(panel.x >= 0 && panel.x + panel.width <= width, `${path}: the menu stands within ${width}`);
              for (const entry of await visitor.view.locator('#menu a').all()) assert.ok((await entry.boundingBox()).height >= 43.5);
            }
          });
        }
      });

      inBothLanguages(`C-SELF-3: another password and another second password, ${scripts}`, { kind, timeout: 120_000 }, async (language) => {
        const person = await somebody();
        await withBrowser({ language, javascript }, async (visitor) => {
          await signIn(visitor, provider, person);
          for (const [entry, field, fresh] of [[5, 'password', 'Kawatta2025x'], [6, 'second_password', 'Futatsume88mo']]) {
            await choose(visitor, entries(language)[entry]);
            await expectPage(visitor, 'change-password');
            assert.ok((await visitor.view.locator('.notes li').count()) >= 6, 'the rules are shown');
            await visitor.fill({ current: 'Chigau2024zz', [field]: fresh, [`${field}_confirm`]: fresh });
            await visitor.press('change');
            assert.equal(visitor.status, 422);
            assert.ok(await visitor.exists('#current[aria-invalid="true"]'));
            assert.equal(await visitor.value(field), '', 'what was typed is not shown again');
            await visitor.fill({ current: person[field], [field]: 'kurz', [`${field}_confirm`]: 'anders' });
            await visitor.press('change');
            const problems = await visitor.view.locator('#error-summary li').allTextContents();
            assert.ok(problems.length >= 4, `each rule is named: ${problems.join()}`);
            await visitor.fill({ current: person[field], [field]: fresh, [`${field}_confirm`]: fresh });
            await visitor.press('change');
            await expectPage(visitor, 'message');
            assert.match(await visitor.text('h1'), words(language, /変更が完了/, /Change complete/));
            await confirmMessage(visitor);
            await expectPage(visitor, 'top');
            person[field] = fresh;
          }
        });
        const told = await provider.mail.wait(person.email, 2);
        assert.match(told.subject, words(language, /第二パスワード|パスワードを変更/, /password was changed/));
        await signIn(new Visitor(), provider, person);
      });

      inBothLanguages(`C-SELF-2: another mail address, proved by a URL in a mail, ${scripts}`, { kind, timeout: 120_000 }, async (language) => {
        const person = await somebody();
        const fresh = newAddress('shin');
        await withBrowser({ language, javascript }, async (visitor) => {
          await signIn(visitor, provider, person);
          await choose(visitor, entries(language)[3]);
          await expectPage(visitor, 'change-mail');
          assert.ok((await visitor.view.locator('.notes li').count()) >= 4, 'the notes are shown');
          await visitor.fill({ mail: fresh, mail_confirm: `x${fresh}` });
          await visitor.press('check');
          assert.ok(await visitor.exists('#mail_confirm[aria-invalid="true"]'));
          assert.equal(await visitor.value('mail'), fresh, 'what was typed is kept');
          await visitor.fill({ mail: fresh, mail_confirm: fresh });
          await visitor.press('check');
          await expectPage(visitor, 'change-mail-sent');
          const url = await linkTo(fresh, '/account/mail/link/');
          const mail = provider.mail.to(fresh)[0];
          assert.match(mail.text, words(language, /日本時間/, /Japan time/), 'the mail says until when');
          await provider.mail.wait(person.email, 1);
          await signIn(new Visitor(), provider, person);
          await visitor.visit(url);
          await expectPage(visitor, 'confirm-link');
          assert.match(await visitor.text('#message'), new RegExp(fresh));
          await visitor.press('confirm');
          await expectPage(visitor, 'message');
          assert.match(await visitor.text('h1'), words(language, /変更が完了/, /Change complete/));
          await confirmMessage(visitor);
          await expectPage(visitor, 'top');
        });
        await signIn(new Visitor(), provider, { ...person, login_id: fresh });
        const old = new Visitor();
        await old.visit(page('/login'));
        await logIn(old, person);
        await expectPage(old, 'login');
      });

      inBothLanguages(`R-SELF-2, R-SELF-3: the resident changes password and mail address, ${scripts}`, { kind, timeout: 120_000 }, async (language) => {
        const number = `RZ0000${1000 + (javascript ? 1 : 2) + (language === 'ja' ? 10 : 20)}`;
        const person = { login_id: number, email: newAddress('resident'), password: 'Zairyuu2024kado' };
        await provider.createAccount([person], 'residence');
        const fresh = newAddress('atarashii');
        await withBrowser({ language, javascript, width: 375 }, async (visitor) => {
          await signIn(visitor, provider, person, 'residence');
          await visitor.visit(page('/account/password', 'residence'));
          await visitor.fill({ current: person.password, password: 'Kawatta 2025 machi', password_confirm: 'Kawatta 2025 machi' });
          await visitor.press('change');
          await expectPage(visitor, 'message');
          const told = await provider.mail.wait(person.email, 1);
          assert.match(told.subject, words(language, /パスワード/, /password/i));
          await visitor.visit(page('/account/mail', 'residence'));
          await visitor.fill({ mail: fresh, mail_confirm: fresh });
          await visitor.press('check');
          await expectPage(visitor, 'change-mail-sent');
          await visitor.visit(await linkTo(fresh, '/account/mail/link/'));
          await visitor.press('confirm');
          await expectPage(visitor, 'message');
        });
        // the new address is told, and so is the old one
        await provider.mail.wait(fresh, 2);
        await provider.mail.wait(person.email, 3);
        await signIn(new Visitor(), provider, { ...person, password: 'Kawatta 2025 machi' }, 'residence');
      });
    }

    inBothLanguages('C-MENU-1: the keyboard opens the menu, goes through it and closes it', { kind }, async (language) => {
      const person = await somebody();
      await withBrowser({ language }, async (visitor) => {
        await signIn(visitor, provider, person);
        await visitor.visit(page('/manual'));
        const focused = () => visitor.view.evaluate(() => document.activeElement?.closest('summary, a')?.textContent.trim() ?? '');
        for (let n = 0; n < 20 && !(await visitor.view.evaluate(() => document.activeElement?.matches('#menu > summary'))); n += 1) await visitor.view.keyboard.press('Tab');
        assert.ok(await visitor.view.evaluate(() => document.activeElement?.matches('#menu > summary')), 'Tab reaches the gear');
        await visitor.view.keyboard.press('Enter');
        await visitor.view.keyboard.press('Tab');
        assert.equal(await focused(), entries(language)[0]);
        await visitor.view.keyboard.press('Escape');
        assert.equal(await visitor.view.locator('#menu').getAttribute('open'), null);
        assert.ok(await visitor.view.evaluate(() => document.activeElement?.matches('#menu > summary')), 'Escape leads back to the gear');
        await visitor.view.keyboard.press('Space');
        await visitor.view.keyboard.press('Tab');
        await Promise.all([visitor.view.waitForNavigation({ waitUntil: 'load' }), visitor.view.keyboard.press('Enter')]);
        await expectPage(visitor, 'top');
      });
    });

    inBothLanguages('C-MENU-2: current applications with state and expected day, past ones, tiles of the relying parties', { kind, timeout: 120_000 }, async (language) => {
      const person = await somebody();
      await withBrowser({ language }, async (visitor) => {
        await signIn(visitor, provider, person);
        await expectPage(visitor, 'top');
        assert.match(await visitor.text('#current'), words(language, /手続き中の申請はありません/, /no current applications/));
        assert.match(await visitor.text('#past'), words(language, /これまでの申請はありません/, /no past applications/));
        const tiles = await visitor.view.locator('a.tile__in').evaluateAll((links) => links.map((link) => [link.textContent, link.href]));
        assert.equal(tiles.length, 2);
        assert.match(tiles[0][0], words(language, /コンビニエンスストア/, /Convenience store/));
        assert.match(tiles[1][0], words(language, /郵送/, /Sending by post/));
        // opened by OpenID Connect: the client's own start, told who asks (OpenID Connect Core §4)
        for (const [, href] of tiles) assert.equal(new URL(href).searchParams.get('iss'), provider.issuer());

        const references = [];
        for (const state of ['submitted', 'rejected']) {
          const { reference } = await apply(new Visitor(), provider);
          await provider.database.execute(`UPDATE applications SET account = (SELECT id FROM accounts WHERE email = '${person.email}'), state = '${state}' WHERE reference = '${reference}'`);
          references.push(reference);
        }
        await visitor.visit(page('/'));
        assert.match(await visitor.text('#current'), new RegExp(references[0]));
        assert.match(await visitor.text('#past'), new RegExp(references[1]));
        assert.match(await visitor.text('#current'), words(language, /確認待ち.*\d{4}年\d{1,2}月\d{1,2}日までにお知らせ/, /To check.*Expect the result by \d{1,2} [A-Z][a-z]+ \d{4}/));
        assert.match(await visitor.text('#past'), words(language, /却下/, /Rejected/));
      });
    });

    inBothLanguages('C-MENU-3: the operating manual opens in the language at hand', { kind }, async (language) => {
      const person = await somebody();
      await withBrowser({ language, javascript: false }, async (visitor) => {
        await signIn(visitor, provider, person);
        await choose(visitor, entries(language)[1]);
        await expectPage(visitor, 'manual');
        assert.equal(await visitor.attribute('html', 'lang'), language);
        assert.equal(/[ぁ-ん]{4}/.test(await visitor.text('.prose')), language === 'ja');
        assert.ok((await visitor.view.locator('.sections a').count()) >= 3, 'with its contents');
      });
    });
  });
}
