// How sessions end and the browser's Back is answered, in Chromium, at both tenants, with and without script.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ChromiumVisitor, browserForThisFile } from '../support/chromium.js';
import { databases } from '../support/database.js';
import { agree, askForRegistration, expectPage, fillForm, logIn, receptionReference, registrationLink, signIn } from '../support/journey.js';
import { graduate, newAddress } from '../support/people.js';
import { Provider } from '../support/provider.js';
import { everybody, inBothLanguages } from '../support/suite.js';

browserForThisFile();

const minutes = (n) => n * 60;
const resident = { login_id: 'RZ00000078', email: 'resident@example.jp', password: 'Residence2024x' };

for (const kind of databases) {
  describe(`sessions in Chromium (${kind})`, () => {
    let provider;
    before(async () => {
      provider = await Provider.prepare({ database: kind, clock: true, tenants: ['certificate', 'residence'] });
      await provider.createAccount(everybody);
      await provider.createAccount([resident], 'residence');
      await provider.start();
    }, { timeout: 120_000 });
    after(async () => { await provider?.end(); });

    const withBrowser = async (options, use) => {
      const visitor = await ChromiumVisitor.open(options);
      try {
        await use(visitor);
        assert.deepEqual(visitor.complaints, []);
      } finally {
        await visitor.close();
      }
    };
    const enter = async (visitor, tenant) => signIn(visitor, provider, tenant === 'residence' ? resident : graduate, tenant);
    const at = (path, tenant = 'certificate') => `${provider.issuer(tenant)}${path}`;
    const words = (language, ja, en) => (language === 'ja' ? ja : en);

    for (const javascript of [true, false]) {
      const script = javascript ? 'with script' : 'without script';

      inBothLanguages(`C-LOGIN-4, R-PAGE-5: after thirty minutes without operation the next request leads to login, which says why, and a form sent then is not carried out, ${script}`, { kind }, async (language) => {
        for (const tenant of ['certificate', 'residence']) {
          await withBrowser({ language, javascript }, async (visitor) => {
            await enter(visitor, tenant);
            await provider.advance(minutes(30) - 20);
            await visitor.visit(at('/account', tenant));
            await expectPage(visitor, 'account', 'alive until then');
            await provider.advance(minutes(30) + 6);
            await visitor.visit(at('/account', tenant));
            await expectPage(visitor, 'login');
            assert.match(await visitor.text('#reason'), words(language, /30分間操作がなかった/, /no operation for 30 minutes/));
            await logIn(visitor, tenant === 'residence' ? resident : graduate);
            await expectPage(visitor, 'account', 'back where one was');
            await visitor.visit(at('/logout', tenant));
            await provider.advance(minutes(31));
            await visitor.press('logout');
            await expectPage(visitor, ['login', 'logged-out']);
          });
        }
      });
    }

    inBothLanguages('R-PAGE-5: a warning comes before the idle end, and its button keeps the session; the session’s last end is said and cannot be moved', { kind }, async (language) => {
      await withBrowser({ language }, async (visitor) => {
        await visitor.view.clock.install();
        await enter(visitor, 'residence');
        const warning = visitor.view.locator('#idle');
        await visitor.view.clock.fastForward(minutes(24) * 1000);
        assert.equal(await warning.isVisible(), false, 'not yet');
        await provider.advance(minutes(26));
        await visitor.view.clock.fastForward(minutes(2) * 1000);
        await warning.waitFor({ state: 'visible' });
        assert.match(await warning.textContent(), words(language, /残り \d 分/, /\d min left/));
        const answered = visitor.view.waitForResponse((response) => response.url().endsWith('/session'));
        await warning.locator('[data-stay]').click();
        assert.equal((await answered).status(), 200);
        await warning.waitFor({ state: 'hidden' });
        await provider.advance(minutes(20));
        await visitor.visit(at('/account', 'residence'));
        await expectPage(visitor, 'account', 'without the button it would have ended 16 minutes ago');

        // hours later: used all the time, and near the last end
        for (let spent = 46; spent < 8 * 60 - 5; spent += 25) {
          await provider.advance(minutes(Math.min(25, 8 * 60 - 4 - spent)));
          await visitor.visit(at('/account', 'residence'));
        }
        await expectPage(visitor, 'account');
        await visitor.view.clock.fastForward(2000);
        await warning.waitFor({ state: 'visible' });
        assert.match(await warning.textContent(), words(language, /延ばせません/, /cannot be made longer/));
        await warning.locator('[data-stay]').click();
        await warning.waitFor({ state: 'hidden' });
        await provider.advance(minutes(4) + 2);
        await visitor.view.clock.fastForward((minutes(4) + 2) * 1000);
        await visitor.view.waitForURL(/login\?ended=expired/);
        assert.match(await visitor.text('#reason'), words(language, /8時間/, /8 hours/));
      });
    });

    inBothLanguages('R-PAGE-5: without script each page says until when, and a window of its own keeps the session, so that a form stays as it is', { kind }, async (language) => {
      await withBrowser({ language, javascript: false }, async (visitor) => {
        await enter(visitor, 'residence');
        await visitor.visit(at('/account', 'residence'));
        assert.match(await visitor.text('.stay'), /\d{1,2}[:：]\d{2}/);
        await provider.advance(minutes(25));
        const [opened] = await Promise.all([visitor.context.waitForEvent('page'), visitor.view.locator('#stay').click()]);
        await opened.waitForLoadState();
        assert.equal(await opened.locator('body').getAttribute('data-page'), 'session-kept');
        assert.match(await opened.locator('#message').textContent(), /\d{1,2}[:：]\d{2}/);
        await opened.close();
        await provider.advance(minutes(25));
        await visitor.visit(at('/account', 'residence'));
        await expectPage(visitor, 'account');
      });
    });

    inBothLanguages('R-PAGE-3: at the residence tenant the browser’s Back is an invalid operation: logged out, told so, and nothing can be reached any more', { kind }, async (language) => {
      await withBrowser({ language }, async (visitor) => {
        await enter(visitor, 'residence');
        await visitor.visit(at('/account', 'residence'));
        await visitor.visit(at('/notices', 'residence'));
        const told = visitor.view.waitForResponse((response) => response.url().endsWith('/back'));
        await visitor.view.goBack({ waitUntil: 'commit' });
        assert.equal((await told).status(), 409);
        await visitor.view.waitForFunction(() => document.body?.dataset.page === 'invalid-operation');
        assert.equal(await visitor.attribute('#error', 'data-error-code'), 'invalid_operation');
        assert.match(await visitor.text('#message'), words(language, /ログアウトしました/, /logged out/));
        await visitor.press('ok');
        await expectPage(visitor, 'login');
        await visitor.visit(at('/account', 'residence'));
        await expectPage(visitor, 'login');
      });
    });

    inBothLanguages('R-PAGE-3: at the certificate tenant Back shows the right step and loses nothing, a form that was sent before is an invalid operation, and nobody is logged out', { kind }, async (language) => {
      for (const javascript of [true, false]) {
        await withBrowser({ language, javascript }, async (visitor) => {
          const mail = newAddress('wentback');
          await visitor.visit(at('/register'));
          await askForRegistration(visitor, mail);
          await visitor.visit(await registrationLink(provider, mail));
          await agree(visitor);
          await fillForm(visitor, { building: '戻り荘 3' });
          await visitor.press('check');
          await expectPage(visitor, 'check');
          await visitor.back('form');
          assert.equal(await visitor.value('building'), '戻り荘 3');
          await visitor.press('check');
          await expectPage(visitor, 'check');
          await visitor.press('submit');
          const reference = await receptionReference(visitor);
          await visitor.back('check', 'reception');
          // the browser may show what it kept; what it asks for anew is the right step
          if ((await visitor.page()) === 'check') {
            await visitor.press('submit');
            assert.equal(visitor.status, 409);
            await expectPage(visitor, 'invalid-operation');
            await visitor.press('ok');
          }
          assert.equal(await receptionReference(visitor), reference);

          await enter(visitor, 'certificate');
          await visitor.visit(at('/account'));
          await visitor.visit(at('/notices'));
          await visitor.back('account');
        });
      }
    });

    it('Back to a page that the browser kept, after logging out elsewhere, shows nothing of the account', async () => {
      await withBrowser({}, async (visitor) => {
        await enter(visitor, 'certificate');
        await visitor.visit(at('/account'));
        await visitor.visit(at('/notices'));
        const other = await visitor.context.newPage();
        await other.goto(at('/logout'));
        await other.locator('#logout').click();
        await other.waitForLoadState();
        await visitor.back('login');
      });
    });

    inBothLanguages('R-PAGE-4: Enter on the page, in a choice, on a radio button or a file presses no button; in a box for text it does', { kind }, async (language) => {
      await withBrowser({ language }, async (visitor) => {
        const mail = newAddress('enter');
        await visitor.visit(at('/register'));
        await askForRegistration(visitor, mail);
        await visitor.visit(await registrationLink(provider, mail));
        await expectPage(visitor, 'terms');
        let sent = 0;
        visitor.view.on('request', (request) => { if (request.method() === 'POST') sent += 1; });
        const press = async (selector) => {
          await visitor.view.locator(selector).first().focus();
          await visitor.view.keyboard.press('Enter');
          await visitor.view.waitForTimeout(150);
        };
        await press('[name=agree]');
        await visitor.view.locator('body').click({ position: { x: 2, y: 2 } });
        await visitor.view.keyboard.press('Enter');
        await visitor.view.waitForTimeout(150);
        assert.equal(sent, 0);
        await expectPage(visitor, 'terms');
        await agree(visitor);
        await expectPage(visitor, 'form');
        sent = 0;
        for (const selector of ['[name=application_type]', 'select[name=prefecture]', 'h1']) {
          if (selector === 'h1') await visitor.view.locator('h1').click();
          else await press(selector);
        }
        await visitor.view.keyboard.press('Enter');
        await visitor.view.waitForTimeout(150);
        assert.equal(sent, 0);
        await expectPage(visitor, 'form');
        await visitor.view.locator('[name=street]').focus();
        await Promise.all([visitor.view.waitForNavigation(), visitor.view.keyboard.press('Enter')]);
        assert.equal(sent, 1);
      });
    });
  });
}
